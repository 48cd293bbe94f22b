//! Arrays.

use go_template::{List, Value};

use super::{Check, Stop, number_of};
use crate::schema::draft::Draft;
use crate::schema::node::{Additional, Id, Items};
use crate::schema::problem::Kind;
use crate::values::deeper;

/// Whether two values are equal to JSON.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|(a, b)| deeper(|| same_value(&a, &b)))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.entries().iter().all(|(key, value)| {
                    b.get(key)
                        .is_some_and(|other| deeper(|| same_value(value, &other)))
                })
        }
        (a, b) => match (number_of(a), number_of(b)) {
            (Some(a), Some(b)) => a.compare(b).is_eq(),
            _ => a.is_nil() && b.is_nil(),
        },
    }
}

impl Check<'_> {
    pub(super) fn array(&mut self, list: &List) -> Result<(), Stop> {
        let node = self.node;
        if let Some(least) = node.min_items.filter(|it| list.len() < *it) {
            self.add(Kind::count("minItems", list.len(), least));
        }
        if let Some(most) = node.max_items.filter(|it| list.len() > *it) {
            self.add(Kind::count("maxItems", list.len(), most));
        }
        if node.unique_items {
            self.unique(list)?;
        }
        if node.draft < Draft::D2020 {
            self.items(list)?;
        } else {
            for (at, id) in node.prefix_items.iter().enumerate() {
                self.item(list, at, *id)?;
            }
            if let Some(id) = node.items_after {
                // Their places are counted anew.
                for (place, at) in (node.prefix_items.len()..list.len()).enumerate() {
                    self.placed(list, (at, place), id)?;
                }
            }
        }
        match node.contains {
            Some(id) => self.contains(list, id),
            None => Ok(()),
        }
    }

    fn item(&mut self, list: &List, at: usize, id: Id) -> Result<(), Stop> {
        self.placed(list, (at, at), id)
    }

    /// Checks an item, which messages show at another place.
    fn placed(&mut self, list: &List, (at, place): (usize, usize), id: Id) -> Result<(), Stop> {
        if let Some(value) = list.get(at) {
            let problem = self.part(id, &value, &place.to_string())?;
            self.problems.extend(problem);
        }
        Ok(())
    }

    fn unique(&mut self, list: &List) -> Result<(), Stop> {
        for later in 1..list.len() {
            let Some(value) = list.get(later) else {
                continue;
            };
            let steps = self.run.steps.get() + later / 8;
            self.run.steps.set(steps);
            if steps > super::MOST_STEPS {
                return Err(Stop::Over(String::from(
                    "list is too long to be compared\n",
                )));
            }
            let equal = |earlier: &usize| {
                list.get(*earlier)
                    .is_some_and(|other| same_value(&value, &other))
            };
            if let Some(earlier) = (0..later).find(equal) {
                let text = format!("items at {earlier} and {later} are equal");
                self.add(Kind::Other(text));
                return Ok(());
            }
        }
        Ok(())
    }

    fn items(&mut self, list: &List) -> Result<(), Stop> {
        let node = self.node;
        let mut seen = 0;
        match &node.items {
            Some(Items::All(id)) => {
                for at in 0..list.len() {
                    self.item(list, at, *id)?;
                }
                seen = list.len();
            }
            Some(Items::Each(ids)) => {
                for (at, id) in ids.iter().enumerate() {
                    self.item(list, at, *id)?;
                }
                seen = ids.len().min(list.len());
            }
            None => {}
        }
        match node.additional_items {
            Some(Additional::Allowed(false)) if seen < list.len() => {
                let more = list.len() - seen;
                self.add(Kind::Other(format!(
                    "last {more} additionalItem(s) not allowed"
                )));
            }
            Some(Additional::Schema(id)) => {
                for at in seen..list.len() {
                    self.item(list, at, id)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn contains(&mut self, list: &List, id: Id) -> Result<(), Stop> {
        let node = self.node;
        let mut failed = Vec::new();
        let mut matched: Vec<String> = Vec::new();
        for (at, item) in list.iter().enumerate() {
            match self.part(id, &item, &at.to_string())? {
                Some(problem) => failed.push(problem),
                None => {
                    matched.push(at.to_string());
                    if node.draft >= Draft::D2020 {
                        self.unseen.items.remove(&at);
                    }
                }
            }
        }
        let found = matched.len();
        let places = matched.join(" ");
        match node.min_contains {
            Some(least) if found < least => {
                let but = match found {
                    0 => String::from("none matched"),
                    _ => format!("matched {found} items at {places}"),
                };
                let text =
                    format!("min {least} items required to match contains schema, but {but}");
                self.add_with(failed, Kind::Other(text));
            }
            None if found == 0 => {
                self.add_with(failed, Kind::Text("no items match contains schema"));
            }
            _ => {}
        }
        if let Some(most) = node.max_contains.filter(|it| found > *it) {
            let text = format!(
                "max {most} items required to match contains schema, but matched {found} items at {places}"
            );
            self.add(Kind::Other(text));
        }
        Ok(())
    }
}
