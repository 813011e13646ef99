//! Addresses of mirrors and of other documents.
//!
//! What must stay true: an address is absolute, of a scheme that can be fetched, has a host and no fragment. With the
//! feature `url` all are read as browsers read them; without it (`plain.rs`) only those are taken that mean the same there.

#[cfg(any(test, not(feature = "url")))]
mod plain;
mod scheme;
#[cfg(feature = "url")]
mod whole;

use std::fmt;

use crate::limits::URL_LEN_MAX;
use crate::report::Reason;
#[cfg(not(feature = "url"))]
use plain::Inner;
use swarmcopy_address::Shown;
#[cfg(feature = "url")]
use whole::Inner;

/// An absolute address of scheme http, https, ftp or ftps, without fragment.
///
/// ```
/// use swarmcopy_metalink::Address;
/// let base = Address::parse("http://lab.example/pub/tree.meta4")?;
/// let file = base.join("CS5/setup.exe")?;
/// assert_eq!(file.as_str(), "http://lab.example/pub/CS5/setup.exe");
/// assert_eq!((file.scheme(), file.host()), ("http", "lab.example"));
/// assert!(Address::parse("rsync://lab.example/").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Inner);

impl Address {
    /// Reads an absolute address.
    ///
    /// # Errors
    /// Why it can't be one; a scheme that is not fetched is [`Reason::Scheme`].
    pub fn parse(text: &str) -> Result<Self, Reason> {
        Self::resolve(text, None)
    }

    /// Resolves a reference in a document that lies here (RFC 3986 section 5).
    ///
    /// # Errors
    /// As of [`parse`](Self::parse).
    pub fn join(&self, text: &str) -> Result<Self, Reason> {
        Self::resolve(text, Some(self))
    }

    pub(crate) fn resolve(text: &str, base: Option<&Self>) -> Result<Self, Reason> {
        if text.is_empty() || text.len() > URL_LEN_MAX {
            let fault = if text.is_empty() {
                "it is empty"
            } else {
                "it is too long"
            };
            return Err(Reason::Url(fault.to_owned()));
        }
        Inner::resolve(text, base.map(|base| &base.0)).map(Self)
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// `http`, `https`, `ftp` or `ftps`.
    pub fn scheme(&self) -> &str {
        self.as_str().split(':').next().unwrap_or_default()
    }

    /// The host in lower case; an IPv6 address stands in brackets. Never empty.
    pub fn host(&self) -> &str {
        let rest = self.as_str().split_once("://");
        let rest = rest.map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        match host.rfind(']') {
            Some(end) => host.get(..=end).unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        }
    }
}

#[cfg(feature = "url")]
impl Address {
    /// The same as a type of the crate `url`.
    pub fn as_url(&self) -> &url::Url {
        self.0.as_url()
    }
}

#[cfg(feature = "url")]
impl TryFrom<&url::Url> for Address {
    type Error = Reason;

    fn try_from(url: &url::Url) -> Result<Self, Reason> {
        Self::parse(url.as_str())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Shown(self.as_str()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_what_is_connected_to() {
        for (text, host) in [
            ("http://H.example:81/a@b", "h.example"),
            ("ftp://me:pw@h/x:y", "h"),
            ("https://[2001:db8::1]:8/", "[2001:db8::1]"),
            ("http://h?a", "h"),
        ] {
            assert_eq!(Address::parse(text).unwrap().host(), host, "{text}");
        }
    }
}
