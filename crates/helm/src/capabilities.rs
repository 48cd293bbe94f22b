//! `.Capabilities`: what templates may know of the cluster and of Helm.
//!
//! Source: Helm 4.2.4 `pkg/chart/common/capabilities.go`, `internal/version/version.go`; Kubernetes 1.36
//! `apimachinery/pkg/util/version/version.go`

mod versions;

use std::any::Any;
use std::sync::Arc;

use go_template::{
    Call, Closure, Field, Function, List, Methods, Named, Object, Signature, Str, Type, Value,
    quote,
};

use versions::KNOWN;

/// The Helm that all this is equal to.
const HELM: &str = "v4.2.4";
/// The Go it was built with.
const GO: &str = "go1.26.8";
/// The Kubernetes it was built for.
const KUBERNETES: &str = "v1.36";

/// A version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As it was given, with a `v`.
    version: String,
    /// Without what follows the numbers.
    normalized: String,
    major: String,
    minor: String,
}

/// Why a text is no version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeVersionError {
    /// No numbers.
    #[error("could not parse {0} as version")]
    NoVersion(String),
    /// One number.
    #[error("illegal version string {0}")]
    OneNumber(String),
    /// A number that is too large.
    #[error(
        "illegal non-numeric version component {component} in {version}: strconv.ParseUint: \
         parsing {component}: value out of range"
    )]
    Number {
        /// The number.
        component: String,
        /// The whole text.
        version: String,
    },
    /// A number with zeros before it.
    #[error("illegal zero-prefixed version component {component} in {version}")]
    Zero {
        /// The number.
        component: String,
        /// The whole text.
        version: String,
    },
}

impl KubeVersion {
    /// Reads a version: numbers with dots between, and whatever behind them.
    ///
    /// # Errors
    /// [`KubeVersionError`].
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let quoted = |part: &str| quote::quoted(part.as_bytes());
        let trimmed = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let numbers = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        let mut parts: Vec<String> = Vec::new();
        for part in numbers.split('.').take_while(|it| is_number(it)) {
            let end = part.find(|c: char| !c.is_ascii_digit());
            let digits = &part[..end.unwrap_or(part.len())];
            if parts.is_empty() && digits.len() > 1 && digits.starts_with('0') {
                return Err(KubeVersionError::Zero {
                    component: quoted(digits),
                    version: quoted(text),
                });
            }
            let number: u64 = digits.parse().map_err(|_| KubeVersionError::Number {
                component: quoted(digits),
                version: quoted(text),
            })?;
            parts.push(number.to_string());
            if end.is_some() {
                break;
            }
        }
        match parts.as_slice() {
            [] => Err(KubeVersionError::NoVersion(quoted(text))),
            [_] => Err(KubeVersionError::OneNumber(quoted(text))),
            [major, minor, ..] => Ok(Self {
                version: match text.starts_with('v') {
                    true => text.to_owned(),
                    false => format!("v{text}"),
                },
                normalized: format!("v{}", parts.join(".")),
                major: major.clone(),
                minor: minor.clone(),
            }),
        }
    }

    /// The version as it was given, with a `v`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The version that ranges are held against.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }
}

impl Default for KubeVersion {
    fn default() -> Self {
        Self {
            version: format!("{KUBERNETES}.0"),
            normalized: format!("{KUBERNETES}.0"),
            major: "1".into(),
            minor: "36".into(),
        }
    }
}

/// What a cluster can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// API versions, and kinds of them, besides those that Helm knows.
    pub api_versions: Vec<String>,
    /// Whether the cluster was asked, so that Helm's own list does not count.
    pub asked: bool,
}

/// `common.VersionSet`.
static VERSION_SET: Type = Type::Named(&Named {
    name: "common.VersionSet",
    under: Type::STRINGS,
    methods: Methods {
        find: |value, name| (name == "Has").then(|| has(value)),
        text: |_| None,
    },
});

fn has(value: &Value) -> Arc<dyn Function> {
    let versions = value.clone();
    let body = move |call: &mut Call<'_>, args: &[Value]| {
        let wanted = args.first().and_then(Value::as_str);
        let Some(list) = versions.as_list() else {
            return Ok(Value::Bool(false));
        };
        call.budget().steps(list.len() as u64)?;
        let found = list.iter().any(|it| it.as_str() == wanted);
        Ok(Value::Bool(found))
    };
    Closure::shared(Signature::new(&[Type::String], &Type::Bool), body)
}

impl Capabilities {
    /// All API versions.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        let known = if self.asked { &[] } else { KNOWN };
        let given = self.api_versions.iter().map(String::as_str);
        known.iter().copied().chain(given)
    }

    /// The object that templates see.
    pub(crate) fn to_value(&self) -> Value {
        let versions = self.versions().map(Value::str).collect();
        Value::Object(Arc::new(Shown {
            kube_version: Value::Object(Arc::new(self.kube_version.clone())),
            api_versions: Value::List(List::new(&VERSION_SET, versions)),
            helm_version: Value::Object(Arc::new(BuildInfo)),
        }))
    }
}

/// `*common.Capabilities`.
#[derive(Debug)]
struct Shown {
    kube_version: Value,
    api_versions: Value,
    helm_version: Value,
}

fn known(value: Value) -> Field {
    Field {
        value,
        interface: false,
    }
}

fn named(fields: Vec<(&'static str, Value)>, name: &str) -> Option<Field> {
    let found = fields.into_iter().find(|(field, _)| *field == name)?;
    Some(known(found.1))
}

impl Object for Shown {
    fn ty(&self) -> &'static Type {
        static STRUCT: Type = Type::Named(&Named {
            name: "common.Capabilities",
            under: Type::Struct,
            methods: Methods::NONE,
        });
        static POINTER: Type = Type::Pointer(&STRUCT);
        &POINTER
    }

    fn field(&self, name: &str) -> Option<Field> {
        named(self.fields(), name)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("KubeVersion", self.kube_version.clone()),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", self.helm_version.clone()),
        ]
    }

    fn method(&self, name: &str) -> Option<Arc<dyn Function>> {
        if name != "Copy" {
            return None;
        }
        let copy = Self {
            kube_version: self.kube_version.clone(),
            api_versions: self.api_versions.clone(),
            helm_version: self.helm_version.clone(),
        };
        let copy = Value::Object(Arc::new(copy));
        let signature = Signature::new(&[], self.ty());
        Some(Closure::shared(signature, move |_, _| Ok(copy.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for KubeVersion {
    fn ty(&self) -> &'static Type {
        static STRUCT: Type = Type::Named(&Named {
            name: "common.KubeVersion",
            under: Type::Struct,
            methods: Methods::NONE,
        });
        &STRUCT
    }

    fn field(&self, name: &str) -> Option<Field> {
        let text = match name {
            "Version" => &self.version,
            "Major" => &self.major,
            "Minor" => &self.minor,
            _ => return None,
        };
        Some(known(Value::str(text.as_str())))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Version", Value::str(self.version.as_str())),
            ("normalizedVersion", Value::str(self.normalized.as_str())),
            ("Major", Value::str(self.major.as_str())),
            ("Minor", Value::str(self.minor.as_str())),
        ]
    }

    fn method(&self, name: &str) -> Option<Arc<dyn Function>> {
        let text = match name {
            "GitVersion" => &self.version,
            "String" => &self.normalized,
            _ => return None,
        };
        let text = Value::str(text.as_str());
        let signature = Signature::new(&[], &Type::String);
        Some(Closure::shared(signature, move |_, _| Ok(text.clone())))
    }

    fn text_by_address(&self) -> Option<Str> {
        Some(Str::from(self.normalized.as_str()))
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = self.fields();
        fields.retain(|(name, _)| *name != "normalizedVersion");
        fields
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `version.BuildInfo`.
#[derive(Debug)]
struct BuildInfo;

impl Object for BuildInfo {
    fn ty(&self) -> &'static Type {
        static STRUCT: Type = Type::Named(&Named {
            name: "version.BuildInfo",
            under: Type::Struct,
            methods: Methods::NONE,
        });
        &STRUCT
    }

    fn field(&self, name: &str) -> Option<Field> {
        named(self.fields(), name)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Version", Value::str(HELM)),
            ("GitCommit", Value::str("")),
            ("GitTreeState", Value::str("")),
            ("GoVersion", Value::str(GO)),
            ("KubeClientVersion", Value::str(KUBERNETES)),
        ]
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("version", Value::str(HELM)),
            ("go_version", Value::str(GO)),
            ("kube_client_version", Value::str(KUBERNETES)),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().is::<Self>()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_kubernetes_reads_them() {
        for (text, version, normalized) in [
            ("1.29.3", "v1.29.3", "v1.29.3"),
            ("v1.30.1-gke.1187000", "v1.30.1-gke.1187000", "v1.30.1"),
            ("1.25", "v1.25", "v1.25"),
            ("v1.27.0+k3s1", "v1.27.0+k3s1", "v1.27.0"),
        ] {
            let read = KubeVersion::parse(text).expect(text);
            assert_eq!((read.version(), read.normalized()), (version, normalized));
        }
        let error = KubeVersion::parse("bogus").unwrap_err();
        assert_eq!(error.to_string(), "could not parse \"bogus\" as version");
        let error = KubeVersion::parse("1").unwrap_err();
        assert_eq!(error.to_string(), "illegal version string \"1\"");
    }
}
