//! JSON as `encoding/json` writes it.
//!
//! Source: Go 1.26 `encoding/json/encode.go`, `indent.go`

use go_template::format::{FloatStyle as Style, append_float};
use go_template::{Budget, Failure, List, Map, Object, Str, Type, UintKind, Value, unicode};

use crate::functions::encoding::base64;

/// Deeper than this, circles are looked for.
const CIRCLES: usize = 1000;

/// How JSON is written.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// Whether `<`, `>` and `&` are escaped.
    html: bool,
    /// Whether each element has a line of its own.
    pretty: bool,
}

impl Form {
    /// On one line, safe within HTML.
    pub(crate) const HTML: Self = Self {
        html: true,
        pretty: false,
    };
    /// On one line.
    pub(crate) const RAW: Self = Self {
        html: false,
        pretty: false,
    };
    /// An element per line, indented by two.
    pub(crate) const PRETTY: Self = Self {
        html: true,
        pretty: true,
    };
}

/// Elements still to be written.
enum Rest {
    List(List, usize),
    Pairs(Option<Map>, std::vec::IntoIter<(Str, Value)>),
}

impl Rest {
    fn next(&mut self) -> Option<(Option<Str>, Value)> {
        match self {
            Self::List(list, at) => {
                *at += 1;
                Some((None, list.get(*at - 1)?))
            }
            Self::Pairs(_, pairs) => pairs.next().map(|(key, value)| (Some(key), value)),
        }
    }

    fn close(&self) -> u8 {
        match self {
            Self::List(..) => b']',
            Self::Pairs(..) => b'}',
        }
    }
}

/// The value as JSON.
///
/// # Errors
/// Something that JSON cannot hold, in Go's words, or the budget.
pub(crate) fn encode(value: &Value, form: Form, budget: &Budget<'_>) -> Result<Vec<u8>, Failure> {
    let mut writer = Writer {
        out: Vec::new(),
        open: Vec::new(),
        form,
        budget,
    };
    writer.value(value)?;
    while let Some(rest) = writer.open.last_mut() {
        let first = writer
            .out
            .last()
            .is_some_and(|it| matches!(it, b'[' | b'{'));
        match rest.next() {
            Some((key, value)) => {
                if !first {
                    writer.out.push(b',');
                }
                writer.line();
                if let Some(key) = key {
                    string(&key, form.html, &mut writer.out);
                    writer
                        .out
                        .extend_from_slice(if form.pretty { b": " } else { b":" });
                }
                budget.steps(1)?;
                writer.value(&value)?;
            }
            None => {
                let close = rest.close();
                writer.open.pop();
                if !first {
                    writer.line();
                }
                writer.out.push(close);
            }
        }
    }
    budget.bytes(writer.out.len())?;
    Ok(writer.out)
}

struct Writer<'a> {
    out: Vec<u8>,
    open: Vec<Rest>,
    form: Form,
    budget: &'a Budget<'a>,
}

impl Writer<'_> {
    fn line(&mut self) {
        if self.form.pretty {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * self.open.len(), b' ');
        }
    }

    /// Writes a scalar, or opens what has elements.
    fn value(&mut self, value: &Value) -> Result<(), Failure> {
        if self.out.len() > self.budget.bytes_left() {
            self.budget.bytes(self.out.len())?;
        }
        match value {
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::Bool(it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Value::Int(_, it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Value::Uint(_, it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Value::Float(it) => return number(*it, &mut self.out),
            Value::Str(it) => string(it, self.form.html, &mut self.out),
            Value::Complex(..) | Value::Func(_) => {
                let ty = value.type_name();
                return Err(Failure::new(format!("json: unsupported type: {ty}")));
            }
            Value::List(list) => self.list(list),
            Value::Map(map) => return self.map(map),
            Value::Object(object) => return self.object(&**object),
        }
        Ok(())
    }

    fn list(&mut self, list: &List) {
        if list.is_nil() {
            self.out.extend_from_slice(b"null");
        } else if matches!(list.ty().element(), Type::Uint(UintKind::Uint8)) {
            let byte = |it| match it {
                Value::Uint(_, it) => it as u8,
                _ => 0,
            };
            let bytes: Vec<u8> = list.iter().map(byte).collect();
            self.out.push(b'"');
            self.out.extend(base64::encode(&bytes).bytes());
            self.out.push(b'"');
        } else {
            self.out.push(b'[');
            self.open.push(Rest::List(list.clone(), 0));
        }
    }

    fn map(&mut self, map: &Map) -> Result<(), Failure> {
        if map.is_nil() {
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        let within = |it: &Rest| matches!(it, Rest::Pairs(Some(around), _) if around.same(map));
        if self.open.len() > CIRCLES && self.open.iter().any(within) {
            let ty = map.ty();
            return Err(Failure::new(format!(
                "json: unsupported value: encountered a cycle via {ty}"
            )));
        }
        self.out.push(b'{');
        let pairs: Vec<(Str, Value)> = map.entries();
        self.budget.steps(pairs.len() as u64)?;
        self.open
            .push(Rest::Pairs(Some(map.clone()), pairs.into_iter()));
        Ok(())
    }

    fn object(&mut self, object: &dyn Object) -> Result<(), Failure> {
        if object.is_nil() {
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        if let Some(text) = object.marshal() {
            string(&text?, self.form.html, &mut self.out);
            return Ok(());
        }
        self.out.push(b'{');
        let fields = object.json_fields().into_iter();
        let pairs: Vec<_> = fields.map(|(name, it)| (Str::from(name), it)).collect();
        self.open.push(Rest::Pairs(None, pairs.into_iter()));
        Ok(())
    }
}

fn number(value: f64, out: &mut Vec<u8>) -> Result<(), Failure> {
    if !value.is_finite() {
        let mut text = b"json: unsupported value: ".to_vec();
        append_float(value, Style::General, None, false, &mut text);
        return Err(Failure::new(
            go_template::unicode::lossy(&text).into_owned(),
        ));
    }
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        append_float(value, Style::Fixed, None, false, out);
        return Ok(());
    }
    append_float(value, Style::Exponent, None, false, out);
    if let [.., b'e', b'-', b'0', digit] = **out {
        let length = out.len();
        out[length - 2] = digit;
        out.pop();
    }
    Ok(())
}

/// Appends a string with its quotes and escapes.
fn string(text: &[u8], html: bool, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some((c, length)) = unicode::decode(rest) {
        match c {
            '"' | '\\' => out.extend_from_slice(&[b'\\', rest[0]]),
            '\x08' => out.extend_from_slice(b"\\b"),
            '\x0c' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\0'..' ' | '\u{2028}' | '\u{2029}' => unit(c, out),
            '<' | '>' | '&' if html => unit(c, out),
            char::REPLACEMENT_CHARACTER if length == 1 => out.extend_from_slice(b"\\ufffd"),
            _ => out.extend_from_slice(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out.push(b'"');
}

fn unit(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use go_template::Limits;

    #[track_caller]
    fn check(value: Value, form: Form, expect: &str) {
        let budget = Budget::untimed(Limits::default());
        let text = encode(&value, form, &budget).map_err(|it| it.to_string());
        assert_eq!(
            text.as_deref().map(String::from_utf8_lossy),
            Ok(expect.into())
        );
    }

    #[test]
    fn numbers_change_to_exponents_where_javascript_does() {
        for (value, expect) in [
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (-0.0, "-0"),
            (2.5, "2.5"),
        ] {
            check(Value::Float(value), Form::HTML, expect);
        }
    }

    #[test]
    fn strings_are_escaped() {
        check(
            Value::str("<&>\u{1}\u{7f}\u{2028}"),
            Form::HTML,
            "\"\\u003c\\u0026\\u003e\\u0001\u{7f}\\u2028\"",
        );
        check(Value::str("<&>"), Form::RAW, "\"<&>\"");
        check(Value::str(&b"a\xff"[..]), Form::RAW, "\"a\\ufffd\"");
    }

    #[test]
    fn pretty_text_leaves_empty_things_closed() {
        let value = Value::map([
            ("a", Value::list(vec![])),
            ("b", Value::list(vec![Value::int(1)])),
        ]);
        check(
            value,
            Form::PRETTY,
            "{\n  \"a\": [],\n  \"b\": [\n    1\n  ]\n}",
        );
    }

    #[test]
    fn a_circle_is_an_error() {
        let map = Map::new(&Type::MAP);
        map.insert("a".into(), Value::Map(map.clone()));
        let budget = Budget::untimed(Limits::default());
        let result = encode(&Value::Map(map.clone()), Form::HTML, &budget);
        map.clear();
        let error = result.map_err(|it| it.to_string()).err();
        let expect = "json: unsupported value: encountered a cycle via map[string]interface {}";
        assert_eq!(error.as_deref(), Some(expect));
    }
}
