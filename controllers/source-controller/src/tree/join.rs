//! Paths of a spec, joined to a root that they cannot leave.
//!
//! Source: github.com/cyphar/filepath-securejoin v0.6.1 `join.go`, which asks the file system about every step.

/// The longest name of a file, and the longest path, that Linux takes.
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4095;

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("lstat {path}: {why}")]
pub struct JoinError {
    path: String,
    why: &'static str,
}

/// A path as seen from a root that it cannot leave.
pub fn inside(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The same, refused where the file system below `root` would refuse to look. `is_dir` tells of a path whether it is a
/// folder there.
///
/// # Errors
/// If a name holds NUL, or is too long where it would be looked for, or the path is.
pub fn joined(root: &str, path: &str, is_dir: impl Fn(&str) -> bool) -> Result<String, JoinError> {
    let mut at = String::new();
    // Behind a name that is not there nothing is looked at.
    let mut there = vec![true];
    for part in path.split('/') {
        match part {
            "" | "." => continue,
            ".." => {
                at.truncate(at.rfind('/').unwrap_or(0));
                there.truncate((there.len() - 1).max(1));
                continue;
            }
            _ => {}
        }
        let looked = there.last() == Some(&true);
        if !at.is_empty() {
            at.push('/');
        }
        at.push_str(part);
        let why = if part.contains('\0') {
            Some("invalid argument")
        } else if root.len() + 2 + at.len() > MAX_PATH || looked && part.len() > MAX_NAME {
            Some("file name too long")
        } else {
            None
        };
        if let Some(why) = why {
            let path = format!("{root}//{at}");
            return Err(JoinError { path, why });
        }
        there.push(looked && is_dir(&at));
    }
    Ok(at)
}

#[cfg(test)]
const ANSWERS: &str = include_str!("../../../../tests/conformance/secure-join/answers.jsonl");

/// The recorded paths.
#[cfg(test)]
pub(crate) fn hostile_paths() -> Vec<String> {
    let path = |line: &str| {
        let case: serde_json::Value = serde_json::from_str(line).expect("is JSON");
        case["path"].as_str().expect("is text").to_owned()
    };
    ANSWERS.lines().map(path).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_recorded_path_leads_where_flux_lets_it_lead() {
        let mut count = 0;
        for line in ANSWERS.lines() {
            let case: Value = serde_json::from_str(line).expect("is JSON");
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let path = text("path");
            let theirs = match text("error") {
                "" => Ok(text("joined").to_owned()),
                error => Err(error.to_owned()),
            };
            let ours = joined("DIR", path, |_| false).map_err(|error| error.to_string());
            match (&theirs, &ours) {
                // How long the root is decides where a long path ends.
                (Err(theirs), Err(ours)) if path.len() > MAX_PATH => {
                    assert!(theirs.ends_with(": file name too long"), "{theirs}");
                    assert!(ours.ends_with(": file name too long"), "{ours}");
                }
                _ => assert_eq!(ours, theirs, "{path:?}"),
            }
            if let Ok(theirs) = theirs {
                assert_eq!(inside(path), theirs, "{path:?}");
            }
            assert!(
                inside(path)
                    .split('/')
                    .all(|part| part != ".." && part != "."),
                "{path:?}"
            );
            count += 1;
        }
        assert_eq!(count, 76);
    }

    #[test]
    fn long_names_are_looked_for_in_folders_that_are_there() {
        let long = "a".repeat(256);
        let join = |path: &str| joined("DIR", path, |path| path == "there");
        assert!(join(&format!("there/{long}")).is_err());
        assert!(join(&format!("elsewhere/{long}")).is_ok());
        assert!(join(&format!("elsewhere/../there/{long}")).is_err());
        assert!(join(&format!("there/not/{long}")).is_ok());
    }

    #[test]
    fn paths_of_any_length_cost_little() {
        let deep = "a/".repeat(1500);
        let path = format!("{deep}{}", "b/../".repeat(200_000));
        assert_eq!(joined("DIR", &path, |_| false), Ok(inside(&deep)));
    }
}
