//! Nodes to bytes, within the limits.

use crate::functions;
use crate::glob::Pattern;
use crate::parse::{Expansion, Node, Operator};
use crate::{Error, Limits, Mode, Variables};

/// The bytes that `nodes` stand for.
pub(crate) fn evaluate(
    nodes: &[Node],
    variables: &Variables,
    mode: Mode,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let mut evaluator = Evaluator {
        variables,
        mode,
        limits,
        written: 0,
        steps: limits.steps,
    };
    let mut output = Vec::new();
    for node in nodes {
        evaluator.node(node, &mut output)?;
    }
    Ok(output)
}

struct Evaluator<'a> {
    variables: &'a Variables,
    mode: Mode,
    limits: &'a Limits,
    written: usize,
    steps: usize,
}

impl Evaluator<'_> {
    fn write(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        self.written = self.written.saturating_add(bytes.len());
        if self.written > self.limits.output {
            return Err(Error::TooLarge(self.limits.output));
        }
        output.extend_from_slice(bytes);
        Ok(())
    }

    fn node(&mut self, node: &Node, output: &mut Vec<u8>) -> Result<(), Error> {
        match node {
            Node::Text(text) => self.write(text.as_bytes(), output),
            Node::Expansion(expansion) => {
                let value = self.expansion(expansion)?;
                self.write(&value, output)
            }
        }
    }

    /// Arguments come first: an unset variable in a default counts even where the default is not used.
    fn expansion(&mut self, expansion: &Expansion) -> Result<Vec<u8>, Error> {
        let mut arguments = Vec::with_capacity(expansion.arguments.len());
        for node in &expansion.arguments {
            let mut argument = Vec::new();
            self.node(node, &mut argument)?;
            arguments.push(argument);
        }
        let value = self.variables.get(&expansion.name);
        if value.is_none() && self.mode == Mode::Strict && expansion.operator != Operator::Default {
            return Err(Error::NotSet(expansion.name.clone()));
        }
        self.apply(expansion.operator, value.map_or("", |v| v), &arguments)
    }

    fn apply(
        &mut self,
        operator: Operator,
        value: &str,
        arguments: &[Vec<u8>],
    ) -> Result<Vec<u8>, Error> {
        let bytes = value.as_bytes();
        let first = arguments.first().map_or(&[][..], Vec::as_slice);
        let second = arguments.get(1).map_or(&[][..], Vec::as_slice);
        Ok(match operator {
            Operator::Value => bytes.to_vec(),
            Operator::Length => value.len().to_string().into_bytes(),
            Operator::UpperFirst => functions::first(value, functions::upper),
            Operator::Upper => functions::all(value, functions::upper),
            Operator::LowerFirst => functions::first(value, functions::lower),
            Operator::Lower => functions::all(value, functions::lower),
            Operator::Substring => {
                functions::substring(bytes, first, arguments.get(1).map(Vec::as_slice))?
            }
            Operator::ShortestPrefix => self.trim(value, first, Trim::ShortestPrefix)?,
            Operator::LongestPrefix => self.trim(value, first, Trim::LongestPrefix)?,
            Operator::ShortestSuffix => self.trim(value, first, Trim::ShortestSuffix)?,
            Operator::LongestSuffix => self.trim(value, first, Trim::LongestSuffix)?,
            Operator::ReplaceFirst => functions::replace_first(bytes, first, second),
            Operator::ReplaceAll => self.replace_all(value, first, second)?,
            // Upstream removes nothing where the replacement is empty.
            Operator::ReplacePrefix | Operator::ReplaceSuffix if arguments.len() < 2 => {
                bytes.to_vec()
            }
            Operator::ReplacePrefix => functions::replace_prefix(bytes, first, second),
            Operator::ReplaceSuffix => functions::replace_suffix(bytes, first, second),
            Operator::Default if value.is_empty() => arguments.concat(),
            Operator::Default => bytes.to_vec(),
        })
    }

    /// Suffixes are prefixes of the reversed text under the reversed pattern, as upstream has it: a bracket
    /// expression therefore never matches a suffix.
    fn trim(&mut self, value: &str, pattern: &[u8], trim: Trim) -> Result<Vec<u8>, Error> {
        let pattern = String::from_utf8_lossy(pattern);
        let suffix = matches!(trim, Trim::ShortestSuffix | Trim::LongestSuffix);
        let longest = matches!(trim, Trim::LongestPrefix | Trim::LongestSuffix);
        let (text, pattern): (Vec<char>, Vec<char>) = if suffix {
            (
                value.chars().rev().collect(),
                pattern.chars().rev().collect(),
            )
        } else {
            (value.chars().collect(), pattern.chars().collect())
        };
        let Some(pattern) = Pattern::parse(&pattern) else {
            return Ok(value.as_bytes().to_vec());
        };
        let matched = pattern
            .prefix(&text, longest, &mut self.steps)
            .ok_or(Error::TooCostly(self.limits.steps))?;
        let rest = &text[matched..];
        let kept: String = if suffix {
            rest.iter().rev().collect()
        } else {
            rest.iter().collect()
        };
        Ok(kept.into_bytes())
    }

    /// Checks the size of the result before it is made: a short text can grow a millionfold.
    fn replace_all(&self, value: &str, from: &[u8], to: &[u8]) -> Result<Vec<u8>, Error> {
        let times = functions::occurrences(value, from);
        let size = value.len().saturating_add(times.saturating_mul(to.len()));
        if size > self.limits.output {
            return Err(Error::TooLarge(self.limits.output));
        }
        Ok(functions::replace_all(value, from, to))
    }
}

/// Which part of a text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trim {
    ShortestPrefix,
    LongestPrefix,
    ShortestSuffix,
    LongestSuffix,
}
