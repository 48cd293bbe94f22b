//! ASN.1 in its distinguished encoding, as far as keys and certificates need it.

/// Tags.
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8: u8 = 0x0c;
pub(super) const PRINTABLE: u8 = 0x13;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// A value with its tag and length.
pub(super) fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|it| **it == 0).count();
        out.push(0x80 | (bytes.len() - skip) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend(content);
    out
}

/// A sequence.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(SEQUENCE, parts)
}

/// A number that is not negative.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|it| **it == 0).count();
    let bytes = &bytes[skip..];
    let sign: &[u8] = match bytes.first() {
        Some(0x80..) | None => &[0],
        _ => &[],
    };
    tagged(INTEGER, &[sign, bytes])
}

/// Whole bytes as a bit string.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    tagged(BITS, &[&[0], bytes])
}

/// An object identifier, already encoded.
pub(super) fn oid(bytes: &[u8]) -> Vec<u8> {
    tagged(OID, &[bytes])
}

/// A value that has been read.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
}

/// Reads values one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value.
    pub(super) fn next(&mut self) -> Option<Element<'a>> {
        let [tag, first, ..] = *self.0 else {
            return None;
        };
        let (header, length) = match first {
            ..=0x7f => (2, usize::from(first)),
            0x81..=0x84 => {
                let count = usize::from(first - 0x80);
                let bytes = self.0.get(2..2 + count)?;
                let length = bytes
                    .iter()
                    .fold(0, |length, it| length << 8 | usize::from(*it));
                (2 + count, length)
            }
            _ => return None,
        };
        let whole = self.0.get(..header.checked_add(length)?)?;
        self.0 = &self.0[whole.len()..];
        let content = &whole[header..];
        Some(Element {
            tag,
            content,
            whole,
        })
    }

    /// The next value, if it is of a tag; otherwise nothing.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|it| it.tag == tag)
    }

    /// The next value, if it is of a tag; otherwise it is left where it is.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.expect(tag)?;
        *self = ahead;
        Some(element)
    }

    /// What is within the next sequence.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.expect(SEQUENCE).map(|it| Self(it.content))
    }

    /// The next number's bytes without zeros in front.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.expect(INTEGER)?.content;
        let skip = bytes.iter().take_while(|it| **it == 0).count();
        Some(&bytes[skip..])
    }
}
