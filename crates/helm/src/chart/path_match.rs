//! Shell patterns as Go's `filepath.Match` reads them.
//!
//! Source: Go 1.26 `path/filepath/match.go`

/// A pattern that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Whether a path matches a pattern: `*`, `?` and `[a-z]` do not match slashes, a backslash takes the next
/// character as it is.
///
/// # Errors
/// [`BadPattern`].
pub fn path_match(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let (mut pattern, mut name) = (pattern, name);
    while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            // The rest of the name, as far as it is no path.
            return Ok(!name.contains('/'));
        }
        if let Some(left) = match_chunk(chunk, name)?
            && (left.is_empty() || !pattern.is_empty())
        {
            name = left;
            continue;
        }
        let found = if star {
            behind_star(chunk, name, pattern.is_empty())?
        } else {
            None
        };
        match found {
            Some(left) => name = left,
            None => {
                // What is left has to be a pattern all the same.
                while !pattern.is_empty() {
                    let (_, chunk, rest) = next_chunk(pattern);
                    match_chunk(chunk, "")?;
                    pattern = rest;
                }
                return Ok(false);
            }
        }
    }
    Ok(name.is_empty())
}

/// Tries a chunk at every place that a star may reach.
fn behind_star<'n>(chunk: &str, name: &'n str, last: bool) -> Result<Option<&'n str>, BadPattern> {
    for (at, char) in name.char_indices() {
        if char == '/' {
            break;
        }
        if let Some(left) = match_chunk(chunk, &name[at + char.len_utf8()..])? {
            if last && !left.is_empty() {
                continue;
            }
            return Ok(Some(left));
        }
    }
    Ok(None)
}

/// The pattern up to the next star outside of brackets, whether stars come before it, and what follows.
fn next_chunk(pattern: &str) -> (bool, &str, &str) {
    let stripped = pattern.trim_start_matches('*');
    let star = stripped.len() < pattern.len();
    let bytes = stripped.as_bytes();
    let mut in_range = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if at + 1 < bytes.len() => at += 1,
            b'[' => in_range = true,
            b']' => in_range = false,
            b'*' if !in_range => break,
            _ => {}
        }
        at += 1;
    }
    let (chunk, rest) = stripped.split_at(at);
    (star, chunk, rest)
}

/// What is left of a name behind a chunk without stars. A mismatch does not end the check of the pattern.
fn match_chunk<'n>(chunk: &str, name: &'n str) -> Result<Option<&'n str>, BadPattern> {
    let mut chunk = chunk;
    let mut name = name;
    let mut failed = false;
    while let Some(first) = chunk.chars().next() {
        failed |= name.is_empty();
        let char = name.chars().next().filter(|_| !failed);
        match first {
            '[' => {
                chunk = &chunk[1..];
                let (matches, rest) = class(chunk, char)?;
                chunk = rest;
                failed |= !matches;
            }
            '?' => {
                failed |= char == Some('/');
                chunk = &chunk[1..];
            }
            _ => {
                let mut wanted = first;
                if first == '\\' {
                    chunk = &chunk[1..];
                    wanted = chunk.chars().next().ok_or(BadPattern)?;
                }
                failed |= char != Some(wanted);
                chunk = &chunk[wanted.len_utf8()..];
            }
        }
        if !failed && let Some(char) = char {
            name = &name[char.len_utf8()..];
        }
    }
    Ok((!failed).then_some(name))
}

/// Whether a character is in a class, and the pattern behind it.
fn class(mut chunk: &str, char: Option<char>) -> Result<(bool, &str), BadPattern> {
    let negated = chunk.starts_with('^');
    if negated {
        chunk = &chunk[1..];
    }
    let mut matches = false;
    let mut ranges = 0;
    loop {
        if chunk.starts_with(']') && ranges > 0 {
            return Ok((matches != negated, &chunk[1..]));
        }
        let (low, rest) = escaped(chunk)?;
        chunk = rest;
        let mut high = low;
        if let Some(rest) = chunk.strip_prefix('-') {
            (high, chunk) = escaped(rest)?;
        }
        matches |= char.is_some_and(|char| (low..=high).contains(&char));
        ranges += 1;
    }
}

/// A character of a class, which something has to follow.
fn escaped(chunk: &str) -> Result<(char, &str), BadPattern> {
    if chunk.is_empty() || chunk.starts_with(['-', ']']) {
        return Err(BadPattern);
    }
    let chunk = match chunk.strip_prefix('\\') {
        Some(rest) => rest,
        None => chunk,
    };
    let char = chunk.chars().next().ok_or(BadPattern)?;
    let rest = &chunk[char.len_utf8()..];
    if rest.is_empty() {
        return Err(BadPattern);
    }
    Ok((char, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_go() {
        for (pattern, name, expected) in [
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*", "ab/c", Ok(false)),
            ("a*/b", "abc/b", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", Ok(false)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[^b-d]", "abc", Ok(false)),
            ("ab[e-g]", "abc", Ok(false)),
            ("a\\*b", "a*b", Ok(true)),
            ("a???b", "aαβγb", Ok(true)),
            ("[]a]", "]", Err(BadPattern)),
            ("[a", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
            ("[\\-x]", "-", Ok(true)),
            ("[x-]", "x", Err(BadPattern)),
            ("[", "", Err(BadPattern)),
        ] {
            assert_eq!(path_match(pattern, name), expected, "{pattern} {name}");
        }
    }
}
