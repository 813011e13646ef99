//! Hashes of whole files and of their pieces.
//!
//! A `Hash` and each hash of a `PieceList` has exactly the length its kind says, and a piece
//! list is never empty and never has pieces of no length.

use std::fmt;

/// A hash function, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HashKind {
    /// MD5: finds accidents, stops nobody.
    Md5,
    /// SHA-1: as above.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashKind {
    /// Every kind, weakest first.
    pub const ALL: [Self; 5] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// Reads a `type`: the IANA names that RFC 5854 asks for (`sha-256`), and the spellings of
    /// Metalink 3 (`sha256`), in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = name.trim().replace(['-', '_'], "");
        let same = |kind: &Self| plain.eq_ignore_ascii_case(&kind.name().replace('-', ""));
        Self::ALL.into_iter().find(same)
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha-1",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// The length of such a hash in bytes.
    pub fn hash_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a hash or a list of hashes is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// A type that is no hash function known here (`zsync` is none at all).
    #[error("hash type {0:?} is not known")]
    Kind(String),
    /// Something else than hexadecimal digits.
    #[error("hash is not hexadecimal")]
    Hex,
    /// Digits, but not as many as the kind has.
    #[error("{kind} hash has {len} bytes")]
    Len {
        /// The kind it should be.
        kind: HashKind,
        /// The bytes it has.
        len: usize,
    },
    /// A list without a hash.
    #[error("piece list is empty")]
    Empty,
    /// Pieces of length 0.
    #[error("pieces have no length")]
    PieceLen,
    /// A list of another number of pieces than the file has.
    #[error("piece list has {have} pieces where the file has {want}")]
    Count {
        /// The pieces that are listed.
        have: u64,
        /// The pieces that the size makes.
        want: u64,
    },
    /// Pieces whose numbers (Metalink 3) are not 0, 1, 2 and so on.
    #[error("piece {0} is missing or listed twice")]
    Hole(u64),
}

/// A hash of a whole file.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Hash {
    kind: HashKind,
    bytes: Box<[u8]>,
}

impl Hash {
    /// Takes the bytes of a hash.
    pub fn new(kind: HashKind, bytes: &[u8]) -> Result<Self, HashError> {
        if bytes.len() != kind.hash_len() {
            return Err(HashError::Len {
                kind,
                len: bytes.len(),
            });
        }
        Ok(Self {
            kind,
            bytes: bytes.into(),
        })
    }

    /// Reads hexadecimal digits of either case, with blanks around.
    pub fn from_hex(kind: HashKind, hex: &str) -> Result<Self, HashError> {
        let mut bytes = Vec::with_capacity(kind.hash_len());
        push_hex(&mut bytes, kind, hex)?;
        Ok(Self {
            kind,
            bytes: bytes.into(),
        })
    }

    /// The hash function.
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// The bytes, as many as the kind has.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, Hex(&self.bytes))
    }
}

/// The hashes of a file's pieces, all of one length but the last.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PieceList {
    kind: HashKind,
    piece_len: u64,
    hashes: Vec<u8>,
}

impl PieceList {
    /// Takes the hashes of all pieces, one after the other.
    pub fn new(kind: HashKind, piece_len: u64, hashes: Vec<u8>) -> Result<Self, HashError> {
        if piece_len == 0 {
            return Err(HashError::PieceLen);
        }
        if hashes.is_empty() {
            return Err(HashError::Empty);
        }
        let over = hashes.len() % kind.hash_len();
        if over != 0 {
            return Err(HashError::Len { kind, len: over });
        }
        Ok(Self {
            kind,
            piece_len,
            hashes,
        })
    }

    /// The hash function.
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// The length of every piece but the last, in bytes; never 0.
    pub fn piece_len(&self) -> u64 {
        self.piece_len
    }

    /// The number of pieces; never 0.
    pub fn count(&self) -> u64 {
        u64::try_from(self.hashes.len() / self.kind.hash_len()).unwrap_or(u64::MAX)
    }

    /// The hashes in the order of the pieces.
    pub fn hashes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.hashes.chunks_exact(self.kind.hash_len())
    }

    /// The hash of one piece.
    pub fn hash(&self, index: u64) -> Option<&[u8]> {
        self.hashes().nth(usize::try_from(index).ok()?)
    }

    /// Checks that a file of `size` bytes has as many pieces. To be asked where a document does
    /// not tell the size and it is learnt otherwise.
    pub fn check_size(&self, size: u64) -> Result<(), HashError> {
        let (have, want) = (self.count(), size.div_ceil(self.piece_len));
        if have == want {
            Ok(())
        } else {
            Err(HashError::Count { have, want })
        }
    }
}

impl fmt::Debug for PieceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} x {} of {} bytes",
            self.count(),
            self.kind,
            self.piece_len
        )
    }
}

/// Bytes shown as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Appends one hash read from hexadecimal digits; `out` is as before where that fails.
pub(crate) fn push_hex(out: &mut Vec<u8>, kind: HashKind, hex: &str) -> Result<(), HashError> {
    let digits = hex.trim().as_bytes();
    let wrong_len = HashError::Len {
        kind,
        len: digits.len() / 2,
    };
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(HashError::Hex);
    }
    if digits.len() != kind.hash_len() * 2 {
        return Err(wrong_len);
    }
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|v| u8::try_from(v).ok())
    };
    for pair in digits.chunks_exact(2) {
        let &[high, low] = pair else { continue };
        let (Some(high), Some(low)) = (value(high), value(low)) else {
            return Err(HashError::Hex);
        };
        out.push(high << 4 | low);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_named_in_either_spelling() {
        for name in ["sha-256", "sha256", "SHA-256", " Sha_256 "] {
            assert_eq!(HashKind::from_name(name), Some(HashKind::Sha256), "{name}");
        }
        for name in ["", "zsync", "sha", "sha-224", "crc32"] {
            assert_eq!(HashKind::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_hash_has_the_length_of_its_kind() {
        for kind in HashKind::ALL {
            let hex = "aB".repeat(kind.hash_len());
            assert_eq!(Hash::from_hex(kind, &hex).unwrap().as_bytes()[0], 0xab);
            assert!(Hash::from_hex(kind, &hex[2..]).is_err());
            assert!(Hash::from_hex(kind, &format!("{hex}ab")).is_err());
            assert_eq!(
                Hash::from_hex(kind, &hex.replace('a', "g")),
                Err(HashError::Hex)
            );
        }
    }

    #[test]
    fn the_count_of_pieces_fits_the_size() {
        let list = PieceList::new(HashKind::Sha1, 100, vec![7; 60]).unwrap();
        assert_eq!(
            (list.count(), list.hash(2), list.hash(3)),
            (3, Some(&[7; 20][..]), None)
        );
        for (size, fits) in [
            (0, false),
            (200, false),
            (201, true),
            (300, true),
            (301, false),
        ] {
            assert_eq!(list.check_size(size).is_ok(), fits, "{size}");
        }
    }

    #[test]
    fn a_list_of_nothing_is_no_list() {
        assert_eq!(
            PieceList::new(HashKind::Md5, 1, vec![]),
            Err(HashError::Empty)
        );
        assert_eq!(
            PieceList::new(HashKind::Md5, 0, vec![0; 16]),
            Err(HashError::PieceLen)
        );
        assert!(PieceList::new(HashKind::Md5, 1, vec![0; 17]).is_err());
    }
}
