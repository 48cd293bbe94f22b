//! Any value under a verb; what is nested is walked with a stack of our own.

use super::Printer;
use crate::{List, Str, Type, Value};

/// A container that is being printed.
struct Frame {
    rest: Rest,
    first: bool,
    close: &'static [u8],
    /// Whether elements are declared as interfaces.
    interfaces: bool,
}

enum Rest {
    List(List, usize),
    Pairs(std::vec::IntoIter<(Str, Value)>),
    Fields(std::vec::IntoIter<(&'static str, Value)>),
}

impl Frame {
    /// How many bytes it holds while it is open.
    fn held(&self) -> usize {
        let entries = match &self.rest {
            Rest::List(..) => 0,
            Rest::Pairs(rest) => rest.len() * size_of::<(Str, Value)>(),
            Rest::Fields(rest) => rest.len() * size_of::<(&str, Value)>(),
        };
        size_of::<Self>() + entries
    }
}

impl Printer {
    /// An operand of a print function.
    pub(super) fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => self.string(value.type_name().as_bytes(), 's', value),
            (_, 'p') => self.pointer(value, 'p'),
            _ => self.nested(value, verb),
        }
    }

    /// A value that holds no others; others print nothing.
    pub(super) fn scalar(&mut self, value: &Value, verb: char) {
        match value {
            Value::Bool(it) => self.boolean(*it, verb),
            Value::Int(_, it) => self.integer(*it as u64, true, verb, value),
            Value::Uint(_, it) => self.integer(*it, false, verb, value),
            Value::Float(it) => self.float(*it, verb, value),
            Value::Complex(real, imag) => self.complex(*real, *imag, verb),
            Value::Str(it) => self.string(it, verb, value),
            Value::Func(_) => self.pointer(value, verb),
            Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => {}
        }
    }

    /// Prints a value and all that is in it.
    fn nested(&mut self, value: &Value, verb: char) {
        let mut stack = Vec::new();
        let mut held = 0_usize;
        let mut next = self.open(value, verb, 0);
        loop {
            if let Some(frame) = next.take() {
                held = held.saturating_add(frame.held());
                stack.push((held, frame));
            }
            let Some((_, frame)) = stack.last_mut() else {
                return;
            };
            // What is open takes memory like what is printed: a map within itself must not take more.
            if self.over || self.out.len().saturating_add(held) > self.limit {
                self.over = true;
                return;
            }
            let separator: &[u8] = if self.flags.sharp_v { b", " } else { b" " };
            let first = std::mem::take(&mut frame.first);
            let (name, element) = match frame.rest.next() {
                Some(next) => next,
                None => {
                    self.push(frame.close);
                    stack.pop();
                    held = stack.last().map_or(0, |(held, _)| *held);
                    continue;
                }
            };
            if !first {
                self.push(separator);
            }
            let interfaces = frame.interfaces;
            let is_map = matches!(frame.rest, Rest::Pairs(_));
            match name {
                Name::None => {}
                Name::Key(key) if is_map => {
                    self.string(&key, verb, &Value::Str(key.clone()));
                    self.push(b":");
                }
                Name::Key(_) => {}
                Name::Field(name) => {
                    if self.flags.plus_v || self.flags.sharp_v {
                        self.push(name.as_bytes());
                        self.push(b":");
                    }
                }
            }
            if matches!(element, Value::Nil) {
                let text: &[u8] = match (interfaces, self.flags.sharp_v) {
                    (_, false) => b"<nil>",
                    (_, true) => b"interface {}(nil)",
                };
                self.push(text);
                continue;
            }
            next = self.open(&element, verb, stack.len());
        }
    }

    /// Prints a scalar whole, and of a container the beginning.
    fn open(&mut self, value: &Value, verb: char, depth: usize) -> Option<Frame> {
        if !self.erroring
            && let Some(text) = value.own_text()
        {
            if verb == 'w' {
                self.bad_verb(value, verb);
                return None;
            }
            if !self.flags.sharp_v && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
                self.string(&text, verb, value);
                return None;
            }
        }
        match value {
            Value::List(list) => self.open_list(list, verb, depth),
            Value::Map(map) => {
                let sharp = self.flags.sharp_v;
                let start = if sharp {
                    map.ty().to_string()
                } else {
                    String::from("map")
                };
                self.push(start.as_bytes());
                if sharp && map.is_nil() {
                    self.push(b"(nil)");
                    return None;
                }
                self.push(if sharp { b"{" } else { b"[" });
                Some(Frame {
                    rest: Rest::Pairs(map.entries().into_iter()),
                    first: true,
                    close: if sharp { b"}" } else { b"]" },
                    interfaces: matches!(map.ty().element(), Type::Any),
                })
            }
            Value::Object(object) => {
                let ty = *object.ty();
                let pointer = matches!(ty, Type::Pointer(_));
                if object.is_nil() || pointer && depth > 0 {
                    self.pointer(value, verb);
                    return None;
                }
                if pointer {
                    self.push(b"&");
                }
                if self.flags.sharp_v {
                    let name = if pointer { ty.element() } else { ty };
                    self.push(name.to_string().as_bytes());
                }
                self.push(b"{");
                Some(Frame {
                    rest: Rest::Fields(object.fields().into_iter()),
                    first: true,
                    close: b"}",
                    interfaces: false,
                })
            }
            other => {
                self.scalar(other, verb);
                None
            }
        }
    }

    fn open_list(&mut self, list: &List, verb: char, depth: usize) -> Option<Frame> {
        let hex = matches!(verb, 's' | 'q' | 'x' | 'X');
        let direct = depth == 0 && matches!(list.ty(), Type::List(_)) && matches!(verb, 'v' | 'd');
        if (hex || direct)
            && let Some(bytes) = list.as_bytes()
        {
            let name = if direct {
                String::from("[]byte")
            } else {
                list.ty().to_string()
            };
            if list.is_nil() && self.flags.sharp_v {
                self.push(name.as_bytes());
                self.push(b"(nil)");
            } else {
                self.bytes(&bytes, verb, &name);
            }
            return None;
        }
        let sharp = self.flags.sharp_v;
        if sharp {
            self.push(list.ty().to_string().as_bytes());
            if list.is_nil() {
                self.push(b"(nil)");
                return None;
            }
        }
        self.push(if sharp { b"{" } else { b"[" });
        Some(Frame {
            rest: Rest::List(list.clone(), 0),
            first: true,
            close: if sharp { b"}" } else { b"]" },
            interfaces: matches!(list.ty().element(), Type::Any),
        })
    }

    /// An address. Go's differ from run to run; ours are always the same.
    fn pointer(&mut self, value: &Value, verb: char) {
        let address = if value.is_nil() { 0 } else { 0xc0_0000_0000 };
        let pointing = matches!(
            value,
            Value::List(_) | Value::Map(_) | Value::Func(_) | Value::Object(_)
        );
        if !pointing {
            return self.bad_verb(value, verb);
        }
        match verb {
            'v' if self.flags.sharp_v => {
                self.push(format!("({})(", value.type_name()).as_bytes());
                if address == 0 {
                    self.push(b"nil");
                } else {
                    self.hexadecimal(address, true);
                }
                self.push(b")");
            }
            'v' if address == 0 => self.pad(b"<nil>"),
            'v' | 'p' => self.hexadecimal(address, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(address, false, verb, value),
            _ => {
                self.push(b"%!");
                self.push_char(verb);
                self.push(format!("({}=", value.type_name()).as_bytes());
                self.pointer(value, 'v');
                self.push(b")");
            }
        }
    }
}

/// What stands before an element.
enum Name {
    None,
    Key(Str),
    Field(&'static str),
}

impl Rest {
    fn next(&mut self) -> Option<(Name, Value)> {
        match self {
            Self::List(list, index) => {
                let value = list.get(*index)?;
                *index += 1;
                Some((Name::None, value))
            }
            Self::Pairs(pairs) => pairs.next().map(|(key, value)| (Name::Key(key), value)),
            Self::Fields(fields) => fields
                .next()
                .map(|(name, value)| (Name::Field(name), value)),
        }
    }
}
