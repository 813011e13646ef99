//! Mirrors by their URL, whatever protocol it names.

use std::sync::Arc;

use swarmcopy_layout::{FileIndex, Layout, RelPath};

#[cfg(feature = "ftp")]
use crate::FtpSource;
use crate::http::MirrorError;
use crate::{MirrorOptions, MirrorSource, OriginSource, Shape};

/// Takes the mirror at `url`: `http:`, `https:`, `ftp:` or `ftps:`. Where its files lie is told at
/// [`MirrorSource::new`].
///
/// Looks up the address of a server of [`Ownership::Others`](crate::Ownership::Others); may be dropped at
/// any time.
///
/// # Errors
/// The address can't be used; one of https or ftp can't in a build without the features `tls` and `ftp`.
pub async fn mirror_at(
    url: &str,
    name: &RelPath,
    shape: Shape,
    layout: Arc<Layout>,
    options: MirrorOptions,
) -> Result<Arc<dyn OriginSource>, MirrorError> {
    #[cfg(feature = "ftp")]
    if is_ftp(url) {
        let source = FtpSource::new(url, name, shape, layout, options)?;
        source.find_home().await;
        return Ok(Arc::new(source));
    }
    let source = MirrorSource::new(url, name, shape, layout, options)?;
    source.find_home().await;
    Ok(Arc::new(source))
}

/// Takes a server that has just these files of the content, each at its own URL, as a metalink names them.
/// All of them lie at one server. Looks up addresses as [`mirror_at`] does.
pub async fn mirror_of_files(
    files: &[(FileIndex, String)],
    layout: Arc<Layout>,
    options: MirrorOptions,
) -> Result<Arc<dyn OriginSource>, MirrorError> {
    #[cfg(feature = "ftp")]
    if files.first().is_some_and(|(_, url)| is_ftp(url)) {
        let source = FtpSource::of_files(files, layout, options)?;
        source.find_home().await;
        return Ok(Arc::new(source));
    }
    let source = MirrorSource::of_files(files, layout, options)?;
    source.find_home().await;
    Ok(Arc::new(source))
}

#[cfg(feature = "ftp")]
fn is_ftp(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("ftp") || scheme.eq_ignore_ascii_case("ftps")
}
