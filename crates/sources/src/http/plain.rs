//! Connections of a build without TLS: it stands for `seal.rs`.
//!
//! What must stay true: what would have to be sealed is refused, never sent in the clear.

use std::error::Error;

use http::Uri;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::distrust::{NO_TLS, Trust};
use super::error::LinkError;
use super::patient::PatientStream;

/// Why an address of this scheme can't be used, if it can't.
pub(super) fn complaint(scheme: &str) -> Option<&'static str> {
    (scheme == "https").then_some(NO_TLS)
}

/// A connection.
pub(super) type Stream = TokioIo<PatientStream>;

/// Connects to `target` by `tcp`.
pub(super) async fn connect<T>(mut tcp: T, _: &Trust, target: Uri) -> Result<Stream, LinkError>
where
    T: Service<Uri, Response = TokioIo<PatientStream>> + Send,
    T::Error: Into<LinkError>,
    T::Future: Send + 'static,
{
    if target.scheme_str() != Some("http") {
        return Err(NO_TLS.into());
    }
    tcp.call(target).await.map_err(Into::into)
}

/// Whether a certificate is not taken: there are none.
pub(super) fn is_not_trusted(_error: &(dyn Error + 'static)) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_refused_and_http_is_not() {
        assert_eq!(complaint("https"), Some(NO_TLS));
        assert_eq!(complaint("http"), None);
    }
}
