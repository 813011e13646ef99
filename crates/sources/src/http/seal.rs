//! Connections that are sealed by TLS where the scheme asks for that. `plain.rs` stands for it in a build without TLS.
//!
//! What must stay true: an address of https never leads to a connection that is not sealed.

use std::error::Error;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::error::LinkError;
use super::patient::PatientStream;
use super::trouble::find;
use super::trust::Trust;

/// What a build without TLS would have to say of an address.
pub(super) fn complaint(_scheme: &str) -> Option<&'static str> {
    None
}

/// A connection, plain or sealed.
pub(super) type Stream = MaybeHttpsStream<TokioIo<PatientStream>>;

/// Connects to `target` by `tcp`, and seals the connection where the scheme asks for that.
pub(super) async fn connect<T>(tcp: T, trust: &Trust, target: Uri) -> Result<Stream, LinkError>
where
    T: Service<Uri, Response = TokioIo<PatientStream>> + Send,
    T::Error: Into<LinkError>,
    T::Future: Send + 'static,
{
    let tls = trust.config()?;
    HttpsConnector::from((tcp, tls)).call(target).await
}

/// Whether the server's certificate, or ours, is not taken.
pub(super) fn is_not_trusted(error: &(dyn Error + 'static)) -> bool {
    matches!(
        find(error),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_taken_is_found_below_other_errors() {
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(is_not_trusted(&std::io::Error::other(unknown)));
        assert!(!is_not_trusted(&std::io::Error::other("else")));
    }
}
