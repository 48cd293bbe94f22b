//! IP addresses as Go reads them, with its error texts.
//!
//! Source: Go 1.26 `net/netip/netip.go`

use go_template::quote::quoted;

/// An address without its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// IPv4.
    V4([u8; 4]),
    /// IPv6.
    V6([u8; 16]),
}

/// Why a text is no address.
struct Refusal<'a> {
    message: &'static str,
    at: &'a [u8],
}

impl<'a> Refusal<'a> {
    fn new(message: &'static str, at: &'a [u8]) -> Self {
        Self { message, at }
    }
}

/// Reads an address, perhaps with a zone.
///
/// # Errors
/// Go's text.
pub fn parse(text: &[u8]) -> Result<Address, String> {
    let address = match text.iter().find(|it| matches!(it, b'.' | b':' | b'%')) {
        Some(b'.') => {
            let mut fields = [0; 4];
            fields_of_v4(text, &mut fields).map(|()| Address::V4(fields))
        }
        Some(b':') => v6(text).map(Address::V6),
        Some(_) => Err(Refusal::new("missing IPv6 address", b"")),
        None => Err(Refusal::new("unable to parse IP", b"")),
    };
    address.map_err(|refusal| {
        let (text, message) = (quoted(text), refusal.message);
        if refusal.at.is_empty() {
            return format!("ParseAddr({text}): {message}");
        }
        let at = quoted(refusal.at);
        format!("ParseAddr({text}): {message} (at {at})")
    })
}

fn fields_of_v4<'a>(text: &'a [u8], fields: &mut [u8]) -> Result<(), Refusal<'a>> {
    let (mut value, mut digits, mut position) = (0_u32, 0, 0);
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    let message = "IPv4 field has octet with leading zero";
                    return Err(Refusal::new(message, b""));
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(Refusal::new("IPv4 field has value >255", b""));
                }
            }
            b'.' => {
                if index == 0 || index + 1 == text.len() || text[index - 1] == b'.' {
                    let message = "IPv4 field must have at least one digit";
                    return Err(Refusal::new(message, &text[index..]));
                }
                if position == 3 {
                    return Err(Refusal::new("IPv4 address too long", b""));
                }
                fields[position] = value as u8;
                position += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(Refusal::new("unexpected character", &text[index..])),
        }
    }
    if position < 3 {
        return Err(Refusal::new("IPv4 address too short", b""));
    }
    fields[3] = value as u8;
    Ok(())
}

fn v6(text: &[u8]) -> Result<[u8; 16], Refusal<'_>> {
    let end = text.iter().position(|it| *it == b'%');
    if end.is_some_and(|it| it + 1 == text.len()) {
        let message = "zone must be a non-empty string";
        return Err(Refusal::new(message, b""));
    }
    let mut rest = &text[..end.unwrap_or(text.len())];
    let mut ip = [0_u8; 16];
    let mut filled = 0;
    let mut ellipsis = None;
    if let Some(after) = rest.strip_prefix(b"::") {
        ellipsis = Some(0);
        rest = after;
        if rest.is_empty() {
            return Ok(ip);
        }
    }
    while filled < 16 {
        let (value, length) = group(rest)?;
        if rest.get(length) == Some(&b'.') {
            if ellipsis.is_none() && filled != 12 {
                let message =
                    "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(Refusal::new(message, rest));
            }
            if filled + 4 > 16 {
                let message =
                    "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(Refusal::new(message, rest));
            }
            fields_of_v4(rest, &mut ip[filled..filled + 4])?;
            rest = b"";
            filled += 4;
            break;
        }
        ip[filled..filled + 2].copy_from_slice(&value.to_be_bytes());
        filled += 2;
        rest = &rest[length..];
        match rest {
            [] => break,
            [b':'] => {
                let message = "colon must be followed by more characters";
                return Err(Refusal::new(message, rest));
            }
            [b':', after @ ..] => rest = after,
            _ => return Err(Refusal::new("unexpected character, want colon", rest)),
        }
        if let [b':', after @ ..] = rest {
            if ellipsis.is_some() {
                return Err(Refusal::new("multiple :: in address", rest));
            }
            ellipsis = Some(filled);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return Err(Refusal::new("trailing garbage after address", rest));
    }
    expand(ip, filled, ellipsis)
}

/// A group of up to four hexadecimal digits, and how many they are.
fn group(rest: &[u8]) -> Result<(u16, usize), Refusal<'_>> {
    let mut value = 0_u32;
    let mut length = 0;
    for byte in rest {
        let Some(digit) = char::from(*byte).to_digit(16) else {
            break;
        };
        if length > 3 {
            let message = "each group must have 4 or less digits";
            return Err(Refusal::new(message, rest));
        }
        value = (value << 4) + digit;
        length += 1;
    }
    if length == 0 {
        let message = "each colon-separated field must have at least one digit";
        return Err(Refusal::new(message, rest));
    }
    Ok((value as u16, length))
}

fn expand<'a>(
    mut ip: [u8; 16],
    filled: usize,
    ellipsis: Option<usize>,
) -> Result<[u8; 16], Refusal<'a>> {
    match ellipsis {
        None if filled < 16 => Err(Refusal::new("address string too short", b"")),
        Some(_) if filled == 16 => {
            let message = "the :: must expand to at least one field of zeros";
            Err(Refusal::new(message, b""))
        }
        Some(at) => {
            ip.copy_within(at..filled, at + 16 - filled);
            ip[at..at + 16 - filled].fill(0);
            Ok(ip)
        }
        None => Ok(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        assert_eq!(parse(b"1.2.3.4"), Ok(Address::V4([1, 2, 3, 4])));
        let mut ip = [0; 16];
        ip[15] = 1;
        assert_eq!(parse(b"::1"), Ok(Address::V6(ip)));
        (ip[0], ip[1], ip[15]) = (0xfe, 0x80, 9);
        assert_eq!(parse(b"fe80::9%eth0"), Ok(Address::V6(ip)));
        assert!(parse(b"1::1.2.3.4").is_ok());
    }

    #[test]
    fn refusals_read_as_in_go() {
        for (text, expect) in [
            ("x", "ParseAddr(\"x\"): unable to parse IP"),
            ("1.2.3", "ParseAddr(\"1.2.3\"): IPv4 address too short"),
            (
                "1::2::3",
                "ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")",
            ),
            (
                "12345::",
                "ParseAddr(\"12345::\"): each group must have 4 or less digits (at \"12345::\")",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(String::from(expect)));
        }
    }
}
