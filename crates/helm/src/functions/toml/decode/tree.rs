//! Tables while they are being read.

use std::collections::BTreeMap;

use go_template::{List, Map, Str, Type, Value};

/// What a key stands for.
#[derive(Debug)]
pub(super) enum Node {
    Leaf(Value),
    Table(Table),
    /// `[[tables]]`.
    Tables(Vec<Table>),
}

/// A table.
#[derive(Debug, Default)]
pub(super) struct Table(pub(super) BTreeMap<Str, Node>);

static TABLES: Type = Type::List(&Type::MAP);

impl Node {
    /// The table, or the last one of several.
    pub(super) fn table(&mut self) -> Option<&mut Table> {
        match self {
            Self::Leaf(_) => None,
            Self::Table(table) => Some(table),
            Self::Tables(tables) => tables.last_mut(),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::Table(table) => super::deeper(|| table.into_value()),
            Self::Tables(tables) => {
                let tables = tables.into_iter().map(Table::into_value).collect();
                Value::List(List::new(&TABLES, tables))
            }
        }
    }
}

impl Table {
    /// Adds one to the tables under a key. Says whether it could.
    pub(super) fn push_table(&mut self, key: &Str) -> bool {
        let tables = self.0.entry(key.clone());
        match tables.or_insert_with(|| Node::Tables(Vec::new())) {
            Node::Tables(tables) => tables.push(Self::default()),
            _ => return false,
        }
        true
    }

    /// Puts a value under a key within tables. Says whether it could.
    pub(super) fn insert_at(&mut self, path: &[Str], key: Str, value: Value) -> bool {
        let mut table = self;
        for part in path {
            let inner = table.0.entry(part.clone());
            match inner.or_insert_with(|| Node::Table(Self::default())) {
                Node::Table(inner) => table = inner,
                Node::Leaf(Value::Map(map)) => {
                    // A table that was given as a value takes more.
                    map.insert(key, value);
                    return true;
                }
                _ => return false,
            }
        }
        table.0.insert(key, Node::Leaf(value));
        true
    }

    pub(super) fn into_value(self) -> Value {
        let pairs = self.0.into_iter();
        let pairs = pairs.map(|(key, node)| (key, node.into_value())).collect();
        Value::Map(Map::from_pairs(&Type::MAP, pairs))
    }
}
