//! The grammar of documents and directives.

use super::{Event, EventComments, EventKind, Parser, State, event};
use crate::Error;
use crate::node::Text;
use crate::scan::{Mark, TokenKind};

impl Parser<'_> {
    pub(super) fn document_start(&mut self, implicit: bool) -> Result<Event, Error> {
        let (mut kind, mut start, _) = self.peek()?;
        if !implicit {
            while kind == TokenKind::DocumentEnd {
                self.take()?;
                (kind, start, _) = self.peek()?;
            }
        }
        if kind == TokenKind::StreamEnd {
            self.state = State::End;
            return Ok(event(EventKind::StreamEnd, start));
        }
        let explicit = matches!(
            kind,
            TokenKind::Version | TokenKind::TagDirective | TokenKind::DocumentStart
        );
        self.directives()?;
        self.states.push(State::DocumentEnd);
        let mut found = event(EventKind::DocumentStart, start);
        if implicit && !explicit {
            self.state = State::BlockNode;
            let head = self.document_head();
            if !head.is_empty() {
                found.comments = Some(Box::new(EventComments {
                    head,
                    ..EventComments::default()
                }));
            }
            return Ok(found);
        }
        let (kind, at, _) = self.peek()?;
        if kind != TokenKind::DocumentStart {
            return self.grammar_error(
                Mark::default(),
                at,
                "did not find expected <document start>",
            );
        }
        self.state = State::DocumentContent;
        self.take()?;
        Ok(found)
    }

    /// The part of the first comment above its last empty line, which belongs to the document.
    fn document_head(&mut self) -> String {
        let head = self.comments.head.clone();
        let bytes = head.as_bytes();
        for at in (1..bytes.len()).rev() {
            if bytes[at] != b'\n' {
                continue;
            }
            if at == bytes.len() - 1 {
                head[at + 1..].clone_into(&mut self.comments.head);
                return head[..at].to_owned();
            }
            if bytes[at - 1] == b'\n' {
                head[at + 1..].clone_into(&mut self.comments.head);
                return head[..at - 1].to_owned();
            }
        }
        String::new()
    }

    fn directives(&mut self) -> Result<(), Error> {
        let mut versioned = false;
        loop {
            let (kind, at, _) = self.peek()?;
            match kind {
                TokenKind::Version => {
                    if versioned {
                        return self.grammar_error(
                            Mark::default(),
                            at,
                            "found duplicate %YAML directive",
                        );
                    }
                    versioned = true;
                    if self.take()?.text != "1.1" {
                        return self.grammar_error(
                            Mark::default(),
                            at,
                            "found incompatible YAML document",
                        );
                    }
                }
                TokenKind::TagDirective => {
                    let token = self.take()?;
                    let (handle, prefix) = token.text.split_once('\0').unwrap_or_default();
                    if self.tags.iter().any(|(known, _)| known == handle) {
                        return self.grammar_error(
                            Mark::default(),
                            at,
                            "found duplicate %TAG directive",
                        );
                    }
                    self.tags.push((handle.into(), prefix.into()));
                }
                _ => break,
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tags.iter().any(|(known, _)| known == handle) {
                self.tags
                    .push((Text::new_static(handle), Text::new_static(prefix)));
            }
        }
        Ok(())
    }

    pub(super) fn document_content(&mut self) -> Result<Event, Error> {
        let (kind, start, _) = self.peek()?;
        if matches!(
            kind,
            TokenKind::Version
                | TokenKind::TagDirective
                | TokenKind::DocumentStart
                | TokenKind::DocumentEnd
                | TokenKind::StreamEnd
        ) {
            self.pop_state();
            return Ok(event(EventKind::Scalar, start));
        }
        self.node(true, false)
    }

    pub(super) fn document_end(&mut self) -> Result<Event, Error> {
        let (kind, start, _) = self.peek()?;
        if kind == TokenKind::DocumentEnd {
            self.take()?;
        }
        self.tags.clear();
        self.state = State::DocumentStart;
        let mut found = event(EventKind::DocumentEnd, start);
        found.comments = self.take_comments();
        if let Some(comments) = &mut found.comments
            && comments.foot.is_empty()
        {
            comments.foot = std::mem::take(&mut comments.head);
        }
        Ok(found)
    }
}
