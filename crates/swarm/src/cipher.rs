//! The stream cipher of encrypted links.
//!
//! What must stay true: the first bytes of the key stream are thrown away, as both sides do.

use std::fmt;

use rc4::{KeyInit, Rc4, StreamCipher};

/// The stream cipher of one direction.
pub(crate) struct Cipher(Rc4);

/// Bytes of the key stream that are thrown away at its start.
const DISCARDED: usize = 1024;

impl Cipher {
    /// The cipher of a key, where the connection's own begins; none if no key is like that.
    pub(crate) fn new(key: &[u8; 20]) -> Option<Self> {
        let mut cipher = Self(Rc4::new_from_slice(key).ok()?);
        cipher.apply(&mut [0; DISCARDED]);
        Some(cipher)
    }

    /// Puts bytes into the cipher, or takes them out.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        self.0.apply_keystream(bytes);
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher")
    }
}
