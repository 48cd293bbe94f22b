//! Which objects a rule is about.
//!
//! Source: kustomize v5.8 `api/types/selector.go`, apimachinery v0.36 `pkg/labels`

use regex::Regex;
use weir_api::meta::Selector;

use crate::object::Object;

/// A selector that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid selector '{0}'")]
pub struct SelectorError(pub String);

/// A compiled selector. Empty parts match everything.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    namespace: Option<Regex>,
    name: Option<Regex>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self, SelectorError> {
        Ok(Self {
            group: anchored(&selector.group)?,
            version: anchored(&selector.version)?,
            kind: anchored(&selector.kind)?,
            namespace: anchored(&selector.namespace)?,
            name: anchored(&selector.name)?,
            labels: requirements(&selector.label_selector)?,
            annotations: requirements(&selector.annotation_selector)?,
        })
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        let texts = [
            (&self.group, object.group()),
            (&self.version, object.version()),
            (&self.kind, object.kind()),
            (&self.namespace, object.namespace()),
            (&self.name, object.name()),
        ];
        let fits = |(regex, text): (&Option<Regex>, &str)| {
            regex.as_ref().is_none_or(|regex| regex.is_match(text))
        };
        texts.into_iter().all(fits)
            && self.labels.iter().all(|r| r.matches(object.label(&r.key)))
            && self
                .annotations
                .iter()
                .all(|r| r.matches(object.annotation(&r.key)))
    }
}

fn anchored(pattern: &str) -> Result<Option<Regex>, SelectorError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let regex = Regex::new(&format!("^(?:{pattern})$"));
    regex
        .map(Some)
        .map_err(|_| SelectorError(pattern.to_owned()))
}

/// One requirement of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    /// Also met where there is no such label.
    NotIn(Vec<String>),
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        match (&self.test, value) {
            (Test::Exists, value) => value.is_some(),
            (Test::Absent, value) => value.is_none(),
            (Test::In(values), Some(value)) => values.iter().any(|v| v == value),
            (Test::In(_), None) => false,
            (Test::NotIn(values), Some(value)) => values.iter().all(|v| v != value),
            (Test::NotIn(_), None) => true,
        }
    }
}

/// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
fn requirements(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let mut result = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // A comma between parentheses does not end a requirement.
        let mut depth = 0_usize;
        let end = rest.find(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        });
        let (one, after) = match end {
            Some(end) => (&rest[..end], rest[end + 1..].trim()),
            None => (rest, ""),
        };
        result.push(requirement(one.trim()).ok_or_else(|| SelectorError(text.to_owned()))?);
        if end.is_some() && after.is_empty() {
            return Err(SelectorError(text.to_owned()));
        }
        rest = after;
    }
    Ok(result)
}

fn requirement(text: &str) -> Option<Requirement> {
    let one = |value: &str| vec![value.trim().to_owned()];
    let (key, test) = if let Some(key) = text.strip_prefix('!') {
        (key, Test::Absent)
    } else if let Some((key, value)) = text.split_once("!=") {
        (key, Test::NotIn(one(value)))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (key, Test::In(one(value)))
    } else if let Some((head, values)) = text.split_once('(') {
        let values = values.strip_suffix(')')?;
        let values = values
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        let (key, operator) = head.trim().split_once(char::is_whitespace)?;
        match operator.trim() {
            "in" => (key, Test::In(values)),
            "notin" => (key, Test::NotIn(values)),
            _ => return None,
        }
    } else {
        (text, Test::Exists)
    };
    let key = key.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!key.is_empty() && key.chars().all(plain)).then(|| Requirement {
        key: key.to_owned(),
        test,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(selector: Selector, expected: bool) {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web-1", "namespace": "ns", "labels": {"a": "x"}, "annotations": {"b": "y"}}});
        let object = Object::new(object).expect("an object");
        let matcher = Matcher::new(&selector).expect("a selector");
        assert_eq!(matcher.matches(&object), expected, "{selector:?}");
    }

    #[test]
    fn texts_are_anchored_patterns() {
        let name = |name: &str| Selector {
            name: name.to_owned(),
            ..Selector::default()
        };
        check(Selector::default(), true);
        check(name("web-1"), true);
        check(name("web"), false);
        check(name("web-.*|db"), true);
        check(name("eb-1|web"), false);
        let selector = Selector {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "ns".to_owned(),
            ..Selector::default()
        };
        check(selector, true);
        assert!(Matcher::new(&name("(")).is_err());
    }

    #[test]
    fn labels_and_annotations_are_selected_as_by_kubectl() {
        for (text, expected) in [
            ("a", true),
            ("a=x", true),
            ("a==x", true),
            ("a!=x", false),
            ("!a", false),
            ("!c,a=x", true),
            ("a in (w, x)", true),
            ("a notin (w,x)", false),
            ("c notin (w),c!=w", true),
            ("c in (w)", false),
        ] {
            let label_selector = text.to_owned();
            check(
                Selector {
                    label_selector,
                    ..Selector::default()
                },
                expected,
            );
        }
        let annotation_selector = "b=y".to_owned();
        check(
            Selector {
                annotation_selector,
                ..Selector::default()
            },
            true,
        );
        for text in ["a in x", "a within (x)", "=x", "a=x,", "a b"] {
            assert!(requirements(text).is_err(), "{text}");
        }
    }
}
