//! Percent-encoding of raw bytes as trackers and magnet links use it.
//!
//! What must stay true: decoding what was encoded gives the same bytes, and a `%` without two
//! hexadecimal digits stands for itself.

/// Writes `bytes` so that only unreserved characters (RFC 3986 section 2.3) stay as they are.
pub(crate) fn encode_into(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                out.push(digit.to_ascii_uppercase());
            }
        }
    }
}

/// Undoes percent-encoding. `+` stays a plus: info-hashes are encoded byte by byte.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = tail.split_first_chunk::<2>().filter(|_| *byte == b'%');
        let escaped =
            escaped.and_then(|([high, low], after)| Some((hex_byte(*high, *low)?, after)));
        let (value, after) = escaped.unwrap_or((*byte, tail));
        out.push(value);
        rest = after;
    }
    out
}

/// Reads exactly `N` bytes written as hexadecimal digits of either case.
pub(crate) fn decode_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| hex_byte(*high, *low))
        .collect();
    bytes?.try_into().ok()
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'))
        .collect()
}

/// Splits a query into names and raw (still encoded) values.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, "")))
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes: Vec<u8>) {
            let mut text = String::new();
            encode_into(&bytes, &mut text);
            prop_assert_eq!(decode(&text), bytes);
        }

        #[test]
        fn any_text_decodes(text: String) {
            prop_assert!(decode(&text).len() <= text.len());
        }

        #[test]
        fn hex_round_trips(bytes: [u8; 20]) {
            prop_assert_eq!(decode_hex(encode_hex(&bytes).as_bytes()), Some(bytes));
        }
    }

    #[test]
    fn stray_percent_signs_stand_for_themselves() {
        assert_eq!(decode("100%&%zz%4"), b"100%&%zz%4");
    }
}
