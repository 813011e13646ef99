//! Whether links are encrypted.

/// Whether links are encrypted, for clients that want it.
///
/// A build without the feature `encryption` can't be: there, all of these are [`Off`](Self::Off).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Encryption {
    /// Where the peer wants it: it is answered, and offered to who hangs up on plain words.
    #[default]
    Accept,
    /// It is offered first, and chosen where the peer offers both.
    Prefer,
    /// Never.
    Off,
}

impl Encryption {
    /// What this build makes of it.
    pub(crate) fn here(self) -> Self {
        if cfg!(feature = "encryption") {
            self
        } else {
            Self::Off
        }
    }
}
