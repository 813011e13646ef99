//! Percent-encoding of file names in URLs (RFC 3986 section 2).
//!
//! What must stay true: whatever a name holds, it stays one segment of the path.

/// Encodes every byte but the unreserved ones: letters, digits, `-`, `.`, `_` and `~`.
pub(crate) fn encoded(name: impl AsRef<[u8]>) -> String {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |at: u8| HEX.get(usize::from(at & 15)).copied().unwrap_or('0');
    let name = name.as_ref();
    let mut url = String::with_capacity(name.len());
    for byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            url.extend(['%', digit(byte >> 4), digit(*byte)]);
        }
    }
    url
}

/// Undoes the encoding; what is no encoding stays as it is, what is no UTF-8 is replaced.
pub(crate) fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&decoded_bytes(text)).into_owned()
}

/// Undoes the encoding; what is no encoding stays as it is.
pub(crate) fn decoded_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok());
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() {
            tail.get(2..).unwrap_or_default()
        } else {
            tail
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_unreserved_characters_are_encoded() {
        assert_eq!(encoded("a-Z_0.9~"), "a-Z_0.9~");
        assert_eq!(encoded("#%?&+ []"), "%23%25%3F%26%2B%20%5B%5D");
        assert_eq!(encoded("ü€"), "%C3%BC%E2%82%AC");
    }

    #[test]
    fn decoding_undoes_encoding_and_bears_nonsense() {
        let name = "50% of a+b/ü?#";
        assert_eq!(decoded(&encoded(name)), name);
        for odd in ["%", "%4", "%zz", "a%"] {
            assert_eq!(decoded(odd), odd);
        }
    }
}
