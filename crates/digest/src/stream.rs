//! Hashing one input at a time, as it comes.
//!
//! What must stay true: the types of the hashing crates do not show, so that they can be changed.

use crate::{Sha1Digest, Sha256Digest, Sha384Digest, Sha512Digest};
use sha1::Digest;

/// Returns the SHA-1 digest of `data`.
pub fn sha1(data: &[u8]) -> Sha1Digest {
    sha1::Sha1::digest(data).into()
}

/// Returns the SHA-256 digest of `data`.
pub fn sha256(data: &[u8]) -> Sha256Digest {
    sha2::Sha256::digest(data).into()
}

/// Hashes one input with SHA-1, part after part.
#[derive(Debug, Clone, Default)]
pub struct Sha1(sha1::Sha1);

impl Sha1 {
    /// Starts with nothing hashed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// Returns the digest of all parts.
    pub fn finish(self) -> Sha1Digest {
        self.0.finalize().into()
    }
}

/// Hashes one input with SHA-256, part after part.
#[derive(Debug, Clone, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Starts with nothing hashed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// Returns the digest of all parts.
    pub fn finish(self) -> Sha256Digest {
        self.0.finalize().into()
    }
}

/// Hashes one input with SHA-384, part after part.
#[derive(Debug, Clone, Default)]
pub struct Sha384(sha2::Sha384);

impl Sha384 {
    /// Starts with nothing hashed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// Returns the digest of all parts.
    pub fn finish(self) -> Sha384Digest {
        self.0.finalize().into()
    }
}

/// Hashes one input with SHA-512, part after part.
#[derive(Debug, Clone, Default)]
pub struct Sha512(sha2::Sha512);

impl Sha512 {
    /// Starts with nothing hashed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// Returns the digest of all parts.
    pub fn finish(self) -> Sha512Digest {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    #[test]
    fn the_long_hashes_are_those_of_fips_180() {
        let (mut short, mut long) = (Sha384::new(), Sha512::new());
        for part in [&b"a"[..], b"", b"bc"] {
            short.update(part);
            long.update(part);
        }
        assert!(hex(&short.finish()).starts_with("cb00753f45a35e8bb5a03d699ac65007"));
        assert!(hex(&long.finish()).starts_with("ddaf35a193617abacc417349ae204131"));
    }
}
