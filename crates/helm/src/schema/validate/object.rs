//! Objects.

use go_template::{Map, Value};

use super::{Check, Stop};
use crate::schema::draft::Draft;
use crate::schema::node::{Additional, Dependency};
use crate::schema::problem::{Kind, listed, single};

/// Properties that are not there.
fn missing<'n>(map: &Map, names: &'n [String]) -> Vec<&'n String> {
    names
        .iter()
        .filter(|name| !map.contains(name.as_bytes()))
        .collect()
}

fn required(names: &[&String], property: &str) -> Kind {
    let (names, property) = (listed(names), single(property));
    Kind::Other(format!("properties {names} required, if {property} exists"))
}

impl Check<'_> {
    pub(super) fn object(&mut self, map: &Map) -> Result<(), Stop> {
        let node = self.node;
        if let Some(least) = node.min_properties.filter(|it| map.len() < *it) {
            self.add(Kind::count("minProperties", map.len(), least));
        }
        if let Some(most) = node.max_properties.filter(|it| map.len() > *it) {
            self.add(Kind::count("maxProperties", map.len(), most));
        }
        match missing(map, &node.required).as_slice() {
            [] => {}
            [one] => self.add(Kind::Other(format!("missing property {}", single(one)))),
            many => self.add(Kind::Other(format!("missing properties {}", listed(many)))),
        }
        if self.is_decided() {
            return Ok(());
        }
        for (name, dependency) in &node.dependencies {
            if !map.contains(name.as_bytes()) {
                continue;
            }
            match dependency {
                Dependency::Properties(names) => {
                    let missing = missing(map, names);
                    if !missing.is_empty() {
                        self.add(required(&missing, name));
                    }
                }
                Dependency::Schema(id) => {
                    let problem = self.same(*id, "", false)?;
                    self.problems.extend(problem);
                }
            }
        }
        self.properties(map)?;
        if node.draft == Draft::D4 {
            return Ok(());
        }
        self.names(map)?;
        if node.draft == Draft::D6 {
            return Ok(());
        }
        for (name, id) in &node.dependent_schemas {
            if map.contains(name.as_bytes()) {
                let problem = self.same(*id, "", false)?;
                self.problems.extend(problem);
            }
        }
        for (name, names) in &node.dependent_required {
            let missing = missing(map, names);
            if map.contains(name.as_bytes()) && !missing.is_empty() {
                self.add(required(&missing, name));
            }
        }
        Ok(())
    }

    fn properties(&mut self, map: &Map) -> Result<(), Stop> {
        let node = self.node;
        let asks = !node.properties.is_empty() || !node.patterns.is_empty();
        if !asks && node.additional_properties.is_none() {
            return Ok(());
        }
        let mut refused: Vec<String> = Vec::new();
        for (key, value) in map.entries() {
            if self.is_decided() {
                return Ok(());
            }
            let name = key.lossy();
            let mut seen = false;
            if let Some(id) = node.properties.get(&*name) {
                seen = true;
                let problem = self.part(*id, &value, &name)?;
                self.problems.extend(problem);
            }
            for (regex, id) in &node.patterns {
                if regex.pattern.is_match(&*key) {
                    seen = true;
                    let problem = self.part(*id, &value, &name)?;
                    self.problems.extend(problem);
                }
            }
            if !seen {
                match node.additional_properties {
                    Some(Additional::Allowed(true)) => seen = true,
                    Some(Additional::Allowed(false)) => {
                        seen = true;
                        refused.push(name.clone().into_owned());
                    }
                    Some(Additional::Schema(id)) => {
                        seen = true;
                        let problem = self.part(id, &value, &name)?;
                        self.problems.extend(problem);
                    }
                    None => {}
                }
            }
            if seen {
                self.unseen.properties.remove(&*name);
            }
        }
        if !refused.is_empty() {
            let names = listed(&refused);
            self.add(Kind::Other(format!(
                "additional properties {names} not allowed"
            )));
        }
        Ok(())
    }

    fn names(&mut self, map: &Map) -> Result<(), Stop> {
        let Some(id) = self.node.property_names else {
            return Ok(());
        };
        for key in map.keys() {
            let name = Value::Str(key.clone());
            let found = self.run.whole(id, &name, self.scope.depth + 1);
            if let Some(mut problem) = found.map_err(Stop::Over)? {
                problem.kind =
                    Kind::Other(format!("invalid propertyName {}", single(&key.lossy())));
                self.problems.push(problem);
            }
        }
        Ok(())
    }
}
