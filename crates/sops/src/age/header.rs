//! An age message: armour, header, stanzas.
//!
//! Source: age v1.3 `armor/armor.go`, `internal/format/format.go`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const INTRO: &[u8] = b"age-encryption.org/v1\n";

/// Columns of a stanza's body and of the armour.
const COLUMNS: usize = 64;

/// Most recipients of one message.
const STANZAS: usize = 1024;

/// Who can open a message, and how.
pub(super) struct Header<'a> {
    pub(super) stanzas: Vec<Stanza>,
    /// What the code covers: all up to `---`.
    pub(super) signed: &'a [u8],
    pub(super) mac: Vec<u8>,
}

/// The file key, wrapped for one recipient.
pub(super) struct Stanza {
    pub(super) kind: String,
    pub(super) arguments: Vec<String>,
    pub(super) body: Vec<u8>,
}

/// Takes the armour off.
pub(super) fn dearmor(text: &str) -> Result<Vec<u8>, String> {
    let failed = |why: &str| format!("invalid armor: {why}");
    let mut lines = text.trim_start().lines();
    if lines.next() != Some(BEGIN) {
        return Err(failed("invalid first line"));
    }
    let mut packed = String::with_capacity(text.len());
    let mut short = false;
    for line in lines.by_ref() {
        if line == END {
            if lines.any(|line| !line.trim().is_empty()) {
                return Err(failed("trailing data after armored file"));
            }
            return STANDARD
                .decode(packed)
                .map_err(|_| failed("illegal base64 data"));
        }
        if short || line.is_empty() || line.len() > COLUMNS {
            return Err(failed("column limit exceeded or invalid line"));
        }
        short = line.len() < COLUMNS;
        packed.push_str(line);
    }
    Err(failed("unexpected EOF"))
}

impl<'a> Header<'a> {
    /// The header of a message, and the payload behind it.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), String> {
        let mut rest = bytes.strip_prefix(INTRO).ok_or("unexpected intro")?;
        let mut stanzas = Vec::new();
        loop {
            let before = bytes.len() - rest.len();
            let line = next_line(&mut rest)?;
            if let Some(mac) = line.strip_prefix("--- ") {
                let mac = decode(mac)
                    .filter(|mac| mac.len() == 32)
                    .ok_or("malformed closing line")?;
                let signed = &bytes[..before + "---".len()];
                return Ok((
                    Self {
                        stanzas,
                        signed,
                        mac,
                    },
                    rest,
                ));
            }
            if stanzas.len() >= STANZAS {
                return Err("too many recipients".to_owned());
            }
            stanzas.push(Stanza::parse(line, &mut rest)?);
        }
    }
}

impl Stanza {
    fn parse(line: &str, rest: &mut &[u8]) -> Result<Self, String> {
        let mut words = line
            .strip_prefix("-> ")
            .ok_or("malformed stanza opening line")?
            .split(' ')
            .map(str::to_owned);
        let kind = words.next().unwrap_or_default();
        let arguments: Vec<String> = words.collect();
        let visible =
            |word: &String| !word.is_empty() && word.bytes().all(|byte| (33..=126).contains(&byte));
        if !visible(&kind) || !arguments.iter().all(visible) {
            return Err("malformed stanza".to_owned());
        }
        let mut body = Vec::new();
        loop {
            let line = next_line(rest)?;
            let part = decode(line).filter(|_| line.len() <= COLUMNS);
            body.extend(part.ok_or("malformed stanza body")?);
            if line.len() < COLUMNS {
                return Ok(Self {
                    kind,
                    arguments,
                    body,
                });
            }
        }
    }
}

fn next_line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, String> {
    let end = rest
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or("unexpected EOF")?;
    let line = std::str::from_utf8(&rest[..end]).map_err(|_| "malformed line")?;
    *rest = &rest[end + 1..];
    Ok(line)
}

/// Strict base64 without padding.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// As [`decode`] reads it.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}
