//! Why a mirror can't be used, and why a connection to one breaks.

/// Why a mirror cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// Its address is no URL of a kind that is known here.
    #[error("cannot use the mirror {shown}: {what}")]
    Url {
        /// The address without credentials.
        shown: String,
        /// What is wrong with it.
        what: String,
    },
    /// The proxy's address is no http or https URL.
    #[error("cannot use the proxy {0}")]
    Proxy(String),
    /// The additional certificates cannot be read.
    #[error("cannot read the certificates: {0}")]
    Certificates(String),
}

/// An error of a connection, in whatever words its layers use.
pub(super) type LinkError = Box<dyn std::error::Error + Send + Sync>;
