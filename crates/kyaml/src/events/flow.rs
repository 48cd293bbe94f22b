//! The grammar inside `[]` and `{}`.

use super::{Event, EventKind, Parser, State, event};
use crate::Error;
use crate::node::Style;
use crate::scan::{Mark, TokenKind};

impl Parser<'_> {
    fn flow_end(&mut self, kind: EventKind, start: Mark) -> Result<Event, Error> {
        self.pop_state();
        self.marks.pop();
        let mut found = event(kind, start);
        found.comments = self.take_comments();
        self.take()?;
        Ok(found)
    }

    /// Takes the `,` between entries.
    fn flow_separator(&mut self, first: bool, problem: &str) -> Result<(TokenKind, Mark), Error> {
        let (kind, start, _) = self.peek()?;
        if first {
            return Ok((kind, start));
        }
        if kind != TokenKind::FlowEntry {
            let context = self.marks.pop().unwrap_or_default();
            return self.grammar_error(context, start, problem);
        }
        self.take()?;
        let (kind, start, _) = self.peek()?;
        Ok((kind, start))
    }

    pub(super) fn flow_sequence(&mut self, first: bool) -> Result<Event, Error> {
        if first {
            let (_, start, _) = self.peek()?;
            self.marks.push(start);
            self.take()?;
        }
        let (mut kind, mut start, _) = self.peek()?;
        if kind != TokenKind::FlowSequenceEnd {
            (kind, start) = self.flow_separator(first, "did not find expected ',' or ']'")?;
            match kind {
                TokenKind::Key => {
                    self.state = State::FlowPairKey;
                    let mut found = event(EventKind::MappingStart, start);
                    found.style = Style::FLOW;
                    self.take()?;
                    return Ok(found);
                }
                TokenKind::FlowSequenceEnd => {}
                _ => return self.nested(State::FlowSequence, false, false),
            }
        }
        debug_assert_eq!(kind, TokenKind::FlowSequenceEnd);
        self.flow_end(EventKind::SequenceEnd, start)
    }

    pub(super) fn flow_pair_key(&mut self) -> Result<Event, Error> {
        let (kind, _, end) = self.peek()?;
        if !matches!(
            kind,
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd
        ) {
            return self.nested(State::FlowPairValue, false, false);
        }
        // Upstream takes the token behind the missing key, whatever it is.
        self.take()?;
        Ok(self.empty(State::FlowPairValue, end))
    }

    pub(super) fn flow_pair_value(&mut self) -> Result<Event, Error> {
        let (kind, start, _) = self.peek()?;
        if kind == TokenKind::Value {
            self.take()?;
            let (kind, ..) = self.peek()?;
            if !matches!(kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return self.nested(State::FlowPairEnd, false, false);
            }
        }
        Ok(self.empty(State::FlowPairEnd, start))
    }

    pub(super) fn flow_pair_end(&mut self) -> Result<Event, Error> {
        let (_, start, _) = self.peek()?;
        self.state = State::FlowSequence;
        Ok(event(EventKind::MappingEnd, start))
    }

    pub(super) fn flow_mapping(&mut self, first: bool) -> Result<Event, Error> {
        if first {
            let (_, start, _) = self.peek()?;
            self.marks.push(start);
            self.take()?;
        }
        let (mut kind, mut start, _) = self.peek()?;
        if kind != TokenKind::FlowMappingEnd {
            (kind, start) = self.flow_separator(first, "did not find expected ',' or '}'")?;
            match kind {
                TokenKind::Key => {
                    self.take()?;
                    let (kind, start, _) = self.peek()?;
                    if matches!(
                        kind,
                        TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd
                    ) {
                        return Ok(self.empty(State::FlowMappingValue, start));
                    }
                    return self.nested(State::FlowMappingValue, false, false);
                }
                TokenKind::FlowMappingEnd => {}
                _ => return self.nested(State::FlowMappingEmpty, false, false),
            }
        }
        debug_assert_eq!(kind, TokenKind::FlowMappingEnd);
        self.flow_end(EventKind::MappingEnd, start)
    }

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Result<Event, Error> {
        let (kind, mut start, _) = self.peek()?;
        if !empty && kind == TokenKind::Value {
            self.take()?;
            let (kind, at, _) = self.peek()?;
            start = at;
            if !matches!(kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.nested(State::FlowMapping, false, false);
            }
        }
        Ok(self.empty(State::FlowMapping, start))
    }
}
