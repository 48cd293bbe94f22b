//! Actions that begin with a keyword.

use super::{DEPTH, Ending, Found, Parsed, Parser, Tree, deeper};
use crate::lex::{Item, Kind};
use crate::node::{Branch, Id, NodeKind};
use crate::quote;
use crate::text::Str;

impl Parser<'_> {
    pub(super) fn action(&mut self) -> Parsed<Found> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Block => self.block().map(Found::Node),
            Kind::Break => self.jump(&token, NodeKind::Break, "{{break}}"),
            Kind::Continue => self.jump(&token, NodeKind::Continue, "{{continue}}"),
            Kind::Else => self.otherwise().map(Found::Ending),
            Kind::End => {
                self.expect(Kind::RightDelimiter, "end")?;
                Ok(Found::Ending(Ending::End))
            }
            Kind::If => self.control(Branch::If).map(Found::Node),
            Kind::Range => self.control(Branch::Range).map(Found::Node),
            Kind::Template => self.template().map(Found::Node),
            Kind::With => self.control(Branch::With).map(Found::Node),
            _ => {
                self.backup();
                let position = self.peek().start;
                let pipe = self.pipeline("command", Kind::RightDelimiter)?;
                Ok(Found::Node(self.node(position, NodeKind::Action(pipe))))
            }
        }
    }

    fn jump(&mut self, keyword: &Item, kind: NodeKind, name: &str) -> Parsed<Found> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelimiter {
            return self.unexpected(&token, name);
        }
        if self.tree.ranges == 0 {
            return self.error(format_args!("{name} outside {{{{range}}}}"));
        }
        Ok(Found::Node(self.node(keyword.start, kind)))
    }

    /// The rest of an `{{else`; an `if` or `with` after it is left for the branch to find.
    fn otherwise(&mut self) -> Parsed<Ending> {
        let next = self.peek_non_space();
        if matches!(next.kind, Kind::If | Kind::With) {
            return Ok(Ending::Else(next.start));
        }
        Ok(Ending::Else(
            self.expect(Kind::RightDelimiter, "else")?.start,
        ))
    }

    pub(super) fn control(&mut self, how: Branch) -> Parsed<Id> {
        if self.depth >= DEPTH {
            return self.error("max nesting depth exceeded");
        }
        self.depth += 1;
        let node = deeper(|| self.branch(how));
        self.depth -= 1;
        node
    }

    fn branch(&mut self, how: Branch) -> Parsed<Id> {
        let variables = self.tree.variables.len();
        let (context, own) = match how {
            Branch::If => ("if", Some(Kind::If)),
            Branch::Range => ("range", None),
            Branch::With => ("with", Some(Kind::With)),
        };
        let pipe = self.pipeline(context, Kind::RightDelimiter)?;
        let in_range = usize::from(how == Branch::Range);
        self.tree.ranges += in_range;
        let (list, ending) = self.list()?;
        self.tree.ranges -= in_range;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else(position) if own == Some(self.peek().kind) => {
                self.next();
                let nested = self.control(how)?;
                Some(self.node(position, NodeKind::List(vec![nested])))
            }
            Ending::Else(_) => {
                let (list, ending) = self.list()?;
                if ending != Ending::End {
                    let found = ending.describe();
                    return self.error(format_args!("expected end; found {found}"));
                }
                Some(list)
            }
        };
        self.tree.variables.truncate(variables);
        let position = self.nodes[pipe as usize].position as usize;
        let kind = NodeKind::Branch {
            how,
            pipe,
            list,
            otherwise,
        };
        Ok(self.node(position, kind))
    }

    /// A `{{define}}` up to its `{{end}}`; the keyword is past.
    pub(super) fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let outer = std::mem::replace(&mut self.tree, Tree::new());
        let token = self.next_non_space();
        let name = self.template_name(&token, context)?;
        self.expect(Kind::RightDelimiter, context)?;
        self.body(name, context)?;
        self.tree = outer;
        Ok(())
    }

    /// What is between a definition's or block's head and its `{{end}}`.
    fn body(&mut self, name: Str, context: &str) -> Parsed<()> {
        let (root, ending) = self.list()?;
        if ending != Ending::End {
            return self.error(format_args!(
                "unexpected {} in {context}",
                ending.describe()
            ));
        }
        self.define(name, root)
    }

    /// A definition and its use in one.
    fn block(&mut self) -> Parsed<Id> {
        let context = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelimiter)?;
        if self.depth >= DEPTH {
            return self.error("max nesting depth exceeded");
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.tree, Tree::new());
        deeper(|| self.body(name.clone(), context))?;
        self.tree = outer;
        self.depth -= 1;
        let pipe = Some(pipe);
        Ok(self.node(token.start, NodeKind::Template { name, pipe }))
    }

    fn template(&mut self) -> Parsed<Id> {
        let context = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, context)?;
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelimiter {
            self.backup();
            pipe = Some(self.pipeline(context, Kind::RightDelimiter)?);
        }
        Ok(self.node(token.start, NodeKind::Template { name, pipe }))
    }

    fn template_name(&mut self, token: &Item, context: &str) -> Parsed<Str> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        match quote::unquote(self.value(token)) {
            Some(name) => Ok(Str::from(name)),
            None => self.error("invalid syntax"),
        }
    }
}
