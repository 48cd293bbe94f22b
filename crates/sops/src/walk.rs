//! The walk over a file's values that decrypts them and sums them up.
//!
//! Source: sops v3.13 `sops.go` `Decrypt`, `walkBranch`, `walkSlice`.

use sha2::{Digest as _, Sha512};

use crate::cipher;
use crate::rules::{Place, Rule};
use crate::tree::{Branch, Comment, Key, Value};

/// What the sum begins with when it covers encrypted values only.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
    0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// How to walk.
pub(crate) struct Walk<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) rule: &'a Rule,
    pub(crate) only_encrypted: bool,
}

/// Decrypts all values in place and returns their sum in upper case hexadecimal.
///
/// # Errors
/// The first value that cannot be decrypted, without its text.
pub(crate) fn decrypt(branches: &mut [Branch], walk: &Walk<'_>) -> Result<String, String> {
    let mut walker = Walker {
        walk,
        place: Place::default(),
        sum: Sha512::new(),
    };
    if walk.only_encrypted {
        walker.sum.update(ONLY_ENCRYPTED);
    }
    for branch in branches {
        walker.branch(branch)?;
    }
    Ok(walker
        .sum
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect())
}

struct Walker<'a> {
    walk: &'a Walk<'a>,
    place: Place,
    sum: Sha512,
}

impl Walker<'_> {
    /// Forms bound their depth when they are read, so this recursion is bounded.
    fn value(&mut self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::Null => Ok(()),
            Value::Branch(branch) => self.branch(branch),
            Value::List(items) => self.list(items),
            Value::Foreign(name) => Err(format!("Cannot walk value, unknown type: {name}")),
            leaf => self.leaf(leaf),
        }
    }

    fn branch(&mut self, branch: &mut Branch) -> Result<(), String> {
        self.place.comments.push(Vec::new());
        for item in branch.iter_mut() {
            let name = match &mut item.key {
                Key::Comment(comment) => {
                    self.note(&comment.text);
                    self.comment(comment)?;
                    continue;
                }
                Key::Other(kind, text) => {
                    return Err(format!(
                        "Tree contains a non-string key (type {kind}): {text}. Only string keys are supported"
                    ));
                }
                Key::Text(name) => name.clone(),
            };
            self.place.path.push(name);
            self.value(&mut item.value)?;
            self.place.path.pop();
            self.forget();
        }
        self.place.comments.pop();
        Ok(())
    }

    fn list(&mut self, items: &mut [Value]) -> Result<(), String> {
        self.place.comments.push(Vec::new());
        for item in items {
            let comment = match item {
                Value::Comment(comment) => Some(comment.text.clone()),
                _ => None,
            };
            if let Some(text) = &comment {
                self.note(text);
            }
            self.value(item)?;
            if comment.is_none() {
                self.forget();
            }
        }
        self.place.comments.pop();
        Ok(())
    }

    fn note(&mut self, text: &[u8]) {
        if let Some(level) = self.place.comments.last_mut() {
            level.push(text.to_vec());
        }
    }

    fn forget(&mut self) {
        if let Some(level) = self.place.comments.last_mut() {
            level.clear();
        }
    }

    /// A comment in a mapping: it stays one, and at its place unless it was encrypted as one.
    fn comment(&mut self, comment: &mut Comment) -> Result<(), String> {
        let inline = comment.inline;
        let mut value = Value::Comment(std::mem::replace(
            comment,
            Comment {
                text: Vec::new(),
                inline,
            },
        ));
        self.leaf(&mut value)?;
        match value {
            Value::Comment(found) => *comment = found,
            Value::Text(text) => *comment = Comment { text, inline },
            other => {
                return Err(format!(
                    "walkValue of Comment should be either Comment or string, was {}",
                    other.type_name()
                ));
            }
        }
        Ok(())
    }

    fn leaf(&mut self, value: &mut Value) -> Result<(), String> {
        let is_comment = matches!(value, Value::Comment(_));
        let encrypted = self.walk.rule.encrypts(&self.place, is_comment);
        if encrypted {
            self.open(value)?;
        }
        if !is_comment && (encrypted || !self.walk.only_encrypted) {
            let bytes = value.to_bytes();
            let bytes = bytes.ok_or("Could not convert value to bytes")?;
            self.sum.update(bytes);
        }
        Ok(())
    }

    fn open(&self, value: &mut Value) -> Result<(), String> {
        let mut path = self.place.path.join(":");
        path.push(':');
        match value {
            // Older versions left comments as they were.
            Value::Comment(comment) => {
                if let Ok(plain) = cipher::decrypt(&comment.text, self.walk.key, &path) {
                    *value = plain;
                }
            }
            Value::Text(text) => {
                let plain = cipher::decrypt(text, self.walk.key, &path);
                *value = plain.map_err(|why| format!("Could not decrypt value: {why}"))?;
            }
            other => {
                return Err(format!(
                    "Expected encrypted value as string, but got {}",
                    other.type_name()
                ));
            }
        }
        Ok(())
    }
}
