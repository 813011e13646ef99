//! Digests as values.

/// A SHA-1 digest.
pub type Sha1Digest = [u8; 20];

/// A SHA-256 digest.
pub type Sha256Digest = [u8; 32];

/// A SHA-384 digest.
pub type Sha384Digest = [u8; 48];

/// A SHA-512 digest.
pub type Sha512Digest = [u8; 64];
