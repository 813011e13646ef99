//! Why bytes can not be read as a recording.

/// Why bytes are no recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// It ends too soon.
    #[error("it ends too soon")]
    Short,
    /// It is something else, or of another version.
    #[error("it is no recording of this version")]
    Other,
    /// Something in it can't be.
    #[error("a {0} in it can't be")]
    Field(&'static str),
}
