//! Other schemas for the same value: references, choices, conditions, and what nobody has looked at.

use go_template::Value;

use super::{Check, Stop};
use crate::schema::problem::Kind;

impl Check<'_> {
    pub(super) fn references(&mut self) -> Result<(), Stop> {
        if let Some(id) = self.node.recursive_ref {
            let mut target = id;
            if self.run.schemas[id].recursive_anchor {
                for scope in std::iter::successors(Some(&self.scope), |it| it.parent) {
                    let resource = self.run.schemas[scope.id].resource;
                    if self.run.schemas[resource].recursive_anchor {
                        target = scope.id;
                    }
                }
            }
            self.reference(target, "$recursiveRef")?;
        }
        if let Some((id, anchor)) = &self.node.dynamic_ref {
            let mut target = *id;
            if !anchor.is_empty() && self.run.schemas[*id].dynamic_anchor == *anchor {
                for scope in std::iter::successors(Some(&self.scope), |it| it.parent) {
                    let resource = self.run.schemas[scope.id].resource;
                    if let Some(id) = self.run.schemas[resource].dynamic_anchors.get(anchor) {
                        target = *id;
                    }
                }
            }
            self.reference(target, "$dynamicRef")?;
        }
        Ok(())
    }

    pub(super) fn conditions(&mut self) -> Result<(), Stop> {
        let node = self.node;
        if let Some(id) = node.not
            && self.same(id, "", true)?.is_none()
        {
            self.add(Kind::Text("'not' failed"));
        }
        let mut failed = Vec::new();
        for id in &node.all_of {
            failed.extend(self.same(*id, "", false)?);
            if self.quick && !failed.is_empty() {
                break;
            }
        }
        if !failed.is_empty() {
            self.add_with(failed, Kind::Text("'allOf' failed"));
        }
        self.any_of()?;
        self.one_of()?;
        if let Some(id) = node.condition {
            let next = match self.same(id, "", true)? {
                None => node.then,
                Some(_) => node.otherwise,
            };
            if let Some(id) = next {
                let problem = self.same(id, "", false)?;
                self.problems.extend(problem);
            }
        }
        Ok(())
    }

    fn any_of(&mut self) -> Result<(), Stop> {
        let mut failed = Vec::new();
        let mut matched = self.node.any_of.is_empty();
        for id in &self.node.any_of {
            match self.same(*id, "", false)? {
                Some(problem) => failed.push(problem),
                None => {
                    matched = true;
                    // Each may look at properties that the others did not.
                    if self.unseen.is_empty() {
                        break;
                    }
                }
            }
        }
        if !matched {
            self.add_with(failed, Kind::Text("'anyOf' failed"));
        }
        Ok(())
    }

    fn one_of(&mut self) -> Result<(), Stop> {
        let mut failed = Vec::new();
        let mut matched = None;
        for (at, id) in self.node.one_of.iter().enumerate() {
            match (self.same(*id, "", matched.is_some())?, matched) {
                (Some(problem), None) => failed.push(problem),
                (Some(_), Some(_)) => {}
                (None, None) => matched = Some(at),
                (None, Some(first)) => {
                    let text = format!("'oneOf' failed, subschemas {first}, {at} matched");
                    self.add(Kind::Other(text));
                    break;
                }
            }
        }
        if matched.is_none() && !self.node.one_of.is_empty() {
            self.add_with(failed, Kind::Text("'oneOf' failed, none matched"));
        }
        Ok(())
    }

    pub(super) fn unevaluated(&mut self) -> Result<(), Stop> {
        if let (Value::Map(map), Some(id)) = (self.value, self.node.unevaluated_properties) {
            for name in std::mem::take(&mut self.unseen.properties) {
                if let Some(value) = map.get(name.as_bytes()) {
                    let problem = self.part(id, &value, &name)?;
                    self.problems.extend(problem);
                }
            }
        }
        if let (Value::List(list), Some(id)) = (self.value, self.node.unevaluated_items) {
            for at in std::mem::take(&mut self.unseen.items) {
                if let Some(value) = list.get(at) {
                    let problem = self.part(id, &value, &at.to_string())?;
                    self.problems.extend(problem);
                }
            }
        }
        Ok(())
    }
}
