//! Why objects were not applied, in the words that Flux's users know.
//!
//! These errors print their cause themselves: the words around it depend on it.
//!
//! Source: fluxcd/pkg `ssa/errors`, `ssa/manager_apply.go`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::object::{Object, ObjectRef};
use crate::request::RequestError;

/// Why objects were not applied. `object` names the object, `cause` says what the API server said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the variants have the same fields")]
pub enum ApplyError {
    /// The object cannot be read.
    #[error("{object} query failed: {cause}")]
    Query {
        object: ObjectRef,
        cause: RequestError,
    },
    /// The server would not accept the object.
    #[error("{}", dry_run_message(object, cause))]
    DryRun {
        object: ObjectRef,
        cause: RequestError,
    },
    /// The fields of other tools cannot be taken over.
    #[error("{object} metadata.managedFields cleanup failed: {cause}")]
    TakeOver {
        object: ObjectRef,
        cause: RequestError,
    },
    /// Field entries of another version cannot be brought to the one that is applied.
    #[error(
        "{object} failed to migrate API version: failed to migrate managed fields API version to {version}: {cause}"
    )]
    Migrate {
        object: ObjectRef,
        version: String,
        cause: RequestError,
    },
    /// The object that is to be recreated cannot be deleted.
    #[error("{object} immutable field detected, failed to delete object: {cause}")]
    Delete {
        object: ObjectRef,
        cause: RequestError,
    },
    /// The object that is to be recreated does not go away.
    #[error(
        "{object} immutable field detected, failed to wait for object to be deleted: timed out"
    )]
    StillThere { object: ObjectRef },
    /// The server did not accept the object, although it would have.
    #[error("{object} apply failed: {cause}")]
    Apply {
        object: ObjectRef,
        cause: RequestError,
    },
    /// Objects that others need are not ready.
    #[error("{0}")]
    NotReady(String),
    /// An object cannot be applied, and there is something wrong with others as well.
    #[error("{first}{}", lines(others))]
    Several { first: Box<Self>, others: Vec<Self> },
}

/// So many errors are told of one stage.
const MOST_TOLD: usize = 20;

/// A line for each, as far as they are told.
fn lines(errors: &[ApplyError]) -> String {
    let told = errors.iter().take(MOST_TOLD);
    let mut text: String = told.map(|error| format!("\n{error}")).collect();
    if errors.len() > MOST_TOLD {
        text += &format!("\nand {} more", errors.len() - MOST_TOLD);
    }
    text
}

impl ApplyError {
    /// The first of them, together with those that say what is wrong with an object: the others, such as a server that
    /// is away or a right that is missing, say the same of every object.
    pub(crate) fn of_all(errors: Vec<Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let first = errors.next()?;
        let others: Vec<Self> = errors.filter(Self::is_mistake).collect();
        if others.is_empty() {
            return Some(first);
        }
        let first = Box::new(first);
        Some(Self::Several { first, others })
    }

    /// Whether the server has refused the object for what is in it.
    fn is_mistake(&self) -> bool {
        let refused = match self {
            Self::DryRun { cause, .. } => cause,
            _ => return false,
        };
        match refused {
            RequestError::Refused {
                code: 500, message, ..
            } => message.starts_with("failed to create typed patch object"),
            RequestError::Refused { code, .. } => matches!(code, 400 | 422),
            _ => false,
        }
    }

    /// What the API server said, if it is about one object.
    #[must_use]
    pub fn cause(&self) -> Option<&RequestError> {
        match self {
            Self::Several { first, .. } => first.cause(),
            Self::Query { cause, .. }
            | Self::DryRun { cause, .. }
            | Self::TakeOver { cause, .. }
            | Self::Migrate { cause, .. }
            | Self::Delete { cause, .. }
            | Self::Apply { cause, .. } => Some(cause),
            Self::StillThere { .. } | Self::NotReady(_) => None,
        }
    }
}

fn dry_run_message(object: &ObjectRef, cause: &RequestError) -> String {
    if cause.is_not_found() {
        let words = if object.namespace.is_empty() {
            "namespace not specified"
        } else {
            "not found"
        };
        return format!("{object} {words}: {cause}");
    }
    match cause.reason() {
        "" => format!("{object} dry-run failed: {cause}"),
        reason => format!("{object} dry-run failed ({reason}): {cause}"),
    }
}

/// What the server said about `object`, without the values of a Secret.
pub(crate) fn without_secrets(object: &Object, cause: RequestError) -> RequestError {
    match cause {
        RequestError::Refused {
            code,
            reason,
            message,
        } if object.kind() == "Secret" => RequestError::Refused {
            message: redact(&message, object),
            code,
            reason,
        },
        cause => cause,
    }
}

/// Shorter values would tear words apart, and are no secret.
const SHORTEST: usize = 4;

fn redact(message: &str, secret: &Object) -> String {
    let mut values = Vec::new();
    let fields = ["data", "stringData"].map(|field| secret.value().get(field));
    let mut left: Vec<&Value> = fields.into_iter().flatten().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => left.extend(fields.values()),
            Value::String(text) => {
                let decoded = STANDARD.decode(text).ok();
                values.extend(decoded.and_then(|bytes| String::from_utf8(bytes).ok()));
                values.push(text.clone());
            }
            Value::Number(number) => values.push(number.to_string()),
            Value::Null | Value::Bool(_) => {}
        }
    }
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut message = message.to_owned();
    for value in values.iter().filter(|value| value.len() >= SHORTEST) {
        message = message.replace(value.as_str(), "<redacted>");
        // As Go quotes it.
        let quoted = Value::from(value.as_str()).to_string();
        message = message.replace(quoted.trim_matches('"'), "<redacted>");
    }
    redact_typed_values(&message)
}

/// `valueUnstructured{Value:…}` is how the server prints a value of the wrong type.
fn redact_typed_values(message: &str) -> String {
    let mark = "valueUnstructured{Value:";
    let mut parts = message.split(mark);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.find('}').map_or("", |end| &part[end..]);
        result.push_str(mark);
        result.push_str("<redacted>");
        result.push_str(rest);
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(code: u16, reason: &str, message: &str) -> RequestError {
        RequestError::Refused {
            code,
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    fn check(namespace: &str, cause: RequestError, expected: &str) {
        let object = ObjectRef {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: namespace.to_owned(),
            name: "a".to_owned(),
        };
        assert_eq!(ApplyError::DryRun { object, cause }.to_string(), expected);
    }

    fn of(name: usize, cause: RequestError) -> ApplyError {
        let object = ObjectRef {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: "ns".to_owned(),
            name: name.to_string(),
        };
        ApplyError::DryRun { object, cause }
    }

    #[test]
    fn what_is_wrong_with_other_objects_is_told_below_the_first() {
        assert_eq!(ApplyError::of_all(Vec::new()), None);
        let invalid = || refused(422, "Invalid", "no");
        let forbidden = || refused(403, "Forbidden", "no");
        let errors = vec![of(1, forbidden()), of(2, forbidden())];
        assert_eq!(ApplyError::of_all(errors), Some(of(1, forbidden())));
        let errors = vec![of(1, forbidden()), of(2, invalid()), of(3, forbidden())];
        let error = ApplyError::of_all(errors).expect("there are some");
        assert_eq!(
            error.to_string(),
            "ConfigMap/ns/1 dry-run failed (Forbidden): no\nConfigMap/ns/2 dry-run failed (Invalid): no"
        );
        assert_eq!(error.cause(), Some(&forbidden()));
        let errors = (0..30).map(|number| of(number, invalid())).collect();
        let error = ApplyError::of_all(errors)
            .expect("there are some")
            .to_string();
        assert_eq!(error.lines().count(), 1 + MOST_TOLD + 1);
        assert!(error.ends_with("\nand 9 more"), "{error}");
    }

    #[test]
    fn a_refused_dry_run_reads_as_in_flux() {
        check(
            "ns",
            refused(422, "Invalid", "it is invalid"),
            "ConfigMap/ns/a dry-run failed (Invalid): it is invalid",
        );
        check(
            "ns",
            refused(500, "", "failed to create typed patch object"),
            "ConfigMap/ns/a dry-run failed: failed to create typed patch object",
        );
        check(
            "ns",
            refused(404, "NotFound", "namespaces \"ns\" not found"),
            "ConfigMap/ns/a not found: namespaces \"ns\" not found",
        );
        check(
            "",
            refused(404, "NotFound", "no such path"),
            "ConfigMap/a namespace not specified: no such path",
        );
        let cause = RequestError::NoMatch {
            kind: "ConfigMap".to_owned(),
            api_version: "v9".to_owned(),
        };
        check(
            "ns",
            cause,
            "ConfigMap/ns/a dry-run failed: no matches for kind \"ConfigMap\" in version \"v9\"",
        );
    }

    #[test]
    fn what_the_server_says_of_a_secret_holds_none_of_its_values() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"a": "Y2FuYXJ5", "n": 123_456}, "stringData": {"b": "two\nlines"}});
        let secret = Object::new(secret).expect("an object");
        let message = "Invalid value: \"Y2FuYXJ5\" (canary), \"two\\nlines\", \
            expected string, got &value.valueUnstructured{Value:12}";
        let cause = without_secrets(&secret, refused(422, "Invalid", message));
        assert_eq!(
            cause.to_string(),
            "Invalid value: \"<redacted>\" (<redacted>), \"<redacted>\", \
            expected string, got &value.valueUnstructured{Value:<redacted>}"
        );
    }
}
