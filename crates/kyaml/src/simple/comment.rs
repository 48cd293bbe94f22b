//! Comments whose place is plain: behind a value or key, and right above a key.

use super::Reader;
use crate::node::Text;

/// Comments farther to the right are not always found by the long way.
const FARTHEST: usize = 400;

impl<'a> Reader<'a> {
    /// Takes a comment that begins here, behind a space; `None` within if there is none.
    #[expect(
        clippy::option_option,
        reason = "the outer one says that this way ends"
    )]
    pub(super) fn line_comment(&mut self) -> Option<Option<Text>> {
        if self.byte(self.at) != b'#' {
            return Some(None);
        }
        if self.bytes[self.at - 1] != b' ' || self.at - self.start > FARTHEST {
            return None;
        }
        Some(Some(self.rest_of_line().into()))
    }

    /// A line that is a comment. It belongs to the key below it, if that stands in the same column.
    pub(super) fn comment_line(&mut self) -> Option<()> {
        let indent = self.at - self.start;
        if indent > FARTHEST {
            return None;
        }
        let text = self.rest_of_line();
        match &mut self.head {
            None => self.head = Some((text.to_owned(), indent)),
            Some((above, column)) if *column == indent => {
                above.push('\n');
                above.push_str(text);
            }
            Some(_) => return None,
        }
        Some(())
    }

    /// The comment above the key that begins here.
    #[expect(
        clippy::option_option,
        reason = "the outer one says that this way ends"
    )]
    pub(super) fn take_head(&mut self) -> Option<Option<Text>> {
        match self.head.take() {
            None => Some(None),
            Some((text, column)) => (column == self.at - self.start).then(|| Some(text.into())),
        }
    }

    fn rest_of_line(&mut self) -> &'a str {
        let from = self.at;
        while !self.is_line_end() {
            self.at += 1;
        }
        &self.text[from..self.at]
    }
}
