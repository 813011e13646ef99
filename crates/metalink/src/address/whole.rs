//! Addresses read by the crate `url`, as browsers do.

use url::{ParseError, Url};

use super::scheme::check_scheme;
use crate::report::Reason;

/// An address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Inner(Url);

impl Inner {
    pub(super) fn resolve(text: &str, base: Option<&Self>) -> Result<Self, Reason> {
        let mut url = match (Url::parse(text), base) {
            (Err(ParseError::RelativeUrlWithoutBase), None) => return Err(Reason::Relative),
            (Err(ParseError::RelativeUrlWithoutBase), Some(base)) => base.0.join(text),
            (url, _) => url,
        }
        .map_err(|fault| Reason::Url(fault.to_string()))?;
        check_scheme(url.scheme())?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(Reason::Url(ParseError::EmptyHost.to_string()));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn as_url(&self) -> &Url {
        &self.0
    }
}
