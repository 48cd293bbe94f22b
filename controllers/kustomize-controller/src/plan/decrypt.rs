//! Decrypting what SOPS encrypted: files before the build, whole resources and data of Secrets after it.
//!
//! Source: kustomize-controller v1.9 `internal/decryptor/decryptor.go`.

mod sources;

pub use sources::decrypt_sources;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kyaml::Node;
use serde_json::Value;
use sops::{DataKeys, Error, Format, KeyService, Keys, Scope};
use weir_api::meta::annotation;

/// What a Kustomization decrypts with.
#[derive(Clone)]
pub struct Decryption {
    /// Answers for the master keys of files.
    pub services: Arc<dyn KeyService + Send + Sync>,
    /// Data keys of before.
    pub data_keys: Arc<DataKeys>,
    /// Whose data keys those are.
    pub scope: Scope,
    /// How long the process runs.
    pub now: Duration,
    /// `--sops-strict-mac`.
    pub strict_mac: bool,
}

impl std::fmt::Debug for Decryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decryption")
            .field("strict_mac", &self.strict_mac)
            .finish_non_exhaustive()
    }
}

impl Decryption {
    fn decrypt(&self, bytes: &[u8], input: Format, output: Format) -> Result<sops::Secret, Error> {
        let keys = Keys {
            services: self.services.as_ref(),
            cache: Some((self.data_keys.as_ref(), self.scope, self.now)),
            strict_mac: self.strict_mac,
        };
        sops::decrypt(bytes, input, output, &keys)
    }

    /// The resource without what was encrypted; `None` where it stays as it is. `node` and `value` are the
    /// same resource.
    ///
    /// # Errors
    /// Upstream's text after `decryption failed for '…': `.
    pub fn resource(&self, node: &Node, value: &Value) -> Result<Option<Value>, String> {
        if is_disabled(value) {
            return Ok(None);
        }
        if is_encrypted(node) {
            return self.whole(node, value).map(Some);
        }
        if text_at(value, &["kind"]) == "Secret" {
            return self.secret(value);
        }
        Ok(None)
    }

    fn whole(&self, node: &Node, value: &Value) -> Result<Value, String> {
        let name = display_name(value);
        let kind = text_at(value, &["kind"]);
        // The code covers values in the order of the text.
        let mut text = String::new();
        ordered_json(node, &mut text).map_err(|error| error.to_string())?;
        let data = self
            .decrypt(text.as_bytes(), Format::Json, Format::Json)
            .map_err(|error| {
                format!("failed to decrypt and format '{name}' {kind} data: {error}")
            })?;
        serde_json::from_slice(&data)
            .map_err(|_| format!("failed to unmarshal decrypted '{name}' {kind} to JSON"))
    }

    fn secret(&self, value: &Value) -> Result<Option<Value>, String> {
        let Some(Value::Object(data)) = value.get("data") else {
            return Ok(None);
        };
        let mut decrypted = Vec::new();
        for (key, text) in data {
            let Some(bytes) = text.as_str().and_then(decode) else {
                continue;
            };
            let Some(input) = Format::detect(&bytes) else {
                continue;
            };
            let plain = self
                .decrypt(&bytes, input, Format::for_path(key))
                .map_err(|error| {
                    let name = display_name(value);
                    format!("failed to decrypt and format '{name}' Secret field '{key}': {error}")
                })?;
            decrypted.push((key.clone(), STANDARD.encode(plain.as_slice())));
        }
        if decrypted.is_empty() {
            return Ok(None);
        }
        let mut changed = value.clone();
        for (key, text) in decrypted {
            changed["data"][key] = Value::String(text);
        }
        Ok(Some(changed))
    }
}

/// Base64 as Go reads it: line breaks do not count.
fn decode(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    STANDARD.decode(packed).ok()
}

/// Whether the resource has `sops.mac`.
fn is_encrypted(node: &Node) -> bool {
    let filled = |node: &&Node| !node.is_null_or_empty();
    let metadata = node.get("sops").filter(filled);
    metadata
        .and_then(|metadata| metadata.get("mac"))
        .filter(filled)
        .is_some()
}

fn is_disabled(value: &Value) -> bool {
    text_at(
        value,
        &["metadata", "annotations", annotation::KUSTOMIZE_DECRYPT],
    )
    .eq_ignore_ascii_case(annotation::DISABLED)
}

fn text_at<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    let found = path.iter().try_fold(value, |value, field| value.get(field));
    found.and_then(Value::as_str).unwrap_or_default()
}

fn display_name(value: &Value) -> String {
    let field = |name| text_at(value, &["metadata", name]);
    format!("{}/{}", field("namespace"), field("name"))
}

/// JSON in the order of the node; the depth of nodes is bounded when they are read.
fn ordered_json(node: &Node, out: &mut String) -> Result<(), kyaml::Error> {
    if node.is_mapping() {
        out.push('{');
        for (position, entry) in node.entries().iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            out.push_str(&kyaml::to_go_json(&Value::String(
                entry.key.text().to_owned(),
            )));
            out.push(':');
            ordered_json(&entry.value, out)?;
        }
        out.push('}');
    } else if node.is_sequence() {
        out.push('[');
        for (position, item) in node.items().iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            ordered_json(item, out)?;
        }
        out.push(']');
    } else {
        out.push_str(&kyaml::to_go_json(&node.to_json_value()?));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
