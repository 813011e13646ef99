//! Certificates in a build without TLS: it stands for `trust.rs`.

use super::error::MirrorError;

/// Why an address of https is refused.
pub(super) const NO_TLS: &str = "this build has no TLS (feature `tls`)";

/// The certificates that a mirror's must lead to: none, in a build without TLS.
#[derive(Debug, Clone)]
pub struct Trust(());

impl Trust {
    /// The platform's certificates, which nobody asks for.
    pub fn platform() -> Self {
        Self(())
    }

    /// Certificates of one's own: an error in a build without TLS.
    pub fn with_roots(_pem: &[u8]) -> Result<Self, MirrorError> {
        Err(MirrorError::Certificates(NO_TLS.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_of_ones_own_are_refused() {
        assert!(Trust::with_roots(b"any").is_err());
    }
}
