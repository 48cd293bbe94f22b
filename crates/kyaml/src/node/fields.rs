//! Fields of mappings: lookup, setting and removal as kyaml does them.

use super::{Content, Entry, Kind, Node, Style, Tag, Text};
use crate::{Error, resolve};

impl Node {
    /// The value of the first field named `key`; `None` too if this is no mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// As [`Node::get`], to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.entry_mut(key).map(|entry| &mut entry.value)
    }

    /// Key and value of the first field named `key`.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key.text() == key)
    }

    /// As [`Node::entry`], to change.
    pub fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let entries = self.entries_mut()?;
        entries.iter_mut().find(|entry| entry.key.text() == key)
    }

    /// The value below nested mappings, by plain keys; `None` if any step is missing.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Puts a value as it is: in place of the first field of that name, else at the end.
    /// A node that is no mapping becomes one.
    pub fn put(&mut self, key: &str, value: Self) {
        if let Some(old) = self.get_mut(key) {
            *old = value;
            return;
        }
        if !self.is_mapping() {
            self.content = Content::Mapping(Vec::new().into());
            self.tag = Tag::Map;
            self.style = Style::PLAIN;
        }
        if let Some(entries) = self.entries_mut() {
            entries.push(Entry {
                key: Self::scalar_of(key),
                value,
            });
        }
    }

    /// Sets a field as kyaml's `SetField` does: an existing value keeps its style, so a quoted field
    /// stays a string; a null value removes the field; a string that YAML 1.1 would read as
    /// something else is quoted.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this is neither a mapping nor null.
    ///
    /// Source: kyaml v0.21 `yaml/fns.go` `FieldSetter`.
    pub fn set_field(&mut self, key: &str, value: Self) -> Result<(), Error> {
        self.set_field_styled(key, value, Style::PLAIN)
    }

    /// As [`Node::set_field`], with the style of the key if it has to be added.
    ///
    /// # Errors
    /// As [`Node::set_field`].
    pub fn set_field_styled(
        &mut self,
        key: &str,
        mut value: Self,
        key_style: Style,
    ) -> Result<(), Error> {
        value.quote_if_ambiguous();
        self.expect_kind(Kind::Mapping)?;
        if value.is_null() {
            self.remove(key);
            return Ok(());
        }
        self.replace_or_add(key, value, key_style);
        Ok(())
    }

    /// Sets a field even to null, otherwise as [`Node::set_field`].
    pub(crate) fn replace_or_add(&mut self, key: &str, mut value: Self, key_style: Style) {
        if !self.is_null()
            && let Some(old) = self.get_mut(key)
        {
            value.style = old.style;
            *old = value;
            return;
        }
        let mut name = Self::scalar_of(key);
        name.style = key_style;
        if let Some(entries) = self.entries_mut() {
            entries.push(Entry { key: name, value });
        }
    }

    /// Replaces a scalar by another one, keeping its own style, as kyaml's `Set` does.
    /// A null value changes nothing.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if this is neither a scalar nor null.
    pub fn set_scalar(&mut self, mut value: Self) -> Result<(), Error> {
        value.quote_if_ambiguous();
        self.expect_kind(Kind::Scalar)?;
        if !value.is_null() {
            value.style = self.style;
            *self = value;
        }
        Ok(())
    }

    /// Removes the first field of that name and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let entries = self.entries_mut()?;
        let at = entries.iter().position(|entry| entry.key.text() == key)?;
        Some(entries.remove(at).value)
    }

    /// Adds a string field at the end or replaces its value, without any style rule.
    pub fn put_string(&mut self, key: &str, value: impl Into<Text>) {
        self.put(key, Self::string(value));
    }

    /// Fails unless the node is of this kind or null.
    ///
    /// # Errors
    /// [`Error::WrongKind`], with the node's text.
    ///
    /// Source: kyaml v0.21 `yaml/fns.go` `ErrorIfInvalid`.
    pub fn expect_kind(&self, kind: Kind) -> Result<(), Error> {
        if self.is_null() || self.kind() == kind {
            return Ok(());
        }
        Err(Error::WrongKind {
            expected: kind.name(),
            found: self.kind().name(),
            contents: self.to_styled().unwrap_or_default(),
        })
    }

    /// Double quotes a plain string that YAML 1.1 reads as another type.
    pub(crate) fn quote_if_ambiguous(&mut self) {
        if self.is_string()
            && self.style == Style::PLAIN
            && resolve::is_not_string_in_1_1(self.text())
        {
            self.style = Style::DOUBLE_QUOTED;
        }
    }
}
