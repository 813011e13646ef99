//! The versions of the format.

/// The version of Metalink a document is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Version {
    /// Metalink 3.0, the format before the RFC.
    V3,
    /// Metalink 4, RFC 5854.
    #[default]
    V4,
}
