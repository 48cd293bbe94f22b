//! From tokens to events: the grammar, with comments handed to the events they belong to.
//!
//! Source: go.yaml.in/yaml v3.0 `parserc.go`.

mod document;
mod flow;

use crate::Error;
use crate::node::{Style, Text};
use crate::resolve::Rules;
use crate::scan::{Mark, Scanner, Token, TokenKind};

/// What happens in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias,
    Scalar,
    SequenceStart,
    SequenceEnd,
    MappingStart,
    MappingEnd,
}

/// Comments that came up since the last event that took them.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventComments {
    pub(crate) head: String,
    pub(crate) line: String,
    pub(crate) foot: String,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) mark: Mark,
    pub(crate) style: Style,
    /// A scalar's text or an alias's name.
    pub(crate) text: Text,
    pub(crate) anchor: Option<Text>,
    /// An explicit tag, in full.
    pub(crate) tag: Option<Text>,
    pub(crate) comments: Option<Box<EventComments>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequence,
    IndentlessSequence,
    BlockMappingFirst,
    BlockMapping,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequence,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMapping,
    FlowMappingValue,
    FlowMappingEmpty,
    End,
}

pub(crate) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    /// Where the open collections began.
    marks: Vec<Mark>,
    tags: Vec<(Text, Text)>,
    comments: EventComments,
    /// A head comment of an item that belongs to the collection below it.
    stem: String,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, depth: usize, rules: Rules) -> Result<Self, Error> {
        let mut scanner = Scanner::new(text, depth, rules)?;
        scanner.take()?;
        Ok(Self {
            scanner,
            state: State::ImplicitDocumentStart,
            states: Vec::new(),
            marks: Vec::new(),
            tags: Vec::new(),
            comments: EventComments::default(),
            stem: String::new(),
        })
    }

    /// The error of the grammar: lines count from 0, as upstream prints them. Version 2 names the line of
    /// the problem, version 3 that of its context.
    fn grammar_error<T>(&self, context: Mark, at: Mark, problem: &str) -> Result<T, Error> {
        let (first, second) = match self.scanner.rules {
            Rules::V2 => (at.line, context.line),
            Rules::V3 => (context.line, at.line),
        };
        let line = if first == 0 { second } else { first };
        Err(Error::Syntax {
            line: line as usize,
            problem: problem.into(),
        })
    }

    /// The next event; behind the end always the end.
    pub(crate) fn next_event(&mut self) -> Result<Event, Error> {
        match self.state {
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirst => self.block_sequence(true),
            State::BlockSequence => self.block_sequence(false),
            State::IndentlessSequence => self.indentless_sequence(),
            State::BlockMappingFirst => self.block_mapping(true),
            State::BlockMapping => self.block_mapping(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst => self.flow_sequence(true),
            State::FlowSequence => self.flow_sequence(false),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => self.flow_pair_end(),
            State::FlowMappingFirst => self.flow_mapping(true),
            State::FlowMapping => self.flow_mapping(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmpty => self.flow_mapping_value(true),
            State::End => Ok(event(EventKind::StreamEnd, Mark::default())),
        }
    }

    /// Looks at the next token, and collects the comments up to it.
    fn peek(&mut self) -> Result<(TokenKind, Mark, Mark), Error> {
        let token = self.scanner.peek()?;
        let found = (token.kind, token.start, token.end);
        if self.scanner.comments_head < self.scanner.comments.len() {
            self.unfold(found.0, found.1);
        }
        Ok(found)
    }

    fn unfold(&mut self, kind: TokenKind, start: Mark) {
        let scanner = &mut self.scanner;
        while let Some(comment) = scanner.comments.get_mut(scanner.comments_head) {
            if start.index < comment.token.index {
                break;
            }
            if !comment.head.is_empty() && kind == TokenKind::BlockEnd {
                // Ends have no heads: it waits for the token behind.
                break;
            }
            let comment = std::mem::take(comment);
            for (found, all) in [
                (comment.head, &mut self.comments.head),
                (comment.foot, &mut self.comments.foot),
                (comment.line, &mut self.comments.line),
            ] {
                if found.is_empty() {
                    continue;
                }
                if !all.is_empty() {
                    all.push('\n');
                }
                all.push_str(&found);
            }
            scanner.comments_head += 1;
        }
    }

    fn take(&mut self) -> Result<Token, Error> {
        self.scanner.take()
    }

    fn take_comments(&mut self) -> Option<Box<EventComments>> {
        let comments = &mut self.comments;
        self.stem.clear();
        if comments.head.is_empty() && comments.line.is_empty() && comments.foot.is_empty() {
            return None;
        }
        Some(Box::new(std::mem::take(comments)))
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<Event, Error> {
        let (mut kind, start, _) = self.peek()?;
        let mut token_start = start;
        if kind == TokenKind::Alias {
            self.pop_state();
            let mut found = event(EventKind::Alias, start);
            found.comments = self.take_comments();
            found.text = self.take()?.text;
            return Ok(found);
        }
        let (mut anchor, mut tag) = (None, None);
        for _ in 0..2 {
            match kind {
                TokenKind::Anchor if anchor.is_none() => anchor = Some(self.take()?.text),
                TokenKind::Tag if tag.is_none() => tag = Some((self.take()?.text, token_start)),
                _ => break,
            }
            (kind, token_start, _) = self.peek()?;
        }
        let tag = match tag {
            Some((tag, tag_mark)) => Some(self.full_tag(&tag, start, tag_mark)?),
            None => None,
        };
        let mut found = event(EventKind::Scalar, start);
        found.anchor = anchor;
        found.tag = tag;
        match kind {
            TokenKind::BlockEntry if indentless => {
                self.state = State::IndentlessSequence;
                found.kind = EventKind::SequenceStart;
            }
            TokenKind::Scalar => {
                self.pop_state();
                found.comments = self.take_comments();
                let token = self.take()?;
                found.style = token.style;
                found.text = token.text;
            }
            TokenKind::FlowSequenceStart | TokenKind::FlowMappingStart => {
                found.style = Style::FLOW;
                found.comments = self.take_comments();
                (self.state, found.kind) = match kind {
                    TokenKind::FlowSequenceStart => {
                        (State::FlowSequenceFirst, EventKind::SequenceStart)
                    }
                    _ => (State::FlowMappingFirst, EventKind::MappingStart),
                };
            }
            TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart if block => {
                if !self.stem.is_empty() {
                    let head = std::mem::take(&mut self.stem);
                    found.comments = Some(Box::new(EventComments {
                        head,
                        ..EventComments::default()
                    }));
                }
                (self.state, found.kind) = match kind {
                    TokenKind::BlockSequenceStart => {
                        (State::BlockSequenceFirst, EventKind::SequenceStart)
                    }
                    _ => (State::BlockMappingFirst, EventKind::MappingStart),
                };
            }
            _ if found.anchor.is_some() || found.tag.is_some() => self.pop_state(),
            _ => return self.no_node(start, token_start),
        }
        Ok(found)
    }

    fn no_node<T>(&self, start: Mark, at: Mark) -> Result<T, Error> {
        self.grammar_error(start, at, "did not find expected node content")
    }

    fn full_tag(&self, tag: &str, start: Mark, at: Mark) -> Result<Text, Error> {
        let (handle, suffix) = tag.split_once('\0').unwrap_or_default();
        if handle.is_empty() {
            return Ok(suffix.into());
        }
        match self.tags.iter().find(|(known, _)| known == handle) {
            Some((_, prefix)) => Ok(Text::from(format!("{prefix}{suffix}"))),
            None => self.grammar_error(start, at, "found undefined tag handle"),
        }
    }

    fn empty(&mut self, state: State, mark: Mark) -> Event {
        self.state = state;
        event(EventKind::Scalar, mark)
    }

    fn nested(&mut self, after: State, block: bool, indentless: bool) -> Result<Event, Error> {
        self.states.push(after);
        self.node(block, indentless)
    }

    fn block_sequence(&mut self, first: bool) -> Result<Event, Error> {
        if first {
            let (_, start, _) = self.peek()?;
            self.marks.push(start);
            self.take()?;
        }
        let (kind, start, end) = self.peek()?;
        match kind {
            TokenKind::BlockEntry => {
                self.take_entry()?;
                let (kind, ..) = self.peek()?;
                if matches!(kind, TokenKind::BlockEntry | TokenKind::BlockEnd) {
                    return Ok(self.empty(State::BlockSequence, end));
                }
                self.nested(State::BlockSequence, true, false)
            }
            TokenKind::BlockEnd => {
                self.pop_state();
                self.marks.pop();
                self.take()?;
                Ok(event(EventKind::SequenceEnd, start))
            }
            _ => {
                let context = self.marks.pop().unwrap_or_default();
                self.grammar_error(context, start, "did not find expected '-' indicator")
            }
        }
    }

    fn indentless_sequence(&mut self) -> Result<Event, Error> {
        let (kind, start, end) = self.peek()?;
        if kind != TokenKind::BlockEntry {
            self.pop_state();
            return Ok(event(EventKind::SequenceEnd, start));
        }
        self.take_entry()?;
        let (kind, ..) = self.peek()?;
        if matches!(
            kind,
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            return Ok(self.empty(State::IndentlessSequence, end));
        }
        self.nested(State::IndentlessSequence, true, false)
    }

    /// Takes a dash. A head comment before it belongs to a collection that follows as a whole.
    fn take_entry(&mut self) -> Result<(), Error> {
        let before = self.comments.head.len();
        self.take()?;
        if before == 0 {
            return Ok(());
        }
        let (kind, ..) = self.peek()?;
        if !matches!(
            kind,
            TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart
        ) {
            return Ok(());
        }
        let rest = self.comments.head.split_off(before);
        self.stem = std::mem::replace(
            &mut self.comments.head,
            rest.get(1..).unwrap_or_default().to_owned(),
        );
        Ok(())
    }

    fn block_mapping(&mut self, first: bool) -> Result<Event, Error> {
        if first {
            let (_, start, _) = self.peek()?;
            self.marks.push(start);
            self.take()?;
        }
        let (kind, start, end) = self.peek()?;
        match kind {
            TokenKind::Key => {
                self.take()?;
                let (kind, ..) = self.peek()?;
                if matches!(
                    kind,
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
                ) {
                    return Ok(self.empty(State::BlockMappingValue, end));
                }
                self.nested(State::BlockMappingValue, true, true)
            }
            TokenKind::BlockEnd => {
                self.pop_state();
                self.marks.pop();
                let mut found = event(EventKind::MappingEnd, start);
                found.comments = self.take_comments();
                self.take()?;
                Ok(found)
            }
            _ => {
                let context = self.marks.pop().unwrap_or_default();
                self.grammar_error(context, start, "did not find expected key")
            }
        }
    }

    fn block_mapping_value(&mut self) -> Result<Event, Error> {
        let (kind, start, end) = self.peek()?;
        if kind != TokenKind::Value {
            return Ok(self.empty(State::BlockMapping, start));
        }
        self.take()?;
        let (kind, ..) = self.peek()?;
        if matches!(
            kind,
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            return Ok(self.empty(State::BlockMapping, end));
        }
        self.nested(State::BlockMapping, true, true)
    }
}

fn event(kind: EventKind, mark: Mark) -> Event {
    Event {
        kind,
        mark,
        style: Style::PLAIN,
        text: Text::new_static(""),
        anchor: None,
        tag: None,
        comments: None,
    }
}
