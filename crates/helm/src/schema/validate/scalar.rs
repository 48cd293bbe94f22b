//! Strings and numbers.

use go_template::Str;

use super::{Check, number_of};
use crate::schema::problem::{Kind, single};

impl Check<'_> {
    pub(super) fn string(&mut self, text: &Str) {
        let node = self.node;
        if node.min_length.is_some() || node.max_length.is_some() {
            let length = go_template::unicode::count(text);
            if let Some(least) = node.min_length.filter(|it| length < *it) {
                self.add(Kind::count("minLength", length, least));
            }
            if let Some(most) = node.max_length.filter(|it| length > *it) {
                self.add(Kind::count("maxLength", length, most));
            }
        }
        if let Some(regex) = &node.pattern
            && !regex.pattern.is_match(&**text)
        {
            let (text, pattern) = (single(&text.lossy()), single(&regex.text));
            self.add(Kind::Other(format!(
                "{text} does not match pattern {pattern}"
            )));
        }
    }

    pub(super) fn number(&mut self) {
        let Some(number) = number_of(self.value) else {
            return;
        };
        let node = self.node;
        if let Some(least) = node.minimum.filter(|it| number.compare(*it).is_lt()) {
            self.add(Kind::number("minimum", number, least));
        }
        if let Some(most) = node.maximum.filter(|it| number.compare(*it).is_gt()) {
            self.add(Kind::number("maximum", number, most));
        }
        if let Some(least) = node
            .exclusive_minimum
            .filter(|it| number.compare(*it).is_le())
        {
            self.add(Kind::number("exclusiveMinimum", number, least));
        }
        if let Some(most) = node
            .exclusive_maximum
            .filter(|it| number.compare(*it).is_ge())
        {
            self.add(Kind::number("exclusiveMaximum", number, most));
        }
        if let Some(of) = node.multiple_of.filter(|it| !number.is_multiple_of(*it)) {
            self.add(Kind::number("multipleOf", number, of));
        }
    }
}
