//! Values of flags, checked as the library checks them.

use go_template::quote::quoted;

use super::table::Kind;

impl Kind {
    /// The value, or the values that a list says.
    ///
    /// # Errors
    /// What the library says after `invalid argument …:`.
    pub(super) fn check(self, value: &str) -> Result<Vec<String>, String> {
        let shown = || quoted(value.as_bytes());
        match self {
            Self::Switch if boolean(value).is_none() => Err(format!(
                "strconv.ParseBool: parsing {}: invalid syntax",
                shown()
            )),
            Self::Int if value.parse::<i64>().is_err() => Err(format!(
                "strconv.ParseInt: parsing {}: invalid syntax",
                shown()
            )),
            Self::Float if value.parse::<f32>().is_err() => Err(format!(
                "strconv.ParseFloat: parsing {}: invalid syntax",
                shown()
            )),
            Self::Duration => helm::functions::check_duration(value).map(|()| vec![value.into()]),
            Self::Wait
                if !matches!(value, "watcher" | "legacy" | "hookOnly" | "true" | "false") =>
            {
                Err(format!(
                    "invalid wait input {}. Valid inputs are watcher, hookOnly, and legacy",
                    shown()
                ))
            }
            Self::List => record(value),
            Self::Pairs => pairs(value),
            _ => Ok(vec![value.to_owned()]),
        }
    }
}

/// A truth value as Go reads it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn pairs(value: &str) -> Result<Vec<String>, String> {
    let pairs = match value.matches('=').count() {
        0 | 1 => vec![value.trim_matches('"').to_owned()],
        _ => record(value)?,
    };
    match pairs.iter().find(|it| !it.contains('=')) {
        Some(pair) => Err(format!("{pair} must be formatted as key=value")),
        None => Ok(pairs),
    }
}

/// The fields of the first line, as in CSV; none if there is nothing.
fn record(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    if text.is_empty() {
        return Ok(fields);
    }
    let mut rest = text;
    let column = |rest: &str| text.len() - rest.len() + 1;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(inner) => quoted_field(inner).ok_or_else(|| {
                let column = bad_quote(text, inner);
                format!("parse error on line 1, column {column}: extraneous or missing \" in quoted-field")
            })?,
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                if let Some(at) = field.find('"') {
                    let column = column(&rest[at..]);
                    return Err(format!(
                        "parse error on line 1, column {column}: bare \" in non-quoted-field"
                    ));
                }
                (field.to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}

/// What is inside of quotes, and what follows them.
fn quoted_field(inner: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = inner;
    loop {
        let (text, after) = rest.split_once('"')?;
        field.push_str(text);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if after.is_empty() || after.starts_with([',', '\n']) => {
                return Some((field, after));
            }
            None => return None,
        }
    }
}

/// Where the library finds that a quoted field is none: at a quote that something follows, or at the end.
fn bad_quote(text: &str, inner: &str) -> usize {
    let start = text.len() - inner.len();
    let mut at = 0;
    while let Some(found) = inner[at..].find('"') {
        let after = &inner[at + found + 1..];
        if !after.starts_with('"') {
            return start + at + found + 1;
        }
        at += found + 2;
    }
    text.len() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_csv() {
        let read = |text: &str| record(text).unwrap();
        assert_eq!(read("a,b"), ["a", "b"]);
        assert_eq!(read("a,"), ["a", ""]);
        assert_eq!(read("\"a,\"\"b\",c"), ["a,\"b", "c"]);
        assert!(read("").is_empty());
        let error = "parse error on line 1, column 2: bare \" in non-quoted-field";
        assert_eq!(record("a\"").err().as_deref(), Some(error));
        let error = "parse error on line 1, column 3: extraneous or missing \" in quoted-field";
        assert_eq!(record("\"a").err().as_deref(), Some(error));
    }

    #[test]
    fn pairs_need_an_equals_sign() {
        assert_eq!(pairs("a=b,c=d").unwrap(), ["a=b", "c=d"]);
        assert_eq!(pairs("a=b,c").unwrap(), ["a=b,c"]);
        assert!(pairs("a").is_err());
    }
}
