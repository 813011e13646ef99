//! How web and FTP servers are reached: certificates and logins that a copy's options name.

use std::sync::Arc;

use swarmcopy_sources::MirrorOptions;
use swarmcopy_sources::http::{Netrc, Trust};

use crate::{CopyOptions, Error, ErrorKind};

/// Longest file of certificates or logins that is read.
const FILE_LEN_MAX: u64 = 16 << 20;

/// The settings of all mirrors of a copy; reads the files that the options name.
pub(crate) fn mirror_options(options: &CopyOptions) -> Result<MirrorOptions, Error> {
    let mut mirrors = MirrorOptions::default();
    mirrors.private_redirects = options.private_redirects;
    if let Some(path) = &options.ca_certificate {
        let failed = |what: String| {
            let text = format!("cannot use the certificates of {}: {what}", path.display());
            Error::new(ErrorKind::Failed, text)
        };
        let pem = read(path).map_err(|error| failed(error.to_string()))?;
        mirrors.trust = Trust::with_roots(&pem).map_err(|error| failed(error.to_string()))?;
    }
    if let Some(path) = &options.netrc {
        let text = read(path).map_err(|error| {
            let text = format!("cannot read the logins of {}: {error}", path.display());
            Error::new(ErrorKind::Failed, text)
        })?;
        mirrors.netrc = Some(Arc::new(Netrc::parse(&String::from_utf8_lossy(&text))));
    }
    Ok(mirrors)
}

fn read(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(FILE_LEN_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.pem");
        std::fs::write(&path, "no certificate").unwrap();
        let mut options = CopyOptions::new(dir.path());
        options.ca_certificate = Some(path.clone());
        let error = mirror_options(&options).unwrap_err().to_string();
        assert!(
            error.contains("x.pem") && error.contains("no certificate in it"),
            "{error}"
        );
        options.ca_certificate = None;
        options.netrc = Some(path.clone());
        assert!(mirror_options(&options).unwrap().netrc.is_some());
        options.netrc = Some(dir.path().join("gone"));
        let error = mirror_options(&options).unwrap_err().to_string();
        assert!(error.contains("gone"), "{error}");
    }
}
