//! Rows of `yaml/`.

use helm::yaml;
use kyaml::Limits;
use kyaml::v2::{self, BuildJson};
use serde_json::Value as Json;

use crate::rows::{Outcome, decoded, expected, text};

/// A value in JSON, printed as YAML.
pub(crate) fn marshal(row: &Json) -> Outcome {
    // Numbers of JSON are floats to Helm, which is how values of YAML are read.
    let value = yaml::read_json(text(row, "json").as_bytes());
    Outcome {
        expected: expected(row, "yaml"),
        found: value.and_then(|value| yaml::to_yaml(&value).map_err(|error| error.to_string())),
    }
}

/// A text read as YAML, as JSON.
pub(crate) fn unmarshal(row: &Json) -> Outcome {
    let bytes = match row.get("yaml_base64").and_then(Json::as_str) {
        Some(encoded) => decoded(encoded),
        None => text(row, "yaml").into_bytes(),
    };
    let read = v2::read(&bytes, &Limits::default(), &mut BuildJson);
    Outcome {
        // Go escapes what stands for a broken byte, but not the same character where it was meant.
        expected: expected(row, "json").map(|json| json.replace("\\ufffd", "\u{FFFD}")),
        found: read
            .map(|value| kyaml::to_go_json(&value))
            .map_err(|error| error.to_string()),
    }
}
