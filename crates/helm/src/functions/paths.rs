//! Paths: `base`, `dir`, `ext`, `clean`, `isAbs` and their `os` forms, which do the same where Helm runs.
//!
//! Source: sprig v3.3.0 `functions.go`, Go 1.26 `path/path.go`

use go_template::{Functions, Signature, Str, Type, Value};

use super::given;

type Body = fn(&[u8]) -> Vec<u8>;

const TEXT: Signature = Signature::new(&[Type::String], &Type::String);
const TRUTH: Signature = Signature::new(&[Type::String], &Type::Bool);

pub(super) fn register(functions: &mut Functions) {
    let parts: [([&str; 2], Body); 4] = [
        (["base", "osBase"], base),
        (["dir", "osDir"], dir),
        (["ext", "osExt"], ext),
        (["clean", "osClean"], clean),
    ];
    for (names, part) in parts {
        for name in names {
            functions.add(name, TEXT, move |call, args| {
                let path = given::bytes(args, 0);
                call.budget().bytes(path.len())?;
                Ok(Value::Str(Str::from(part(path))))
            });
        }
    }
    for name in ["isAbs", "osIsAbs"] {
        functions.add(name, TRUTH, |_, args| {
            Ok(Value::Bool(given::bytes(args, 0).starts_with(b"/")))
        });
    }
}

/// The last element, without slashes at the end.
fn base(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let end = path.iter().rposition(|it| *it != b'/');
    let Some(end) = end else {
        return b"/".to_vec();
    };
    let path = &path[..=end];
    let start = path
        .iter()
        .rposition(|it| *it == b'/')
        .map_or(0, |it| it + 1);
    path[start..].to_vec()
}

/// All but the last element.
fn dir(path: &[u8]) -> Vec<u8> {
    let end = path
        .iter()
        .rposition(|it| *it == b'/')
        .map_or(0, |it| it + 1);
    clean(&path[..end])
}

/// From the last dot of the last element on.
fn ext(path: &[u8]) -> Vec<u8> {
    let start = path
        .iter()
        .rposition(|it| *it == b'/')
        .map_or(0, |it| it + 1);
    let name = &path[start..];
    let dot = name.iter().rposition(|it| *it == b'.');
    dot.map_or_else(Vec::new, |it| name[it..].to_vec())
}

/// The shortest path that means the same.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut above = 0;
    for part in path.split(|it| *it == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.len() > above => {
                parts.pop();
            }
            b".." if rooted => {}
            b".." => {
                parts.push(part);
                above = parts.len();
            }
            _ => parts.push(part),
        }
    }
    let mut clean = if rooted { b"/".to_vec() } else { Vec::new() };
    clean.extend(parts.join(&b'/'));
    if clean.is_empty() {
        clean.push(b'.');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(part: fn(&[u8]) -> Vec<u8>, path: &str, expect: &str) {
        assert_eq!(String::from_utf8_lossy(&part(path.as_bytes())), expect);
    }

    #[test]
    fn paths_are_taken_apart_as_go_does() {
        check(base, "", ".");
        check(base, "a//", "a");
        check(base, "//", "/");
        check(dir, "/a/", "/a");
        check(dir, "noext", ".");
        check(ext, "a.b/c", "");
        check(ext, ".hidden", ".hidden");
    }

    #[test]
    fn clean_paths_have_no_detours() {
        check(clean, "", ".");
        check(clean, "/../a", "/a");
        check(clean, "../../a/../b", "../../b");
        check(clean, "a/../..", "..");
        check(clean, "a//b/./c/", "a/b/c");
    }
}
