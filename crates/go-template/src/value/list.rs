//! Slices. Templates cannot change one, so a part of a slice is a copy.

use std::sync::Arc;

use super::{Value, drop_all, nests};
use crate::{Str, Type, UintKind};

/// A slice of any element type, or a nil one.
#[derive(Clone, Debug)]
pub struct List {
    ty: &'static Type,
    items: Option<Arc<Items>>,
}

#[derive(Debug)]
enum Items {
    Values(Vec<Value>),
    Bytes(Str),
}

impl Drop for Items {
    fn drop(&mut self) {
        if let Self::Values(values) = self {
            let mut todo = Vec::new();
            take_nested(values, &mut todo);
            drop_all(todo);
        }
    }
}

/// Moves what nests to what is to be dropped; the rest goes with its slice.
fn take_nested(values: &mut [Value], todo: &mut Vec<Value>) {
    let nested = values.iter_mut().filter(|value| nests(value));
    todo.extend(nested.map(std::mem::take));
}

impl List {
    /// A slice of `items`, which have to be of the type's element.
    pub fn new(ty: &'static Type, items: Vec<Value>) -> Self {
        let items = Some(Arc::new(Items::Values(items)));
        Self { ty, items }
    }

    /// A `[]uint8`.
    pub fn bytes(bytes: Str) -> Self {
        Self {
            ty: &Type::BYTES,
            items: Some(Arc::new(Items::Bytes(bytes))),
        }
    }

    /// A slice that is nil.
    pub fn nil(ty: &'static Type) -> Self {
        Self { ty, items: None }
    }

    /// Its type.
    pub fn ty(&self) -> &'static Type {
        self.ty
    }

    /// Whether it is nil, which an empty one need not be.
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        match self.items.as_deref() {
            None => 0,
            Some(Items::Values(values)) => values.len(),
            Some(Items::Bytes(bytes)) => bytes.len(),
        }
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An element.
    pub fn get(&self, index: usize) -> Option<Value> {
        match self.items.as_deref()? {
            Items::Values(values) => values.get(index).cloned(),
            Items::Bytes(bytes) => bytes
                .get(index)
                .map(|it| Value::Uint(UintKind::Uint8, (*it).into())),
        }
    }

    /// All elements.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value> + '_ {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// The elements as they lie, unless they are bytes.
    pub fn as_slice(&self) -> Option<&[Value]> {
        match self.items.as_deref() {
            None => Some(&[]),
            Some(Items::Values(values)) => Some(values),
            Some(Items::Bytes(_)) => None,
        }
    }

    /// A copy of some of the elements, of the same type.
    pub fn part(&self, range: std::ops::Range<usize>) -> Self {
        let items = match self.items.as_deref() {
            None => return self.clone(),
            Some(Items::Values(values)) => Items::Values(values[range].to_vec()),
            Some(Items::Bytes(bytes)) => Items::Bytes(Str::from(&bytes[range])),
        };
        Self {
            ty: self.ty,
            items: Some(Arc::new(items)),
        }
    }

    /// The bytes of a `[]uint8`.
    pub fn as_bytes(&self) -> Option<Str> {
        match self.items.as_deref() {
            Some(Items::Bytes(bytes)) => Some(bytes.clone()),
            None if self.ty.under() == Type::BYTES => Some(Str::default()),
            _ => None,
        }
    }

    pub(super) fn retyped(mut self, ty: &'static Type) -> Self {
        self.ty = ty;
        self
    }

    /// If this is the last copy, moves its elements to those that are to be dropped.
    pub(super) fn take_last(mut self, todo: &mut Vec<Value>) {
        if let Some(mut items) = self.items.take().and_then(Arc::into_inner)
            && let Items::Values(values) = &mut items
        {
            take_nested(values, todo);
        }
    }
}
