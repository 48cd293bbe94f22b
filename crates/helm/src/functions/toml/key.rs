//! Keys with their dots, and texts in quotes.

use go_template::Str;

/// Appends a text in double quotes.
pub(super) fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            8 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            ..b' ' | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

/// Whether a key may stand without quotes.
pub(super) fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Appends a part of a key, in quotes if it needs them.
pub(super) fn part(key: &[u8], out: &mut Vec<u8>) {
    if !key.is_empty() && key.iter().copied().all(is_bare) {
        out.extend_from_slice(key);
    } else {
        quote(key, out);
    }
}

/// The parts with dots between them.
pub(super) fn joined(key: &[Str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, name) in key.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        part(name, &mut out);
    }
    out
}
