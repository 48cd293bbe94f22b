//! Bech32 without a limit on length.
//!
//! Source: BIP 173; age v1.3 `internal/bech32`.

use zeroize::Zeroizing;

const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The part before the last `1`, in lower case, and the bytes after it.
pub(super) fn decode(text: &str) -> Result<(String, Zeroizing<Vec<u8>>), &'static str> {
    let lower = text.to_ascii_lowercase();
    if lower != text && text.to_ascii_uppercase() != text {
        return Err("mixed case");
    }
    let at = lower
        .rfind('1')
        .filter(|at| *at > 0 && at + 7 <= lower.len());
    let at = at.ok_or("separator '1' at invalid position")?;
    let (prefix, rest) = (&lower[..at], &lower.as_bytes()[at + 1..]);
    if !prefix.bytes().all(|byte| (33..=126).contains(&byte)) {
        return Err("invalid character human-readable part");
    }
    let digit = |byte: &u8| CHARSET.iter().position(|known| known == byte);
    let digits: Option<Vec<usize>> = rest.iter().map(digit).collect();
    let digits = Zeroizing::new(digits.ok_or("invalid character data part")?);
    let high = prefix.bytes().map(|byte| u32::from(byte >> 5));
    let low = prefix.bytes().map(|byte| u32::from(byte & 31));
    let all = high
        .chain([0])
        .chain(low)
        .chain(digits.iter().map(|digit| *digit as u32));
    if checksum(all) != 1 {
        return Err("invalid checksum");
    }
    let bytes = regroup(&digits[..digits.len() - 6])?;
    Ok((prefix.to_owned(), bytes))
}

fn checksum(values: impl Iterator<Item = u32>) -> u32 {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let shifted = (sum & 0x1ff_ffff) << 5 ^ value;
        let taps = GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1);
        taps.fold(shifted, |sum, (_, tap)| sum ^ tap)
    })
}

/// From groups of five bits to bytes.
fn regroup(digits: &[usize]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() * 5 / 8));
    let (mut buffer, mut bits) = (0_usize, 0);
    for digit in digits {
        buffer = (buffer << 5 | digit) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff) as u8);
        }
    }
    if bits >= 5 {
        return Err("illegal zero padding");
    }
    if buffer & ((1 << bits) - 1) != 0 {
        return Err("non-zero padding");
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_recipient() {
        let text = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let (prefix, bytes) = decode(text).expect("decodes");
        assert_eq!((prefix.as_str(), bytes.len()), ("age", 32));
        assert!(decode(&text.to_uppercase()).is_ok());
    }

    #[test]
    fn refuses_what_was_changed() {
        let text = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        for changed in [
            text.replace('q', "p"),
            text.replace("age", "Age"),
            "age1".into(),
            "1".into(),
            String::new(),
        ] {
            assert!(decode(&changed).is_err(), "{changed}");
        }
    }
}
