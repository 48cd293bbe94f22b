//! What an execution may cost, and how much of that is used.

use std::cell::{Cell, RefCell};
use std::fmt;

use crate::value::WeakMap;
use crate::{Failure, Map};

/// Bounds for one execution together with all that it includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: nodes executed, elements printed, and what functions charge.
    pub fuel: u64,
    /// Bytes written and made on the way, those of strings that functions build included.
    pub bytes: u64,
    /// Templates and values inside one another.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 200_000_000,
            bytes: 512 << 20,
            depth: 10_000,
        }
    }
}

/// Says whether the time is over. The engine reads no clock of its own.
pub type Deadline<'a> = &'a dyn Fn() -> bool;

/// How often the clock is asked, in steps.
const CLOCK: u64 = 1024;

/// What is left of the [`Limits`].
pub struct Budget<'a> {
    limits: Limits,
    fuel: Cell<u64>,
    bytes: Cell<u64>,
    depth: Cell<usize>,
    until_clock: Cell<u64>,
    over: Deadline<'a>,
    /// Maps that were put into; emptied at the end, so that a map within itself is freed.
    changed: RefCell<Vec<WeakMap>>,
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("fuel", &self.fuel)
            .field("bytes", &self.bytes)
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl<'a> Budget<'a> {
    /// A whole budget. `over` is asked from time to time.
    pub fn new(limits: Limits, over: Deadline<'a>) -> Self {
        Self {
            limits,
            fuel: Cell::new(limits.fuel),
            bytes: Cell::new(limits.bytes),
            depth: Cell::new(0),
            until_clock: Cell::new(CLOCK),
            over,
            changed: RefCell::default(),
        }
    }

    /// A budget without a deadline.
    pub fn untimed(limits: Limits) -> Self {
        Self::new(limits, &|| false)
    }

    /// The limits it began with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes steps.
    ///
    /// # Errors
    /// There are none left, or the time is over.
    pub fn steps(&self, steps: u64) -> Result<(), Failure> {
        let Some(left) = self.fuel.get().checked_sub(steps) else {
            let fuel = self.limits.fuel;
            return Err(Failure::budget(format!(
                "rendering needs more than {fuel} steps"
            )));
        };
        self.fuel.set(left);
        match self.until_clock.get().checked_sub(steps) {
            Some(left) => self.until_clock.set(left),
            None => {
                self.until_clock.set(CLOCK);
                if (self.over)() {
                    return Err(Failure::budget(String::from("rendering takes too long")));
                }
            }
        }
        Ok(())
    }

    /// Takes bytes, and steps for making them.
    ///
    /// # Errors
    /// There are none left.
    pub fn bytes(&self, bytes: usize) -> Result<(), Failure> {
        let bytes = bytes as u64;
        let Some(left) = self.bytes.get().checked_sub(bytes) else {
            let bytes = self.limits.bytes;
            return Err(Failure::budget(format!(
                "rendering makes more than {bytes} bytes"
            )));
        };
        self.bytes.set(left);
        self.steps(bytes / 64)
    }

    /// How many bytes are left.
    pub fn bytes_left(&self) -> usize {
        usize::try_from(self.bytes.get()).unwrap_or(usize::MAX)
    }

    /// One deeper, until [`Self::leave`]. Says whether that is allowed.
    pub(crate) fn enter(&self) -> bool {
        let depth = self.depth.get();
        let allowed = depth < self.limits.depth;
        if allowed {
            self.depth.set(depth + 1);
        }
        allowed
    }

    pub(crate) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    /// Remembers a map that a value with values of its own was put into.
    pub(crate) fn changed(&self, map: &Map) {
        let mut changed = self.changed.borrow_mut();
        if !changed.iter().rev().take(8).any(|it| it.is(map)) {
            changed.push(map.downgrade());
        }
    }
}

impl Drop for Budget<'_> {
    fn drop(&mut self) {
        for map in self.changed.get_mut().drain(..) {
            if let Some(map) = map.upgrade() {
                map.clear();
            }
        }
    }
}
