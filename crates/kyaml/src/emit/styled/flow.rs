//! Collections in `[]` and `{}`.

use super::{Emitter, Place};
use crate::Error;
use crate::node::{Entry, Node};

impl<'n> Emitter<'n, '_> {
    pub(super) fn flow_sequence(
        &mut self,
        node: &'n Node,
        items: &'n [Node],
        place: Place,
    ) -> Result<(), Error> {
        self.printer.opening_indicator("[");
        let outer = self.increase(true, false, false);
        self.flow_level += 1;
        let mut comma = false;
        for item in items {
            self.announce(item);
            if comma {
                self.printer.tight_indicator(",");
            }
            self.head_comment();
            if self.printer.column == 0 {
                self.write_indent();
            }
            comma = !self.has_trailing_comment();
            self.node(item, Place::Item)?;
        }
        self.announce_end(node, place);
        self.flow_level -= 1;
        self.indent = outer;
        if self.printer.column == 0 {
            self.write_indent();
        }
        self.printer.tight_indicator("]");
        self.line_comment();
        self.foot_comment();
        Ok(())
    }

    pub(super) fn flow_mapping(
        &mut self,
        node: &'n Node,
        entries: &'n [Entry],
        place: Place,
    ) -> Result<(), Error> {
        self.printer.opening_indicator("{");
        let outer = self.increase(true, false, false);
        self.flow_level += 1;
        let mut comma = false;
        let mut tail = "";
        for entry in entries {
            self.announce_key(&entry.key, tail);
            tail = &entry.key.comments().foot;
            if comma {
                self.printer.tight_indicator(",");
            }
            self.head_comment();
            if self.printer.column == 0 {
                self.write_indent();
            }
            if self.is_simple_key(&entry.key) {
                self.node(&entry.key, Place::SimpleKey)?;
                self.announce(&entry.value);
                self.printer.tight_indicator(":");
            } else {
                self.printer.indicator("?");
                self.node(&entry.key, Place::ComplexKey)?;
                self.announce(&entry.value);
                self.printer.indicator(":");
            }
            comma = !self.has_trailing_comment();
            self.node(&entry.value, Place::Mapped)?;
        }
        if !tail.is_empty() {
            self.pending.tail = tail;
        }
        self.announce_end(node, place);
        let ending = !self.pending.head.is_empty()
            || !self.pending.foot.is_empty()
            || !self.pending.tail.is_empty();
        if ending && comma {
            self.printer.tight_indicator(",");
        }
        self.head_comment();
        self.flow_level -= 1;
        self.indent = outer;
        self.printer.tight_indicator("}");
        self.line_comment();
        self.foot_comment();
        Ok(())
    }
}
