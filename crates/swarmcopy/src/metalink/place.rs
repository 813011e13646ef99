//! Where a document was found, and what that says of its name.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use swarmcopy_address::{ShownAll, debug_shown};
use url::Url;

use crate::provenance::Provenance;

/// Where a document was found.
#[derive(Clone, Default)]
pub(crate) struct Place {
    /// Its address after redirects; relative addresses in it are resolved against it.
    pub(crate) url: Option<Url>,
    /// The folder it lies in.
    pub(crate) folder: Option<PathBuf>,
    /// How far it is trusted.
    pub(crate) from: Provenance,
    /// Its name without ending: what files without a folder of their own are put into.
    pub(crate) stem: String,
}

debug_shown!(Place {
    folder, from, stem;
    url: ShownAll(url),
});

impl Place {
    pub(crate) fn of_path(path: &Path) -> Self {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        Self {
            url: None,
            from: Provenance::Here,
            folder: Some(folder),
            stem: stem.unwrap_or_default(),
        }
    }

    pub(crate) fn of_url(url: &Url, from: Provenance) -> Self {
        let name = name_of(url).unwrap_or_default();
        let stem = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(stem, _)| stem);
        Self {
            stem: stem.to_owned(),
            url: Some(url.clone()),
            from,
            folder: None,
        }
    }
}

/// The last part of an address's path, decoded; `None` if there is none.
pub(crate) fn name_of(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    let name = percent_decode_str(last).decode_utf8_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}
