//! The cipher in a build without encrypted links: there is none.

/// A cipher that can't be.
#[derive(Debug)]
pub(crate) enum Cipher {}

impl Cipher {
    /// Is never asked.
    pub(crate) fn apply(&mut self, _bytes: &mut [u8]) {
        match *self {}
    }
}
