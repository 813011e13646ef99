//! Reading what is named.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use swarmcopy_sources::http::unpacked;
use url::Url;

use super::named::{DOCUMENT_LEN_MAX, Kind, Named};
use super::web::Web;
use super::words::{failed, shown};
use super::{What, plain, words};
use crate::Error;
use crate::metalink::Place;
use crate::provenance::Provenance;

impl Named {
    /// Reads what `what` names. May be dropped at any await.
    pub(crate) async fn read(what: &What, web: &Web) -> Result<Self, Error> {
        match what {
            What::Magnet(link) => Ok(Self::Magnet(link.clone(), Provenance::Here)),
            What::Url(url) => plain::read(url, web).await,
            What::Path(path) => {
                let owned = path.clone();
                let bytes = tokio::task::spawn_blocking(move || read(&owned)).await;
                let bytes = bytes.map_err(|error| failed(&error))??;
                Self::of_bytes(bytes, Place::of_path(path), &words::path(path))
            }
        }
    }

    /// Fetches a document that another one names. May be dropped at any await.
    pub(crate) async fn fetch(url: &Url, web: &Web) -> Result<Self, Error> {
        let fetched = web.fetch(url.as_str()).await?;
        let at = fetched.url().unwrap_or(url);
        let place = Place::of_url(at, Provenance::fetched(fetched.is_public));
        let shown = shown(at);
        match fetched.body {
            Some(body) => Self::of_bytes(body, place, &shown),
            None => Err(failed(&format!("{shown} is no .torrent and no metalink"))),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let refused =
        |why: &dyn std::fmt::Display| failed(&format!("cannot read {}: {why}", words::path(path)));
    if path.is_dir() {
        let message = format!("{} is a folder: {}", words::path(path), make_first(path));
        return Err(failed(&message));
    }
    let file = File::open(path).map_err(|error| refused(&error))?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(DOCUMENT_LEN_MAX).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| refused(&error))?;
    if bytes.len() > DOCUMENT_LEN_MAX {
        return Err(refused(&format!(
            "it is longer than the {DOCUMENT_LEN_MAX} bytes that a .torrent or a metalink may have; {}",
            make_first(path)
        )));
    }
    let bytes = unpacked(bytes, DOCUMENT_LEN_MAX);
    let bytes = bytes.ok_or_else(|| refused(&"it can't be unpacked"))?;
    if Kind::of(&bytes) == Kind::Other {
        let message = format!(
            "{} is no .torrent, metalink or magnet link: {}",
            words::path(path),
            make_first(path)
        );
        return Err(failed(&message));
    }
    Ok(bytes)
}

/// What to do with a content that has no .torrent yet, or is not that.
fn make_first(path: &Path) -> String {
    let shown = words::path(path);
    let mut torrent = path.as_os_str().to_owned();
    torrent.push(".torrent");
    let ending = path.extension().and_then(|ending| ending.to_str());
    if Path::new(&torrent).is_file() {
        format!("give {shown}.torrent, which lies beside it")
    } else if matches!(ending, Some("torrent" | "meta4" | "metalink")) {
        "run `swarmcopy make FOLDER` once, and give the .torrent that it writes".to_owned()
    } else {
        format!("run `swarmcopy make {shown}` once, and give the .torrent that it writes")
    }
}
