//! From the JSON schema that `schemars` derives to the form that the API server accepts.
//!
//! Two things differ. An `Option` is derived as "this or null", where the API server has absent
//! fields; an enum is derived as a choice among constants, each with its description, where the API
//! server wants one list of values.

use serde_json::{Map, Value};

/// `schema` and all schemas in it, without nulls, choices and titles.
pub(super) fn rewrite(schema: Value) -> Value {
    match schema {
        Value::Object(schema) => Value::Object(rewrite_object(schema)),
        other => other,
    }
}

fn rewrite_object(mut schema: Map<String, Value>) -> Map<String, Value> {
    unwrap_option(&mut schema);
    flatten_choice(&mut schema);
    schema.remove("title");
    schema.remove("nullable");
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    for (key, value) in &mut schema {
        match key.as_str() {
            "properties" => rewrite_each(value),
            "items" | "additionalProperties" => *value = rewrite(value.take()),
            "required" => sort(value),
            "description" => *value = one_line_per_paragraph(value),
            _ => {}
        }
    }
    schema
}

fn rewrite_each(properties: &mut Value) {
    if let Value::Object(properties) = properties {
        for property in properties.values_mut() {
            *property = rewrite(property.take());
        }
    }
}

/// Makes "`T` or null" just `T`; what stands beside the choice wins over what `T` says.
fn unwrap_option(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|type_| type_ != "null");
        if let [type_] = types.as_slice() {
            let type_ = type_.clone();
            schema.insert("type".to_owned(), type_);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(choices)) = schema.get("anyOf") else {
        return;
    };
    let inner = choices
        .iter()
        .filter_map(Value::as_object)
        .find(|choice| !is_null(choice))
        .cloned();
    schema.remove("anyOf");
    for (key, value) in inner.unwrap_or_default() {
        schema.entry(key).or_insert(value);
    }
}

fn is_null(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|type_| type_ == "null")
        || schema
            .get("enum")
            .is_some_and(|values| *values == Value::Array(vec![Value::Null]))
}

/// Makes a choice among constants one list of values.
fn flatten_choice(schema: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = schema.remove("oneOf") else {
        return;
    };
    let mut values = Vec::new();
    for choice in &choices {
        match (choice.get("const"), choice.get("enum")) {
            (Some(value), _) => values.push(value.clone()),
            (None, Some(Value::Array(several))) => values.extend(several.iter().cloned()),
            _ => {}
        }
    }
    schema.insert("type".to_owned(), Value::from("string"));
    schema.insert("enum".to_owned(), Value::Array(values));
}

fn sort(names: &mut Value) {
    if let Value::Array(names) = names {
        names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
}

/// Joins lines that the width of the source file broke.
fn one_line_per_paragraph(description: &Value) -> Value {
    let text = description.as_str().unwrap_or_default();
    let paragraphs: Vec<_> = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    Value::from(paragraphs.join("\n\n"))
}
