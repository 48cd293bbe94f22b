//! Keys without `?`, and the block collections that indentation opens and closes.

use super::{LONGEST_KEY, Mark, Scanner, SimpleKey, Token, TokenKind, scan_error};
use crate::Error;
use crate::resolve::Rules;

impl Scanner<'_> {
    pub(super) fn is_key_valid(&mut self, at: usize) -> Result<bool, Error> {
        let key = self.simple_keys[at];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + LONGEST_KEY < self.mark.index {
            if key.required {
                return self.error(key.mark, "could not find expected ':'");
            }
            self.simple_keys[at].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    pub(super) fn save_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        self.remove_key()?;
        let key = SimpleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == i64::from(self.mark.column),
            token: self.next_number(),
            mark: self.mark,
            lost: false,
        };
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    pub(super) fn remove_key(&mut self) -> Result<(), Error> {
        let (mark, rules) = (self.mark, self.rules);
        match self.simple_keys.last_mut() {
            Some(key) if key.possible && key.required => Err(scan_error(
                rules,
                key.mark,
                mark,
                "could not find expected ':'",
            )),
            Some(key) => {
                key.possible = false;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Opens a block collection if the column is deeper than the current one.
    pub(super) fn roll(
        &mut self,
        column: u32,
        number: Option<usize>,
        kind: TokenKind,
        mark: Mark,
    ) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent >= i64::from(column) {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = i64::from(column);
        if self.indents.len() > self.depth {
            let problem = format!("exceeded max depth of {}", self.depth);
            return self.error(
                self.simple_keys.last().map_or(mark, |key| key.mark),
                &problem,
            );
        }
        let token = Token::new(kind, mark, mark);
        match number {
            Some(number) => self.insert(number, token),
            None => self.push(token),
        }
        Ok(())
    }

    /// Closes the block collections that are deeper than the column.
    pub(super) fn unroll(&mut self, column: i64, scan_mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut block_mark = match self.rules {
            Rules::V2 => self.mark,
            Rules::V3 => Mark {
                index: scan_mark.index.saturating_sub(1),
                ..scan_mark
            },
        };
        while self.indent > column {
            // The end moves above comments that stand at the indentation of the block that ends.
            let mut stop = block_mark.index;
            for comment in self.comments[self.comments_head..].iter().rev() {
                if comment.end.index < stop {
                    break;
                }
                if i64::from(comment.start.column) == self.indent + 1 {
                    block_mark = comment.start;
                }
                stop = comment.scan.index;
            }
            self.push(Token::new(TokenKind::BlockEnd, block_mark, block_mark));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
