//! DER: the few types that a certificate is made of, written, and read as far as a validity.

/// A value of `tag`.
pub fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(0);
        out.push(0x80 | (bytes.len() - from) as u8);
        out.extend_from_slice(&bytes[from..]);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// SEQUENCE.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(0x30, parts)
}

/// OBJECT IDENTIFIER, its content given as it is encoded.
pub fn oid(encoded: &[u8]) -> Vec<u8> {
    value(0x06, &[encoded])
}

/// BIT STRING of whole bytes.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    value(0x03, &[&[0], bytes])
}

/// OCTET STRING.
pub fn octets(bytes: &[u8]) -> Vec<u8> {
    value(0x04, &[bytes])
}

/// INTEGER that is not negative; without superfluous zeros.
pub fn integer(big_endian: &[u8]) -> Vec<u8> {
    let from = big_endian.iter().position(|byte| *byte != 0).unwrap_or(big_endian.len());
    match big_endian.get(from) {
        None => value(0x02, &[&[0]]),
        Some(first) if *first >= 0x80 => value(0x02, &[&[0], &big_endian[from..]]),
        Some(_) => value(0x02, &[&big_endian[from..]]),
    }
}

/// Tag and content of the first value, and what follows it.
pub fn read(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], mut rest) = der.split_first_chunk::<2>()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, tail) = rest.split_at_checked(count)?;
        rest = tail;
        bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte))
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_and_read_at_their_bounds() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let content = vec![7; length];
            let mut der = octets(&content);
            der.push(9);
            assert_eq!(read(&der), Some((0x04, content.as_slice(), &[9][..])), "{length}");
        }
        assert_eq!(octets(&[0; 0x80])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(read(&[0x30, 0x05, 1]), None);
        assert_eq!(read(&[0x30, 0x80, 0, 0]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn integers_are_never_negative_and_as_short_as_they_can_be() {
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
    }
}
