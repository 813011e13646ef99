//! Connections that are sealed by TLS where the scheme asks for that. `plain.rs` stands for it in a build without TLS.
//!
//! What must stay true: an address of https never leads to a connection that is not sealed.

use std::error::Error;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
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
pub(super) type Stream = TokioIo<Box<dyn Bytes>>;

/// Bytes both ways.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// Connects to `target` by `tcp`, and seals the connection where the scheme asks for that.
pub(super) async fn connect<T>(mut tcp: T, trust: &Trust, target: Uri) -> Result<Stream, LinkError>
where
    T: Service<Uri, Response = TokioIo<PatientStream>> + Send,
    T::Error: Into<LinkError>,
    T::Future: Send + 'static,
{
    if target.scheme_str() == Some("http") {
        let plain = tcp.call(target).await.map_err(Into::into)?;
        return Ok(TokioIo::new(Box::new(plain.into_inner())));
    }
    let (name, tls) = (server_name(&target)?, TlsConnector::from(trust.config()?));
    let plain = tcp.call(target).await.map_err(Into::into)?;
    let sealed = tls.connect(name, plain.into_inner()).await?;
    Ok(TokioIo::new(Box::new(sealed)))
}

/// The name that the certificate of `target`'s server must have.
fn server_name(target: &Uri) -> Result<ServerName<'static>, LinkError> {
    let host = target.host().unwrap_or_default();
    // an address of IPv6 stands in brackets
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Ok(ServerName::try_from(bare.unwrap_or(host).to_owned())?)
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
    fn a_certificate_must_name_the_host_or_its_address_without_brackets() {
        let name = |uri: &str| server_name(&uri.parse().unwrap());
        assert_eq!(
            name("https://mirror.example:8443/a").unwrap(),
            ServerName::try_from("mirror.example").unwrap()
        );
        let address = ServerName::from(std::net::IpAddr::from(std::net::Ipv6Addr::LOCALHOST));
        assert_eq!(name("https://[::1]/a").unwrap(), address);
        assert!(name("https://a..b/").is_err());
    }

    #[test]
    fn a_certificate_that_is_not_taken_is_found_below_other_errors() {
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(is_not_trusted(&std::io::Error::other(unknown)));
        assert!(!is_not_trusted(&std::io::Error::other("else")));
    }
}
