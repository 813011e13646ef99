//! The name of a content.

use std::fmt;

/// The name of a content in its swarm: the info-hash of BEP 3, the first 20 bytes of that of BEP 52, or a hash of our
/// own where no torrent describes it. `Display` writes it as 40 hexadecimal digits.
///
/// ```
/// let id = swarmcopy::ContentId::new([0xab; 20]);
/// assert_eq!(id.to_string(), "ab".repeat(20));
/// assert_eq!(id.to_string().parse::<swarmcopy::ContentId>(), Ok(id));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId([u8; 20]);

impl ContentId {
    /// Takes the bytes of an info-hash.
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentId({self})")
    }
}

/// A text is no name of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 40 hexadecimal digits")]
pub struct ContentIdError;

impl std::str::FromStr for ContentId {
    type Err = ContentIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 20 || !rest.is_empty() || !text.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err(ContentIdError);
        }
        let mut bytes = [0; 20];
        for (to, pair) in bytes.iter_mut().zip(pairs) {
            let pair = std::str::from_utf8(pair).map_err(|_| ContentIdError)?;
            *to = u8::from_str_radix(pair, 16).map_err(|_| ContentIdError)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "ab",
            "+b",
            &"g".repeat(40),
            &"a".repeat(42),
            &"ä".repeat(20),
        ] {
            assert_eq!(text.parse::<ContentId>(), Err(ContentIdError), "{text}");
        }
    }
}
