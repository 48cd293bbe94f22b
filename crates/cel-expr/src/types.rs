//! Static types, and how messages print them.

use std::fmt;
use std::sync::Arc;

/// A static type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    /// Known when it is evaluated.
    Dyn,
    /// What has an issue already.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Arc<Self>),
    Map(Arc<(Self, Self)>),
    Optional(Arc<Self>),
    /// The type of a type; none within where it is any.
    Kind(Option<Arc<Self>>),
    /// A variable of a declared signature.
    Param(char),
    /// A variable that the checker solves.
    Var(usize),
}

impl Type {
    pub(crate) fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new((key, value)))
    }

    pub(crate) fn optional(of: Self) -> Self {
        Self::Optional(Arc::new(of))
    }

    pub(crate) fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// The type inside an optional one, and whether there was one.
    pub(crate) fn unwrapped(&self) -> (&Self, bool) {
        match self {
            Self::Optional(inner) => (inner, true),
            other => (other, false),
        }
    }

    /// Whether the type has at most `nodes` parts.
    pub(crate) fn is_within(&self, nodes: usize) -> bool {
        let mut open = vec![self];
        let mut count = 0;
        while let Some(next) = open.pop() {
            count += 1;
            if count > nodes {
                return false;
            }
            match next {
                Self::List(of) | Self::Optional(of) | Self::Kind(Some(of)) => open.push(of),
                Self::Map(of) => open.extend([&of.0, &of.1]),
                _ => {}
            }
        }
        true
    }

    /// What values are called that have the type; the inner types are not looked at.
    pub(crate) fn runtime_name(&self) -> &'static str {
        match self {
            Self::Dyn | Self::Param(_) | Self::Var(_) => "dyn",
            Self::Error => "error",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Kind(_) => "type",
        }
    }

    /// The text of the message about an output type.
    pub(crate) fn output_text(&self) -> String {
        match self {
            Self::List(of) => format!("list({})", of.output_text()),
            Self::Map(of) => format!("map({}, {})", of.0.output_text(), of.1.output_text()),
            Self::Optional(of) => format!("optional_type({})", of.output_text()),
            Self::Kind(Some(of)) => format!("type({})", of.output_text()),
            other => other.runtime_name().to_owned(),
        }
    }
}

/// The text of issues.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error => f.write_str("!error!"),
            Self::Null => f.write_str("null"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map(of) => write!(f, "map({}, {})", of.0, of.1),
            Self::Optional(of) => write!(f, "optional_type({of})"),
            Self::Kind(Some(of)) => write!(f, "type({of})"),
            Self::Param(name) => write!(f, "{name}"),
            Self::Var(number) => write!(f, "_var{number}"),
            other => f.write_str(other.runtime_name()),
        }
    }
}
