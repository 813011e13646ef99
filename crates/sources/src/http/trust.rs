//! Whose TLS certificates count: the platform's, and those that the user adds.
//!
//! What must stay true: the configuration is made once and shared by all connections, which then resume
//! each other's TLS sessions too.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use super::error::MirrorError;
use super::pinned::Pinned;

/// The certificates that a mirror's must lead to; clones share the work of loading them.
#[derive(Clone)]
pub struct Trust {
    extra: Vec<CertificateDer<'static>>,
    config: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

impl Trust {
    /// The platform's certificates.
    pub fn platform() -> Self {
        Self {
            extra: Vec::new(),
            config: Arc::default(),
        }
    }

    /// The platform's certificates and those of `pem` (one or more, as in a `.pem` file).
    pub fn with_roots(pem: &[u8]) -> Result<Self, MirrorError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let extra = read.map_err(|error| MirrorError::Certificates(error.to_string()))?;
        if extra.is_empty() {
            return Err(MirrorError::Certificates("no certificate in it".to_owned()));
        }
        Ok(Self {
            extra,
            config: Arc::default(),
        })
    }

    /// The configuration, made at the first call.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.config
            .get_or_init(|| self.make().map(Arc::new).map_err(|error| error.to_string()))
            .clone()
    }

    fn make(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = if self.extra.is_empty() {
            Verifier::new(Arc::clone(&provider))?
        } else {
            Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(&provider))?
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned {
                verifier,
                own: self.extra.clone(),
            }))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust(platform and {} more)", self.extra.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_is_refused() {
        for bad in [
            &b""[..],
            b"hello",
            b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
        ] {
            assert!(Trust::with_roots(bad).is_err());
        }
    }

    #[test]
    fn the_platform_is_trusted() {
        assert!(Trust::platform().config().is_ok());
    }
}
