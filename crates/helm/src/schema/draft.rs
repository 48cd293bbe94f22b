//! The drafts, their own schemas, and where in a schema others are.

/// A draft of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    D4,
    D6,
    D7,
    D2019,
    D2020,
}

impl Draft {
    pub(super) const LATEST: Self = Self::D2020;

    /// The draft that a `$schema` names.
    pub(super) fn of(url: &str) -> Option<Self> {
        let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
        if !fragment.is_empty() {
            return None;
        }
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        Some(match rest.unwrap_or(url) {
            "json-schema.org/schema" => Self::LATEST,
            "json-schema.org/draft/2020-12/schema" => Self::D2020,
            "json-schema.org/draft/2019-09/schema" => Self::D2019,
            "json-schema.org/draft-07/schema" => Self::D7,
            "json-schema.org/draft-06/schema" => Self::D6,
            "json-schema.org/draft-04/schema" => Self::D4,
            _ => return None,
        })
    }

    /// The address of its own schema.
    pub(super) const fn url(self) -> &'static str {
        match self {
            Self::D4 => "http://json-schema.org/draft-04/schema",
            Self::D6 => "http://json-schema.org/draft-06/schema",
            Self::D7 => "http://json-schema.org/draft-07/schema",
            Self::D2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::D2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The keyword that gives a schema its address.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::D4 => "id",
            _ => "$id",
        }
    }

    /// Keywords below which other schemas are: themselves, in a list, or under any name.
    pub(super) fn below(self) -> impl Iterator<Item = (&'static str, Below)> {
        BELOW
            .iter()
            .filter(move |(since, ..)| *since <= self)
            .map(|(_, keyword, below)| (*keyword, *below))
    }
}

/// How schemas stand below a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Below {
    One,
    Many,
    Named,
}

const BELOW: &[(Draft, &str, Below)] = &[
    (Draft::D4, "definitions", Below::Named),
    (Draft::D4, "not", Below::One),
    (Draft::D4, "allOf", Below::Many),
    (Draft::D4, "anyOf", Below::Many),
    (Draft::D4, "oneOf", Below::Many),
    (Draft::D4, "properties", Below::Named),
    (Draft::D4, "additionalProperties", Below::One),
    (Draft::D4, "patternProperties", Below::Named),
    (Draft::D4, "items", Below::One),
    (Draft::D4, "items", Below::Many),
    (Draft::D4, "additionalItems", Below::One),
    (Draft::D4, "dependencies", Below::Named),
    (Draft::D6, "propertyNames", Below::One),
    (Draft::D6, "contains", Below::One),
    (Draft::D7, "if", Below::One),
    (Draft::D7, "then", Below::One),
    (Draft::D7, "else", Below::One),
    (Draft::D2019, "$defs", Below::Named),
    (Draft::D2019, "dependentSchemas", Below::Named),
    (Draft::D2019, "unevaluatedProperties", Below::One),
    (Draft::D2019, "unevaluatedItems", Below::One),
    (Draft::D2019, "contentSchema", Below::One),
    (Draft::D2020, "prefixItems", Below::Many),
];

macro_rules! meta {
    ($($url:literal => $file:literal),* $(,)?) => {
        /// The standard's own schemas, by the address without its scheme.
        const META: &[(&str, &str)] = &[
            $(($url, include_str!(concat!("metaschemas/", $file, ".json")))),*
        ];
    };
}

meta! {
    "draft-04/schema" => "draft-04",
    "draft-06/schema" => "draft-06",
    "draft-07/schema" => "draft-07",
    "schema" => "2020-12-schema",
    "draft/2019-09/schema" => "2019-09-schema",
    "draft/2019-09/meta/applicator" => "2019-09-applicator",
    "draft/2019-09/meta/content" => "2019-09-content",
    "draft/2019-09/meta/core" => "2019-09-core",
    "draft/2019-09/meta/format" => "2019-09-format",
    "draft/2019-09/meta/meta-data" => "2019-09-meta-data",
    "draft/2019-09/meta/validation" => "2019-09-validation",
    "draft/2020-12/schema" => "2020-12-schema",
    "draft/2020-12/meta/applicator" => "2020-12-applicator",
    "draft/2020-12/meta/content" => "2020-12-content",
    "draft/2020-12/meta/core" => "2020-12-core",
    "draft/2020-12/meta/format-annotation" => "2020-12-format-annotation",
    "draft/2020-12/meta/format-assertion" => "2020-12-format-assertion",
    "draft/2020-12/meta/meta-data" => "2020-12-meta-data",
    "draft/2020-12/meta/unevaluated" => "2020-12-unevaluated",
    "draft/2020-12/meta/validation" => "2020-12-validation",
}

/// The text of one of the standard's own schemas.
pub(super) fn standard(url: &str) -> Option<&'static str> {
    let rest = url
        .strip_prefix("http://json-schema.org/")
        .or_else(|| url.strip_prefix("https://json-schema.org/"))?;
    let found = META.iter().find(|(name, _)| *name == rest);
    found.map(|(_, text)| *text)
}

/// Whether an address is below that of the standard.
pub(super) fn is_standard(url: &str) -> bool {
    url.starts_with("http://json-schema.org/") || url.starts_with("https://json-schema.org/")
}
