//! What differs between two tours, and between two steps of one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tour::{Step, without_chance};
use crate::picture::Picture;

/// The label of whom an object belongs to.
const OWNER: &str = "kustomize.toolkit.fluxcd.io/name";
/// What is compared of each step, in the order of the table.
const COLUMNS: [&str; 12] = [
    "installed: objects",
    "status",
    "events",
    "taken over: objects",
    "status",
    "events",
    "upgraded: objects",
    "status",
    "events",
    "given back: objects",
    "status",
    "events",
];

/// A table, and a line for each difference.
pub(super) struct Report {
    pub(super) table: String,
    pub(super) differences: Vec<String>,
}

/// Compares our tour with theirs. Objects of a step in which nothing is to change are compared with the step before.
pub(super) fn report(theirs: &[Step; 4], ours: &[Step; 4]) -> Report {
    let mut cells: BTreeMap<String, [usize; 12]> = BTreeMap::new();
    let mut differences = Vec::new();
    for step in 0..4 {
        let rests = step % 2 == 1;
        let before = if rests {
            &ours[step - 1]
        } else {
            &theirs[step]
        };
        let pairs = [
            (objects(&before.picture), objects(&ours[step].picture)),
            (
                statuses(&theirs[step].picture),
                statuses(&ours[step].picture),
            ),
        ];
        for (kind, (wanted, found)) in pairs.into_iter().enumerate() {
            let names: BTreeSet<_> = wanted.keys().chain(found.keys()).cloned().collect();
            for name in names {
                let side = |of: &BTreeMap<String, Picture>| {
                    of.get(&name).cloned().unwrap_or(Picture(BTreeMap::new()))
                };
                let lines = side(&wanted).difference(&side(&found));
                cells.entry(name.clone()).or_default()[3 * step + kind] = lines.len();
                let head = format!("{name}, {}", COLUMNS[3 * step]);
                differences.extend(lines.iter().map(|line| format!("{head}: {line}")));
            }
        }
        for name in cells.keys().cloned().collect::<Vec<_>>() {
            let lines = |of: &Step| of.events.get(&name).cloned().unwrap_or_default();
            let (wanted, found) = (lines(&theirs[step]), lines(&ours[step]));
            let missing = wanted
                .difference(&found)
                .map(|line| format!("not told: {line}"));
            let more = found
                .difference(&wanted)
                .map(|line| format!("told as well: {line}"));
            let all: Vec<String> = missing.chain(more).collect();
            cells.entry(name.clone()).or_default()[3 * step + 2] = all.len();
            let head = format!("{name}, {}", COLUMNS[3 * step]);
            differences.extend(all.iter().map(|line| format!("{head}, {line}")));
        }
    }
    Report {
        table: table(&cells),
        differences,
    }
}

/// The objects of each Kustomization.
fn objects(picture: &Picture) -> BTreeMap<String, Picture> {
    let mut by_owner: BTreeMap<String, Picture> = BTreeMap::new();
    for (path, object) in &picture.0 {
        if let Some(owner) = object["metadata"]["labels"][OWNER].as_str() {
            let all = by_owner.entry(owner.to_owned());
            let all = all.or_insert(Picture(BTreeMap::new()));
            let mut object = object.clone();
            // Before the first turn was over there was nothing to be the same as.
            if let Value::Object(fields) = &mut object
                && fields.get("isTheSame") == Some(&Value::Bool(true))
            {
                fields.remove("isTheSame");
            }
            all.0.insert(path.clone(), object);
        }
    }
    by_owner
}

/// Each Kustomization by itself.
fn statuses(picture: &Picture) -> BTreeMap<String, Picture> {
    let own = picture.0.iter().filter_map(|(path, object)| {
        let (_, name) = path.split_once("/kustomizations/")?;
        let mut object = object.clone();
        for condition in object["conditions"].as_array_mut().into_iter().flatten() {
            let message = condition["message"].as_str().unwrap_or_default();
            condition["message"] = Value::String(without_chance(message));
        }
        let alone = BTreeMap::from([("status".to_owned(), object)]);
        Some((name.to_owned(), Picture(alone)))
    });
    own.collect()
}

fn table(cells: &BTreeMap<String, [usize; 12]>) -> String {
    let mut text = String::from(
        "differences         installed            taken over           upgraded             given back\n\
         Kustomization       obj status events    obj status events    obj status events    obj status events\n",
    );
    for (name, row) in cells {
        text += &format!("{name:<20}");
        for step in row.chunks(3) {
            text += &format!("{:>3}{:>7}{:>7}    ", step[0], step[1], step[2]);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
