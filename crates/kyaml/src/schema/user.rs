//! Schemas that users bring: OpenAPI documents and comments.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Place, Schema, Shape, Target};
use crate::node::Text;
use crate::v2::BuildJson;
use crate::{Error, Limits};

const DEFINITIONS: &str = "#/definitions/";

/// Reads an OpenAPI document.
pub(super) fn read(text: &str, base: Option<Arc<Schema>>) -> Result<Schema, Error> {
    let document = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|err| Error::Invalid(err.to_string()))?,
        false => crate::v2::read(text.as_bytes(), &Limits::default(), &mut BuildJson)?,
    };
    let mut schema = Schema {
        base,
        ..Schema::default()
    };
    let Json::Object(document) = document else {
        return Err(Error::Invalid(
            "an OpenAPI document must be an object".into(),
        ));
    };
    if let Some(Json::Object(definitions)) = document.get("definitions") {
        for (name, definition) in definitions {
            let node = schema.add(definition, 0)?;
            schema.definitions.insert(name.into(), node);
            for key in types(definition.get("x-kubernetes-group-version-kind")) {
                schema.resources.insert(key, node);
            }
        }
    }
    if let Some(Json::Object(paths)) = document.get("paths") {
        for (path, operations) in paths {
            schema.add_scope(path, operations);
        }
    }
    Ok(schema)
}

/// Reads a comment: a schema in JSON, not an empty one, whose root becomes node 0.
pub(super) fn read_comment(text: &str, base: &Arc<Schema>) -> Option<Schema> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let Ok(Json::Object(map)) = serde_json::from_str(text) else {
        return None;
    };
    if map.is_empty() {
        return None;
    }
    let mut schema = Schema {
        base: Some(Arc::clone(base)),
        ..Schema::default()
    };
    let texts = map.values().all(Json::is_string);
    if texts && map.get("$openapi").is_some_and(|name| name != "") {
        // The short form of a setter: a reference that leads nowhere.
        schema.nodes.push(Place::of(Shape::default()));
        return Some(schema);
    }
    schema.nodes.push(Place::of(Shape::default()));
    let shape = schema.shape(&map, 0).ok()?;
    schema.nodes[0] = Place::of(shape);
    Some(schema)
}

/// The types that an extension lists, as apiVersion and kind.
fn types(extension: Option<&Json>) -> Vec<(Text, Text)> {
    let list = match extension {
        Some(Json::Array(list)) => list.as_slice(),
        Some(single @ Json::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    };
    let named = list.iter().filter_map(|kind| {
        let text = |key: &str| kind.get(key).and_then(Json::as_str);
        let version = text("version")?;
        let api_version = match text("group").filter(|group| !group.is_empty()) {
            Some(group) => format!("{group}/{version}"),
            None => version.to_owned(),
        };
        Some((Text::from(api_version), Text::from(text("kind")?)))
    });
    named.collect()
}

impl Schema {
    fn add_scope(&mut self, path: &str, operations: &Json) {
        let extension = operations
            .get("get")
            .and_then(|get| get.get("x-kubernetes-group-version-kind"));
        let namespaced = path.contains("namespaces/{namespace}");
        for key in types(extension.filter(|kind| kind.is_object())) {
            let scope = self.namespaced.entry(key).or_insert(namespaced);
            *scope |= namespaced;
        }
    }

    fn add(&mut self, schema: &Json, depth: usize) -> Result<u32, Error> {
        let shape = match schema {
            Json::Object(map) => self.shape(map, depth)?,
            _ => Shape::default(),
        };
        self.nodes.push(Place::of(shape));
        u32::try_from(self.nodes.len() - 1).map_err(|_| Error::Limit("schema is too large".into()))
    }

    fn target(&mut self, schema: &Json, depth: usize) -> Result<Target, Error> {
        let reference = schema
            .get("$ref")
            .and_then(Json::as_str)
            .filter(|r| !r.is_empty());
        match reference {
            Some(name) => Ok(Target::Definition(
                name.trim_start_matches(DEFINITIONS).into(),
            )),
            None => self.add(schema, depth + 1).map(Target::Node),
        }
    }

    fn shape(&mut self, map: &Map<String, Json>, depth: usize) -> Result<Shape, Error> {
        if depth > Limits::DEPTH {
            return Err(Error::too_deep());
        }
        let text = |key: &str| Text::from(map.get(key).and_then(Json::as_str).unwrap_or_default());
        let mut shape = Shape {
            strategy: text("x-kubernetes-patch-strategy"),
            key: text("x-kubernetes-patch-merge-key"),
            ..Shape::default()
        };
        shape.array = match map.get("type") {
            Some(Json::String(name)) => name == "array",
            Some(Json::Array(names)) => names.len() == 1 && names[0] == "array",
            _ => false,
        };
        if let Some(Json::Array(keys)) = map.get("x-kubernetes-list-map-keys") {
            shape.map_keys = keys
                .iter()
                .filter_map(Json::as_str)
                .map(Text::from)
                .collect();
        }
        if let Some(items @ Json::Object(_)) = map.get("items") {
            shape.items = Some(self.target(items, depth)?);
        }
        if let Some(additional @ Json::Object(_)) = map.get("additionalProperties") {
            shape.additional = Some(self.target(additional, depth)?);
        }
        if let Some(Json::Object(properties)) = map.get("properties") {
            for (name, property) in properties {
                shape
                    .fields
                    .push((name.into(), self.target(property, depth)?));
            }
            shape.fields.sort_by(|a, b| a.0.cmp(&b.0));
        }
        if let Some(reference) = map.get("$ref").and_then(Json::as_str) {
            shape.reference = Some(reference.trim_start_matches(DEFINITIONS).into());
        }
        Ok(shape)
    }
}
