//! Elements of lists: what stands behind `name[index]`.

use go_template::{Map, Type, Value};

use super::scan::{self, Stop};
use super::{Braces, Error, MAX_PASSED, Mode, Parser, as_list, listed};

impl Parser<'_, '_> {
    /// What stands behind `name[index]`. The list comes back also with an error.
    pub(super) fn item(
        &mut self,
        list: Vec<Value>,
        index: i64,
        names: usize,
    ) -> (Vec<Value>, Result<(), Error>) {
        self.passed = self.passed.saturating_add(list.len());
        if self.passed > MAX_PASSED {
            return (list, Err(Error::TooMany));
        }
        let before = list.clone();
        let done = self.enter().and_then(|()| {
            let list = self.item_inside(list, index, names);
            self.depth -= 1;
            list
        });
        match done {
            Ok(list) => (list, Ok(())),
            Err(error) => (before, Err(error)),
        }
    }

    fn item_inside(
        &mut self,
        mut list: Vec<Value>,
        index: i64,
        names: usize,
    ) -> Result<Vec<Value>, Error> {
        let at = usize::try_from(index).map_err(|_| Error::Negative(index))?;
        let (junk, stop) = self.until(&['[', '.', '=']);
        if !junk.is_empty() {
            return Err(Error::AfterIndex(scan::quoted_runes(&junk)));
        }
        match stop {
            Stop::End => Err(Error::End),
            Stop::At('=') => self.item_value(list, index),
            Stop::At('[') => {
                let next = self.index()?;
                let below = match list.get(at) {
                    None | Some(Value::Nil) => Vec::new(),
                    Some(value) => as_list(value)?,
                };
                let (below, done) = self.item(below, next, names);
                done?;
                self.put_at(list, index, listed(below))
            }
            Stop::At(_) => {
                let inner = match list.get(at) {
                    Some(Value::Map(map)) => map.clone(),
                    _ => Map::new(&Type::MAP),
                };
                if let Some(place) = list.get_mut(at) {
                    *place = Value::Map(inner.clone());
                }
                self.key(&inner, names)?;
                self.put_at(list, index, Value::Map(inner))
            }
        }
    }

    fn item_value(&mut self, list: Vec<Value>, index: i64) -> Result<Vec<Value>, Error> {
        match self.mode {
            Mode::Literal => {
                let (text, _) = self.until(&[]);
                self.put_at(list, index, text.into())
            }
            Mode::Json => {
                let (value, rest) = self.json()?;
                let list = self.put_at(list, index, value)?;
                self.text.skip(rest);
                self.text.is_empty_value();
                Ok(list)
            }
            _ => match self.braces() {
                Braces::List(items) => self.put_at(list, index, listed(items)),
                Braces::End => self.put_at(list, index, Value::str("")),
                Braces::Failed(error) => Err(error),
                Braces::None => {
                    let (text, _) = self.until(&[',']);
                    let (value, done) = self.read(text);
                    done?;
                    self.put_at(list, index, value)
                }
            },
        }
    }
}
