//! Documents, and the schemas with addresses of their own inside of them.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::address::{escape, join, split, unescape};
use super::draft::{Below, Draft, is_standard, standard};

/// Schemas inside of one another: serde's own bound is lower.
const MAX_DEPTH: usize = 256;

/// Reads JSON with Go's words for what is wrong.
pub(super) fn parse(text: &[u8]) -> Result<Json, String> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(String::from("EOF"));
    }
    let error = match serde_json::from_slice(text) {
        Ok(json) => return Ok(json),
        Err(error) => error,
    };
    let (_, end) = crate::json::read_prefix(text)?;
    if text[end..].iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(String::from("invalid character after top-level value"));
    }
    Err(error.to_string())
}

/// A schema with an address of its own, or a whole document.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) url: String,
    pub(super) draft: Draft,
    /// Names to pointers.
    pub(super) anchors: HashMap<String, String>,
    /// Those of the names that `$dynamicRef` may mean.
    pub(super) dynamic: Vec<String>,
}

/// A document with its resources by their pointers.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) url: String,
    pub(super) json: Json,
    pub(super) resources: HashMap<String, Resource>,
}

impl Document {
    pub(super) fn new(url: &str, json: Json, fallback: Draft) -> Result<Self, String> {
        let mut document = Self {
            url: url.to_owned(),
            json: Json::Null,
            resources: HashMap::new(),
        };
        document.collect(&json, (url, ""), fallback, 0)?;
        document.json = json;
        Ok(document)
    }

    fn collect(
        &mut self,
        schema: &Json,
        (base, pointer): (&str, &str),
        fallback: Draft,
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(String::from("schema is nested too deep"));
        }
        let resource = |url: &str, draft| Resource {
            url: url.to_owned(),
            draft,
            anchors: HashMap::new(),
            dynamic: Vec::new(),
        };
        let Json::Object(object) = schema else {
            if pointer.is_empty() {
                self.resources
                    .insert(String::new(), resource(base, fallback));
            }
            return Ok(());
        };
        let text = |keyword: &str| object.get(keyword).and_then(Json::as_str);
        let mut draft = match text("$schema") {
            None => fallback,
            Some(named) => self.draft(named, pointer)?,
        };
        let id_of = |draft: Draft| {
            if draft < Draft::D2019 && object.contains_key("$ref") {
                return String::new();
            }
            text(draft.id()).map_or_else(String::new, |id| split(id).0.to_owned())
        };
        let mut id = id_of(draft);
        if id.is_empty() && !pointer.is_empty() {
            draft = fallback;
            id = id_of(draft);
        }
        let mut base = base.to_owned();
        if !id.is_empty() {
            base = join(&base, &id);
        }
        if !id.is_empty() || pointer.is_empty() {
            let other = self.resources.iter().find(|(_, it)| it.url == base);
            if let Some((other, _)) = other.filter(|(other, _)| *other != pointer) {
                let url = &self.url;
                return Err(format!(
                    "duplicate id {base:?} in {url:?} at {pointer:?} and {other:?}"
                ));
            }
            self.resources
                .insert(pointer.to_owned(), resource(&base, draft));
        }
        self.collect_anchors(object, &base, pointer, draft)?;
        self.collect_below(object, (&base, pointer), draft, depth)
    }

    fn collect_below(
        &mut self,
        object: &serde_json::Map<String, Json>,
        (base, pointer): (&str, &str),
        draft: Draft,
        depth: usize,
    ) -> Result<(), String> {
        for (keyword, below) in draft.below() {
            let Some(found) = object.get(keyword) else {
                continue;
            };
            let here = format!("{pointer}/{}", escape(keyword));
            match (below, found) {
                (Below::One, found @ (Json::Object(_) | Json::Bool(_))) => {
                    self.collect(found, (base, &here), draft, depth + 1)?;
                }
                (Below::Many, Json::Array(items)) => {
                    for (at, item) in items.iter().enumerate() {
                        let here = format!("{here}/{at}");
                        self.collect(item, (base, &here), draft, depth + 1)?;
                    }
                }
                (Below::Named, Json::Object(named)) => {
                    for (name, item) in named {
                        let here = format!("{here}/{}", escape(name));
                        self.collect(item, (base, &here), draft, depth + 1)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The draft that a `$schema` names.
    fn draft(&self, named: &str, pointer: &str) -> Result<Draft, String> {
        if let Some(draft) = Draft::of(named) {
            return Ok(draft);
        }
        let (url, _) = split(named);
        if pointer.is_empty() && url == self.url {
            return Err(format!("draft {url:?} is not supported"));
        }
        if url.starts_with("urn:") {
            return Ok(Draft::LATEST);
        }
        Err(not_loaded(url))
    }

    fn collect_anchors(
        &mut self,
        object: &serde_json::Map<String, Json>,
        base: &str,
        pointer: &str,
        draft: Draft,
    ) -> Result<(), String> {
        let url = self.url.clone();
        let Some(resource) = self.resources.values_mut().find(|it| it.url == base) else {
            return Ok(());
        };
        let text = |keyword: &str| object.get(keyword).and_then(Json::as_str);
        let mut add = |anchor: &str| match resource.anchors.get(anchor) {
            Some(other) if other != pointer => Err(format!(
                "duplicate anchor {anchor:?} in {url:?} at {other:?} and {pointer:?}"
            )),
            _ => {
                resource
                    .anchors
                    .insert(anchor.to_owned(), pointer.to_owned());
                Ok(())
            }
        };
        if draft < Draft::D2019 {
            if object.contains_key("$ref") {
                return Ok(());
            }
            let (_, fragment) = text(draft.id()).map(split).unwrap_or_default();
            if !fragment.is_empty() && !fragment.starts_with('/') {
                add(&fragment)?;
            }
            return Ok(());
        }
        if let Some(anchor) = text("$anchor") {
            add(anchor)?;
        }
        if draft >= Draft::D2020
            && let Some(anchor) = text("$dynamicAnchor")
        {
            add(anchor)?;
            resource.dynamic.push(anchor.to_owned());
        }
        Ok(())
    }

    /// The innermost resource around a place, and its pointer.
    pub(super) fn resource(&self, pointer: &str) -> (&str, Option<&Resource>) {
        let mut at = pointer;
        loop {
            if let Some((pointer, resource)) = self.resources.get_key_value(at) {
                return (pointer, Some(resource));
            }
            match at.rfind('/') {
                Some(slash) => at = &at[..slash],
                None => return ("", self.resources.get("")),
            }
        }
    }

    /// What stands at a pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<&Json> {
        let mut found = &self.json;
        for token in pointer.split('/').skip(1) {
            found = match found {
                Json::Object(object) => object.get(&*unescape(token))?,
                Json::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(found)
    }
}

/// The document at an address that is not the chart's own.
pub(super) fn load(url: &str) -> Result<Json, String> {
    if let Some(text) = standard(url) {
        return parse(text.as_bytes());
    }
    if url.starts_with("urn:") {
        return Ok(Json::Bool(true));
    }
    Err(not_loaded(url))
}

fn not_loaded(url: &str) -> String {
    let shown = go_template::quote::quoted(url.as_bytes());
    if let Some(path) = url.strip_prefix("file://") {
        return format!("failing loading {shown}: open {path}: no such file or directory");
    }
    if url.starts_with("http://") || url.starts_with("https://") {
        let _ = is_standard(url);
        return format!("failing loading {shown}: schemas of other hosts are not loaded");
    }
    format!("failing loading {shown}: no URLLoader registered for {shown}")
}
