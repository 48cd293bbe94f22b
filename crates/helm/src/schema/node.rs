//! A compiled schema.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::draft::Draft;
use super::format::Format;
use super::number::Number;

/// A schema's place among all of them.
pub(super) type Id = usize;

/// What follows from more than is listed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Additional {
    Allowed(bool),
    Schema(Id),
}

/// `items` before 2020-12.
#[derive(Clone, Debug)]
pub(super) enum Items {
    All(Id),
    Each(Vec<Id>),
}

/// `dependencies`.
#[derive(Clone, Debug)]
pub(super) enum Dependency {
    Properties(Vec<String>),
    Schema(Id),
}

/// A regular expression and its text.
#[derive(Clone)]
pub(super) struct Regex {
    pub(super) text: String,
    pub(super) pattern: go_regex::Regex,
}

impl std::fmt::Debug for Regex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A schema, whose references to others are places.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) location: String,
    pub(super) draft: Draft,
    /// The schema that gives this one its address.
    pub(super) resource: Id,
    pub(super) always: Option<bool>,
    pub(super) reference: Option<Id>,
    pub(super) recursive_ref: Option<Id>,
    pub(super) recursive_anchor: bool,
    pub(super) dynamic_ref: Option<(Id, String)>,
    pub(super) dynamic_anchor: String,
    pub(super) dynamic_anchors: BTreeMap<String, Id>,
    pub(super) types: Vec<&'static str>,
    pub(super) constant: Option<Json>,
    pub(super) choices: Option<Vec<Json>>,
    pub(super) format: Option<Format>,
    pub(super) all_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) one_of: Vec<Id>,
    pub(super) not: Option<Id>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
    pub(super) min_properties: Option<usize>,
    pub(super) max_properties: Option<usize>,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, Id>,
    pub(super) patterns: Vec<(Regex, Id)>,
    pub(super) additional_properties: Option<Additional>,
    pub(super) property_names: Option<Id>,
    pub(super) dependencies: BTreeMap<String, Dependency>,
    pub(super) dependent_schemas: BTreeMap<String, Id>,
    pub(super) dependent_required: BTreeMap<String, Vec<String>>,
    pub(super) unevaluated_properties: Option<Id>,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) unique_items: bool,
    pub(super) items: Option<Items>,
    pub(super) additional_items: Option<Additional>,
    pub(super) prefix_items: Vec<Id>,
    pub(super) items_after: Option<Id>,
    pub(super) contains: Option<Id>,
    pub(super) min_contains: Option<usize>,
    pub(super) max_contains: Option<usize>,
    pub(super) unevaluated_items: Option<Id>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<Regex>,
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) exclusive_minimum: Option<Number>,
    pub(super) exclusive_maximum: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

impl Node {
    pub(super) fn new(location: String, draft: Draft) -> Self {
        Self {
            location,
            draft,
            resource: 0,
            always: None,
            reference: None,
            recursive_ref: None,
            recursive_anchor: false,
            dynamic_ref: None,
            dynamic_anchor: String::new(),
            dynamic_anchors: BTreeMap::new(),
            types: Vec::new(),
            constant: None,
            choices: None,
            format: None,
            all_of: Vec::new(),
            any_of: Vec::new(),
            one_of: Vec::new(),
            not: None,
            condition: None,
            then: None,
            otherwise: None,
            min_properties: None,
            max_properties: None,
            required: Vec::new(),
            properties: BTreeMap::new(),
            patterns: Vec::new(),
            additional_properties: None,
            property_names: None,
            dependencies: BTreeMap::new(),
            dependent_schemas: BTreeMap::new(),
            dependent_required: BTreeMap::new(),
            unevaluated_properties: None,
            min_items: None,
            max_items: None,
            unique_items: false,
            items: None,
            additional_items: None,
            prefix_items: Vec::new(),
            items_after: None,
            contains: None,
            min_contains: None,
            max_contains: None,
            unevaluated_items: None,
            min_length: None,
            max_length: None,
            pattern: None,
            minimum: None,
            maximum: None,
            exclusive_minimum: None,
            exclusive_maximum: None,
            multiple_of: None,
        }
    }

    /// Whether it looks at all properties by itself.
    pub(super) fn evaluates_properties(&self) -> bool {
        self.additional_properties.is_some()
    }

    /// Whether it looks at all items by itself, and at how many if not.
    pub(super) fn evaluates_items(&self) -> (bool, usize) {
        if self.draft >= Draft::D2020 {
            return (self.items_after.is_some(), self.prefix_items.len());
        }
        match &self.items {
            Some(Items::All(_)) => (true, 0),
            Some(Items::Each(items)) => (self.additional_items.is_some(), items.len()),
            None => (self.additional_items.is_some(), 0),
        }
    }
}
