//! Slash-separated paths inside a tree.

/// Why a path is not one inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `..` components climb above the root.
    #[error("path '{0}' leaves the root")]
    Escapes(String),
    /// The path holds a NUL byte.
    #[error("path holds a NUL byte")]
    Nul,
}

/// Cleans `path` lexically, as Go's `path.Clean("/" + path)` without the leading slash.
///
/// A leading slash counts as the root of the tree; `.` and empty components vanish; `..` takes back the
/// component before it. The root itself is the empty string.
///
/// # Errors
/// [`PathError::Escapes`] where `..` would climb above the root, [`PathError::Nul`] for a NUL byte.
pub fn normalize(path: &str) -> Result<String, PathError> {
    if path.contains('\0') {
        return Err(PathError::Nul);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(PathError::Escapes(path.to_owned()));
                }
            }
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_like_go_path_clean_under_the_root() {
        for (input, expected) in [
            ("", ""),
            ("/", ""),
            ("./a//b/", "a/b"),
            ("a/../b", "b"),
            ("/a/./b/..", "a"),
        ] {
            assert_eq!(normalize(input), Ok(expected.to_owned()), "{input}");
        }
    }

    #[test]
    fn refuses_to_climb_above_the_root() {
        for input in ["..", "a/../..", "/../a"] {
            assert_eq!(normalize(input), Err(PathError::Escapes(input.to_owned())));
        }
    }
}
