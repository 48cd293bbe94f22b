//! PEM: Base64 between lines of dashes.
//!
//! Source: Go 1.26 `encoding/pem/pem.go`

use crate::functions::encoding::base64;

/// A block with its type.
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
}

/// The bytes under a type.
pub(super) fn encode(kind: &str, bytes: &[u8]) -> String {
    let mut out = format!("-----BEGIN {kind}-----\n");
    let text = base64::encode(bytes);
    let mut rest = &*text;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// The first block in a text.
pub(super) fn decode(text: &str) -> Option<Block> {
    const BEGIN: &str = "-----BEGIN ";
    let mut rest = text;
    loop {
        let at = match rest.strip_prefix(BEGIN) {
            Some(_) => 0,
            None => rest.find(&format!("\n{BEGIN}"))? + 1,
        };
        rest = &rest[at + BEGIN.len()..];
        if let Some(block) = block(rest) {
            return Some(block);
        }
    }
}

/// What follows the first dashes.
fn block(text: &str) -> Option<Block> {
    let (kind, mut body) = text.split_once('\n')?;
    let kind = kind.trim_end().strip_suffix("-----")?;
    // Headers, which nobody needs here.
    while let Some((line, after)) = body.split_once('\n')
        && line.contains(':')
    {
        body = after;
    }
    let end = format!("-----END {kind}-----");
    let end = match body.strip_prefix(&end) {
        Some(_) => 0,
        None => body.find(&format!("\n{end}"))?,
    };
    let digits: Vec<u8> = body[..end]
        .bytes()
        .filter(|it| !it.is_ascii_whitespace())
        .collect();
    let bytes = base64::decode(&digits).ok()?;
    let kind = kind.to_owned();
    Some(Block { kind, bytes })
}
