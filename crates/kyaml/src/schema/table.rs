//! The built-in table, written by `hack/gen/openapi`.

use super::{Place, Schema, Shape, Target};
use crate::node::Text;

const TABLE: &str = include_str!("kubernetes.txt");

/// Reads the table, but leaves the fields of each node unread until they are asked for. Its form is
/// described in the generator; what does not fit is left out.
pub(super) fn builtin() -> Schema {
    let mut schema = Schema::default();
    for line in TABLE.lines() {
        if let Some(fields) = line.strip_prefix("N") {
            schema.nodes.push(Place::unread(fields));
            continue;
        }
        let mut words = line.split(' ');
        match words.next() {
            Some("D") => {
                if let (Some(node), Some(name)) = (number(words.next()), words.next()) {
                    schema.definitions.insert(name.into(), node);
                }
            }
            Some("R") => {
                if let (Some(node), Some(version), Some(kind)) =
                    (number(words.next()), words.next(), words.next())
                {
                    schema.resources.insert((version.into(), kind.into()), node);
                }
            }
            Some("S") => {
                if let (Some(scope), Some(version), Some(kind)) =
                    (words.next(), words.next(), words.next())
                {
                    schema
                        .namespaced
                        .insert((version.into(), kind.into()), scope == "n");
                }
            }
            _ => {}
        }
    }
    schema
}

fn number(word: Option<&str>) -> Option<u32> {
    word?.parse().ok()
}

/// Reads what stands behind the `N` of a line.
pub(super) fn shape(fields: &str) -> Shape {
    let mut shape = Shape::default();
    for word in fields.split(' ').filter(|word| !word.is_empty()) {
        let Some((name, value)) = word.split_once('=') else {
            shape.array |= word == "@";
            continue;
        };
        let target = || number(Some(value)).map(Target::Node);
        match name {
            ".s" => shape.strategy = value.into(),
            ".k" => shape.key = value.into(),
            ".l" => shape.map_keys = value.split(',').map(Text::from).collect(),
            ".i" => shape.items = target(),
            ".+" => shape.additional = target(),
            _ => shape
                .fields
                .extend(target().map(|target| (Text::from(name), target))),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_of_the_table_exists() {
        let schema = builtin();
        let nodes = u32::try_from(schema.nodes.len()).unwrap();
        let inside = |target: &Target| matches!(target, Target::Node(node) if *node < nodes);
        for shape in schema.nodes.iter().map(Place::shape) {
            assert!(shape.fields.iter().all(|(_, target)| inside(target)));
            assert!(shape.fields.is_sorted_by(|a, b| a.0 < b.0));
            assert!(shape.items.iter().chain(&shape.additional).all(inside));
        }
        assert!(schema.resources.len() > 100);
        assert_eq!(schema.namespaced.len(), 82);
    }
}
