//! Whether an origin is tried beside peers that may be too slow.

use crate::Instant;

/// Whether origins are tried beside slow peers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Trial {
    /// Nothing speaks for it.
    #[default]
    None,
    /// It began then.
    Since(Instant),
    /// It showed nothing; not before that time again.
    NotBefore(Instant),
}
