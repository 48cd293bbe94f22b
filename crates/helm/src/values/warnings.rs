//! What Helm tells beside its results.

use go_template::Str;

/// How much a message matters, as Helm prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only told with `--debug`.
    Debug,
    /// Good to know.
    Info,
    /// Perhaps a mistake.
    Warn,
}

/// A message with its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// How much it matters.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Its fields, in order.
    pub fields: Vec<(&'static str, Str)>,
}

/// What Helm tells while it merges and renders. More than a few say nothing new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings(Vec<Warning>);

impl Warnings {
    const MOST: usize = 1000;

    /// A message without fields that Helm prints to its log.
    pub(crate) fn add(&mut self, text: impl FnOnce() -> String) {
        self.tell(Level::Info, || (text(), Vec::new()));
    }

    /// A message with fields.
    pub(crate) fn tell(
        &mut self,
        level: Level,
        told: impl FnOnce() -> (String, Vec<(&'static str, Str)>),
    ) {
        if self.0.len() < Self::MOST {
            let (message, fields) = told();
            self.0.push(Warning {
                level,
                message,
                fields,
            });
        }
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Warning] {
        &self.0
    }
}
