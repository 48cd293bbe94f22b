//! From documents to schemas that can be held against values: keywords read, references followed, patterns
//! compiled.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::OnceLock;

use go_template::quote;
use serde_json::Value as Json;

use super::MAIN;
use super::address::{encode, escape, join, split};
use super::document::{Document, load};
use super::draft::{Draft, is_standard};
use super::format::Format;
use super::node::{Additional, Dependency, Id, Items, Node, Regex};
use super::number::Number;
use super::validate;
use crate::functions::compile_regex;
use crate::json::value_of;

/// Schemas, those of the standard included: more is no chart's.
const MOST: usize = 100_000;

/// A schema and those that it refers to.
#[derive(Debug)]
pub(super) struct Compiled {
    /// All of them, by their places.
    pub(super) schemas: Vec<Node>,
    /// Where the first of them is, or why it is none.
    pub(super) root: Result<Id, String>,
    /// The names that nobody knows, which therefore allow everything.
    pub(super) unknown: Vec<String>,
}

impl Compiled {
    /// Compiles the document of a chart.
    pub(super) fn of(json: Json) -> Self {
        Compiler::new(Some(json)).finish(MAIN)
    }

    /// The schema of a draft's schemas, compiled once for all.
    fn of_draft(draft: Draft) -> &'static Self {
        static DRAFTS: [OnceLock<Compiled>; 5] = [const { OnceLock::new() }; 5];
        DRAFTS[draft as usize].get_or_init(|| Compiler::new(None).finish(draft.url()))
    }
}

/// Compiles schemas that refer to one another.
struct Compiler {
    documents: HashMap<String, Rc<Document>>,
    given: Option<Json>,
    schemas: Vec<Node>,
    /// Where each schema is, by the address of its document and the pointer in it.
    places: HashMap<String, HashMap<Rc<str>, Id>>,
    /// Schemas that still have to be read.
    waiting: Vec<(Id, String, Rc<str>)>,
}

const TYPES: [&str; 7] = [
    "null", "boolean", "number", "integer", "string", "array", "object",
];

fn quoted(text: &str) -> String {
    quote::quoted(text.as_bytes())
}

impl Compiler {
    fn new(given: Option<Json>) -> Self {
        Self {
            documents: HashMap::new(),
            given,
            schemas: Vec::new(),
            places: HashMap::new(),
            waiting: Vec::new(),
        }
    }

    /// Compiles the whole document at an address, and keeps what came out.
    fn finish(mut self, url: &str) -> Compiled {
        let root = self.compile(url);
        let urls = self.documents.into_keys();
        let mut unknown: Vec<String> = urls.filter(|it| it.starts_with("urn:")).collect();
        unknown.sort_unstable();
        Compiled {
            schemas: self.schemas,
            root,
            unknown,
        }
    }

    fn compile(&mut self, url: &str) -> Result<Id, String> {
        self.document(url)?;
        let id = self.place(url, "")?;
        while let Some((id, url, pointer)) = self.waiting.pop() {
            self.read(id, &url, &pointer)?;
        }
        Ok(id)
    }

    /// Has a document, which is valid itself.
    fn document(&mut self, url: &str) -> Result<(), String> {
        if self.documents.contains_key(url) {
            return Ok(());
        }
        let json = match self.given.take_if(|_| url == MAIN) {
            Some(given) => given,
            None => load(url)?,
        };
        let document = Document::new(url, json, Draft::LATEST)?;
        let draft = document
            .resources
            .get("")
            .map_or(Draft::LATEST, |it| it.draft);
        if !is_standard(url) {
            check(&document, draft)?;
        }
        self.documents.insert(url.to_owned(), Rc::new(document));
        Ok(())
    }

    /// The schema at a place, to be read later.
    fn place(&mut self, url: &str, pointer: &str) -> Result<Id, String> {
        let known = self.places.get(url).and_then(|it| it.get(pointer));
        if let Some(id) = known {
            return Ok(*id);
        }
        if self.schemas.len() >= MOST {
            return Err(format!("schema has more than {MOST} parts"));
        }
        let id = self.schemas.len();
        let location = format!("{url}#{}", encode(pointer));
        self.schemas.push(Node::new(location, Draft::LATEST));
        let pointer: Rc<str> = pointer.into();
        self.waiting.push((id, url.to_owned(), Rc::clone(&pointer)));
        let places = self.places.entry(url.to_owned()).or_default();
        places.insert(pointer, id);
        Ok(id)
    }

    fn read(&mut self, id: Id, url: &str, pointer: &str) -> Result<(), String> {
        let document = self.documents.get(url).cloned();
        let json = document.as_deref().and_then(|it| it.at(pointer));
        let Some((document, json)) = document.as_deref().zip(json) else {
            let shown = quoted(&format!("{url}#{}", encode(pointer)));
            return Err(format!("json-pointer in {shown} not found"));
        };
        let (place, Some(resource)) = document.resource(pointer) else {
            return Ok(());
        };
        let mut node = Node::new(self.schemas[id].location.clone(), resource.draft);
        node.resource = self.place(url, place)?;
        if resource.draft >= Draft::D2020 && place == pointer {
            for name in &resource.dynamic {
                if let Some(anchor) = resource.anchors.get(name) {
                    let id = self.place(url, anchor)?;
                    node.dynamic_anchors.insert(name.clone(), id);
                }
            }
        }
        match json {
            Json::Bool(always) => node.always = Some(*always),
            Json::Object(object) if object.is_empty() => node.always = Some(true),
            Json::Object(object) => Reading {
                compiler: self,
                object,
                place: (url, pointer),
                base: &resource.url,
                draft: resource.draft,
            }
            .fill(&mut node)?,
            _ => {}
        }
        self.schemas[id] = node;
        Ok(())
    }

    /// The place that a reference means.
    fn resolve(&mut self, from: &str, base: &str, reference: &str) -> Result<Id, String> {
        let (url, fragment) = split(reference);
        let target = join(base, url);
        let known = |document: &Document| {
            let mut resources = document.resources.iter();
            resources
                .find(|(_, it)| it.url == target)
                .map(|(at, _)| at.clone())
        };
        let inside = self
            .documents
            .get(from)
            .and_then(|document| match target == from {
                true => Some(String::new()),
                false => known(document),
            });
        let (url, at) = match inside {
            Some(at) => (from.to_owned(), at),
            None => {
                self.document(&target)?;
                (target.clone(), String::new())
            }
        };
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.place(&url, &format!("{at}{fragment}"));
        }
        let resource = self
            .documents
            .get(&url)
            .and_then(|it| it.resources.get(&at));
        match resource.and_then(|it| it.anchors.get(&fragment)).cloned() {
            Some(pointer) => self.place(&url, &pointer),
            None => {
                let id = resource.map_or_else(String::new, |it| it.url.clone());
                let reference = quoted(&format!("{id}#{}", encode(&fragment)));
                Err(format!(
                    "anchor in {reference} not found in schema {}",
                    quoted(&url)
                ))
            }
        }
    }
}

/// One schema while its keywords are read.
struct Reading<'c> {
    compiler: &'c mut Compiler,
    object: &'c serde_json::Map<String, Json>,
    place: (&'c str, &'c str),
    base: &'c str,
    draft: Draft,
}

impl Reading<'_> {
    fn fill(&mut self, node: &mut Node) -> Result<(), String> {
        node.reference = self.reference("$ref")?;
        if self.draft < Draft::D2019 && node.reference.is_some() {
            return Ok(());
        }
        self.applicators(node)?;
        self.assertions(node)?;
        if self.draft >= Draft::D6 {
            node.contains = self.one("contains")?;
            node.property_names = self.one("propertyNames")?;
            node.constant = self.object.get("const").cloned();
        }
        if self.draft >= Draft::D7 {
            node.condition = self.one("if")?;
            if node.condition.is_some() {
                node.then = self.one("then")?;
                node.otherwise = self.one("else")?;
            }
        }
        if self.draft >= Draft::D2019 {
            self.since_2019(node)?;
        }
        if self.draft >= Draft::D2020 {
            if let Some(id) = self.reference("$dynamicRef")? {
                let (_, fragment) = split(self.text("$dynamicRef").unwrap_or_default());
                let anchor = match fragment.starts_with('/') {
                    true => String::new(),
                    false => fragment,
                };
                node.dynamic_ref = Some((id, anchor));
            }
            node.dynamic_anchor = self.text("$dynamicAnchor").unwrap_or_default().to_owned();
            node.prefix_items = self.many("prefixItems")?;
            node.items_after = self.one("items")?;
        }
        Ok(())
    }

    fn applicators(&mut self, node: &mut Node) -> Result<(), String> {
        node.all_of = self.many("allOf")?;
        node.any_of = self.many("anyOf")?;
        node.one_of = self.many("oneOf")?;
        node.not = self.one("not")?;
        if self.draft < Draft::D2020 {
            if matches!(self.object.get("items"), Some(Json::Array(_))) {
                node.items = Some(Items::Each(self.many("items")?));
                node.additional_items = self.additional("additionalItems")?;
            } else {
                node.items = self.one("items")?.map(Items::All);
            }
        }
        node.properties = self.named("properties")?;
        for (text, id) in self.named("patternProperties")? {
            let regex = self.regex("patternProperties", &text)?;
            node.patterns.push((regex, id));
        }
        node.additional_properties = self.additional("additionalProperties")?;
        if let Some(Json::Object(dependencies)) = self.object.get("dependencies") {
            for (name, dependency) in dependencies {
                let dependency = match dependency {
                    Json::Array(items) => Dependency::Properties(strings(items)),
                    _ => Dependency::Schema(self.below(&["dependencies", name])?),
                };
                node.dependencies.insert(name.clone(), dependency);
            }
        }
        Ok(())
    }

    fn assertions(&mut self, node: &mut Node) -> Result<(), String> {
        let named: Vec<&str> = match self.object.get("type") {
            Some(Json::String(one)) => vec![one],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        node.types = TYPES.into_iter().filter(|it| named.contains(it)).collect();
        if let Some(Json::Array(choices)) = self.object.get("enum") {
            node.choices = Some(choices.clone());
        }
        node.multiple_of = self.number("multipleOf");
        let bound = |plain: &str, exclusive: &str| {
            let bound = self.number(plain);
            match self.object.get(exclusive) {
                Some(Json::Bool(true)) => (None, bound),
                _ => (bound, self.number(exclusive)),
            }
        };
        (node.maximum, node.exclusive_maximum) = bound("maximum", "exclusiveMaximum");
        (node.minimum, node.exclusive_minimum) = bound("minimum", "exclusiveMinimum");
        node.min_length = self.count("minLength");
        node.max_length = self.count("maxLength");
        if let Some(text) = self.text("pattern") {
            let text = text.to_owned();
            node.pattern = Some(self.regex("pattern", &text)?);
        }
        node.min_items = self.count("minItems");
        node.max_items = self.count("maxItems");
        node.unique_items = self.flag("uniqueItems");
        node.min_properties = self.count("minProperties");
        node.max_properties = self.count("maxProperties");
        if let Some(Json::Array(required)) = self.object.get("required") {
            node.required = strings(required);
        }
        if self.draft < Draft::D2019 || is_standard(self.place.0) {
            node.format = self.text("format").and_then(Format::of);
        }
        Ok(())
    }

    fn since_2019(&mut self, node: &mut Node) -> Result<(), String> {
        node.recursive_ref = self.reference("$recursiveRef")?;
        node.recursive_anchor = self.flag("$recursiveAnchor");
        if node.contains.is_some() {
            node.min_contains = self.count("minContains");
            node.max_contains = self.count("maxContains");
        }
        if let Some(Json::Object(required)) = self.object.get("dependentRequired") {
            for (name, required) in required {
                if let Json::Array(required) = required {
                    node.dependent_required
                        .insert(name.clone(), strings(required));
                }
            }
        }
        node.dependent_schemas = self.named("dependentSchemas")?;
        node.unevaluated_items = self.one("unevaluatedItems")?;
        node.unevaluated_properties = self.one("unevaluatedProperties")?;
        Ok(())
    }

    fn text(&self, keyword: &str) -> Option<&str> {
        self.object.get(keyword)?.as_str()
    }

    fn flag(&self, keyword: &str) -> bool {
        self.object.get(keyword).and_then(Json::as_bool) == Some(true)
    }

    fn number(&self, keyword: &str) -> Option<Number> {
        match self.object.get(keyword)? {
            Json::Number(number) => Number::of_text(&number.to_string()),
            _ => None,
        }
    }

    fn count(&self, keyword: &str) -> Option<usize> {
        let number = self.object.get(keyword)?.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "negative bounds are refused by the metaschema"
        )]
        (number.fract() == 0.0).then_some(number as usize)
    }

    fn regex(&self, keyword: &str, text: &str) -> Result<Regex, String> {
        match compile_regex(text.as_bytes()) {
            Ok(pattern) => Ok(Regex {
                text: text.to_owned(),
                pattern,
            }),
            Err(error) => {
                let (url, pointer) = self.place;
                let place = quoted(&format!("{url}#{}/{keyword}", encode(pointer)));
                Err(format!(
                    "invalid regex {} at {place}: {error}",
                    quoted(text)
                ))
            }
        }
    }

    fn reference(&mut self, keyword: &str) -> Result<Option<Id>, String> {
        let Some(reference) = self.text(keyword).map(str::to_owned) else {
            return Ok(None);
        };
        let place = self.place.0;
        self.compiler
            .resolve(place, self.base, &reference)
            .map(Some)
    }

    fn below(&mut self, tokens: &[&str]) -> Result<Id, String> {
        let (url, mut pointer) = (self.place.0, self.place.1.to_owned());
        for token in tokens {
            pointer.push('/');
            pointer.push_str(&escape(token));
        }
        self.compiler.place(url, &pointer)
    }

    fn one(&mut self, keyword: &str) -> Result<Option<Id>, String> {
        match self.object.contains_key(keyword) {
            true => self.below(&[keyword]).map(Some),
            false => Ok(None),
        }
    }

    fn many(&mut self, keyword: &str) -> Result<Vec<Id>, String> {
        let Some(Json::Array(items)) = self.object.get(keyword) else {
            return Ok(Vec::new());
        };
        let below = |at: usize| self.below(&[keyword, &at.to_string()]);
        (0..items.len()).map(below).collect()
    }

    fn named(&mut self, keyword: &str) -> Result<BTreeMap<String, Id>, String> {
        let Some(Json::Object(named)) = self.object.get(keyword) else {
            return Ok(BTreeMap::new());
        };
        let below = |name: &String| Ok((name.clone(), self.below(&[keyword, name])?));
        named.keys().map(below).collect()
    }

    fn additional(&mut self, keyword: &str) -> Result<Option<Additional>, String> {
        if let Some(Json::Bool(allowed)) = self.object.get(keyword) {
            return Ok(Some(Additional::Allowed(*allowed)));
        }
        Ok(self.one(keyword)?.map(Additional::Schema))
    }
}

/// Holds a document against the schema of its draft.
fn check(document: &Document, draft: Draft) -> Result<(), String> {
    let meta = Compiled::of_draft(draft);
    let value = value_of(&document.json);
    match validate::run(&meta.schemas, meta.root.clone()?, &value)? {
        None => Ok(()),
        Some(problem) => Err(format!(
            "\"{}#\" is not valid against metaschema: {}",
            document.url,
            problem.show()
        )),
    }
}

fn strings(items: &[Json]) -> Vec<String> {
    let strings = items.iter().filter_map(Json::as_str);
    strings.map(str::to_owned).collect()
}
