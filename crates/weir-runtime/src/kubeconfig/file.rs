//! The fields of a kubeconfig, with client-go's words for what is not one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The parts of a kubeconfig by name.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) current_context: String,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) contexts: BTreeMap<String, Context>,
    pub(super) users: BTreeMap<String, User>,
}

/// Where a server is and how it shows who it is.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Cluster {
    pub(super) server: String,
    pub(super) tls_server_name: String,
    pub(super) insecure: bool,
    pub(super) authority_file: String,
    pub(super) authority: Vec<u8>,
    pub(super) proxy_url: String,
    pub(super) has_more: bool,
}

/// A cluster and a user.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    pub(super) cluster: String,
    pub(super) user: String,
}

/// Who somebody is.
#[derive(Clone, Default)]
pub(super) struct User {
    pub(super) token: String,
    pub(super) token_file: String,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) certificate: Vec<u8>,
    pub(super) certificate_file: String,
    pub(super) key: Vec<u8>,
    pub(super) key_file: String,
    pub(super) impersonates: bool,
    pub(super) impersonates_more: bool,
    pub(super) has_provider: bool,
    pub(super) exec: Option<Map<String, Value>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").finish_non_exhaustive()
    }
}

impl File {
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let Some(whole) = top(value)? else {
            return Ok(Self::default());
        };
        let top = Fields {
            map: whole,
            struct_: "Config",
            path: "",
        };
        Ok(Self {
            clusters: top.named("clusters", "cluster", Cluster::of)?,
            contexts: top.named("contexts", "context", Context::of)?,
            current_context: top.text("current-context")?,
            users: top.named("users", "user", User::of)?,
        })
    }
}

/// The kubeconfig as a map; `None` if there is nothing in it.
fn top(value: &Value) -> Result<Option<&Map<String, Value>>, String> {
    let map = match value {
        Value::Null => return Ok(None),
        Value::Object(map) => map,
        other => {
            return Err(format!(
                "{} into Go value of type {TYPE_META}",
                unmarshal(other)
            ));
        }
    };
    let field = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(format!(
            "{} into Go struct field .{name} of type string",
            unmarshal(other)
        )),
    };
    let (version, kind) = (field("apiVersion")?, field("kind")?);
    if !matches!(version, "" | "v1") || !matches!(kind, "" | "Config") {
        let (kind, version) = (or(kind, "Config"), or(version, "v1"));
        return Err(format!(
            "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
        ));
    }
    Ok(Some(map))
}

/// How client-go prints the type that it looks for kind and version in.
const TYPE_META: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
                         \"json:\\\"kind,omitempty\\\"\" }";

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

fn unmarshal(value: &Value) -> String {
    format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {}",
        type_of(value)
    )
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The fields of one object of the file; `struct_` and `path` are for messages.
#[derive(Clone, Copy)]
struct Fields<'a> {
    map: &'a Map<String, Value>,
    struct_: &'static str,
    path: &'a str,
}

impl Fields<'_> {
    /// None for what is absent or null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn mistyped(&self, name: &str, value: &Value, type_: &str) -> String {
        let (kind, struct_, path) = (type_of(value), self.struct_, self.path);
        format!(
            "json: cannot unmarshal {kind} into Go struct field {struct_}.{path}{name} of type {type_}"
        )
    }

    fn text(&self, name: &str) -> Result<String, String> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.mistyped(name, other, "string")),
        }
    }

    fn bool(&self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.mistyped(name, other, "bool")),
        }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let text = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) => text.replace(['\r', '\n'], ""),
            Some(other) => return Err(self.mistyped(name, other, "[]uint8")),
        };
        STANDARD.decode(&text).map_err(|error| {
            let offset = match error {
                base64::DecodeError::InvalidByte(offset, _)
                | base64::DecodeError::InvalidLastSymbol(offset, _) => offset,
                _ => text.len(),
            };
            format!("illegal base64 data at input byte {offset}")
        })
    }

    /// A list of `{name, FIELD: {…}}` as a map.
    fn named<T>(
        &self,
        list: &str,
        field: &str,
        read: impl Fn(&Fields<'_>) -> Result<T, String>,
    ) -> Result<BTreeMap<String, T>, String> {
        let (entry, inner) = match field {
            "cluster" => ("NamedCluster", "Cluster"),
            "context" => ("NamedContext", "Context"),
            _ => ("NamedAuthInfo", "AuthInfo"),
        };
        let items = match self.get(list) {
            None => return Ok(BTreeMap::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.mistyped(list, other, &format!("[]v1.{entry}"))),
        };
        let (empty, mut all) = (Map::new(), BTreeMap::new());
        for item in items {
            let map = match item {
                Value::Null => &empty,
                Value::Object(map) => map,
                other => return Err(self.mistyped(list, other, &format!("v1.{entry}"))),
            };
            let path = format!("{list}.");
            let fields = Fields {
                map,
                struct_: entry,
                path: &path,
            };
            let value = match fields.get(field) {
                None => &empty,
                Some(Value::Object(map)) => map,
                Some(other) => return Err(fields.mistyped(field, other, &format!("v1.{inner}"))),
            };
            let path = format!("{list}.{field}.");
            let value = read(&Fields {
                map: value,
                struct_: inner,
                path: &path,
            })?;
            let name = fields.text("name")?;
            if all.insert(name.clone(), value).is_some() {
                // Upstream prints the whole list here, tokens included.
                return Err(format!(
                    "error converting *[]{entry} into *map[string]*api.{inner}: duplicate name \"{name}\" in list"
                ));
            }
        }
        Ok(all)
    }

    fn has(&self, name: &str) -> bool {
        match self.get(name) {
            None => false,
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(map)) => !map.is_empty(),
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Bool(value)) => *value,
            Some(_) => true,
        }
    }
}

impl Cluster {
    fn of(fields: &Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            server: fields.text("server")?,
            tls_server_name: fields.text("tls-server-name")?,
            insecure: fields.bool("insecure-skip-tls-verify")?,
            authority_file: fields.text("certificate-authority")?,
            authority: fields.bytes("certificate-authority-data")?,
            proxy_url: fields.text("proxy-url")?,
            has_more: fields.has("disable-compression") || fields.has("extensions"),
        })
    }
}

impl Context {
    fn of(fields: &Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            cluster: fields.text("cluster")?,
            user: fields.text("user")?,
        })
    }
}

impl User {
    fn of(fields: &Fields<'_>) -> Result<Self, String> {
        let exec = match fields.get("exec") {
            None => None,
            Some(Value::Object(map)) => Some(map.clone()),
            Some(other) => return Err(fields.mistyped("exec", other, "v1.ExecConfig")),
        };
        Ok(Self {
            token: fields.text("token")?,
            token_file: fields.text("tokenFile")?,
            username: fields.text("username")?,
            password: fields.text("password")?,
            certificate: fields.bytes("client-certificate-data")?,
            certificate_file: fields.text("client-certificate")?,
            key: fields.bytes("client-key-data")?,
            key_file: fields.text("client-key")?,
            impersonates: fields.has("as"),
            impersonates_more: ["as-uid", "as-groups", "as-user-extra"]
                .iter()
                .any(|name| fields.has(name)),
            has_provider: fields.get("auth-provider").is_some(),
            exec,
        })
    }
}
