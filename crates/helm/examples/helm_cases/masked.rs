//! Renderings without their random parts.

use helm::yaml;
use serde_json::Value as Json;

use crate::rows::{text, texts};

/// A rendering in which the documents with random parts are written as JSON, without those parts.
pub(crate) fn masked(rendering: &str, case: &Json) -> String {
    let unstable = case.get("unstable_paths").and_then(Json::as_array);
    let Some(unstable) = unstable.filter(|it| !it.is_empty()) else {
        return rendering.to_owned();
    };
    let mut documents = documents(rendering);
    for place in unstable {
        let number = place.get("document").and_then(Json::as_u64);
        let document = number
            .and_then(|number| usize::try_from(number).ok())
            .and_then(|number| documents.get_mut(number));
        let Some(document) = document else {
            continue;
        };
        let source = text(place, "source");
        if !source.is_empty() && !document.contains(&source) {
            continue;
        }
        if let Some(clean) = without(document, &texts(place, "paths")) {
            *document = clean;
        }
    }
    documents.join("---\n")
}

/// What stands between lines of three dashes, as far as there is something.
fn documents(rendering: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in rendering.split_inclusive('\n') {
        if line.trim_end_matches('\n') == "---" {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}

/// A document parsed, without what the pointers name.
fn without(document: &str, pointers: &[String]) -> Option<String> {
    let value = yaml::read(document.as_bytes()).ok()?;
    let text = yaml::to_yaml(&value).ok()?;
    let mut json: Json = kyaml::v2::read(
        text.as_bytes(),
        &kyaml::Limits::default(),
        &mut kyaml::v2::BuildJson,
    )
    .ok()?;
    for pointer in pointers {
        match json.pointer_mut(pointer) {
            Some(place) => *place = Json::from("(random)"),
            None => return None,
        }
    }
    let comments: String = document
        .lines()
        .take_while(|line| line.starts_with('#'))
        .collect();
    Some(format!("{comments}\n{json}\n"))
}
