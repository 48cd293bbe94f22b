//! Names and values of variables.

/// A variable name that is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")]
pub struct InvalidName(pub String);

/// Accepts an ASCII letter or `_` followed by letters, digits and `_`.
///
/// # Errors
/// [`InvalidName`] with the name.
pub fn check_name(name: &str) -> Result<(), InvalidName> {
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic());
    if starts && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(InvalidName(name.to_owned()))
    }
}

/// What YAML takes for the end of a line, beside the line feed.
const BREAKS: [char; 4] = ['\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// A value as substitution uses it: on one line, so that no value can begin a line of YAML and with it a
/// field of the object.
///
/// Line feeds vanish, as upstream. The other breaks of YAML, which upstream leaves in the text, become the
/// space that one of them is folded to.
#[must_use]
pub fn one_line(value: &str) -> String {
    value.replace('\n', "").replace(BREAKS, " ")
}
