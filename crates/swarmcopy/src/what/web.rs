//! Fetching documents by their addresses.

use swarmcopy_sources::MirrorOptions;
use swarmcopy_sources::http::{Fetched, fetch_document};

use super::named::{DOCUMENT_LEN_MAX, Kind};
use super::words::failed;
use crate::provenance::Provenance;
use crate::web::mirror_options;
use crate::{CopyOptions, Error};

/// How documents are fetched.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    options: MirrorOptions,
    locations: Vec<String>,
    trusts_documents: bool,
}

impl Web {
    /// As mirrors of a copy with these options are read.
    pub(crate) fn new(options: &CopyOptions) -> Result<Self, Error> {
        Ok(Self {
            options: mirror_options(options)?,
            locations: options.locations.clone(),
            trusts_documents: options.trust_document,
        })
    }

    /// The same for addresses that a document names which came from there.
    pub(crate) fn named_by(&self, from: Provenance) -> Self {
        let mut web = self.clone();
        web.options.public_only = !from.may_name_private() && !self.trusts_documents;
        web
    }

    /// The countries whose mirrors are preferred.
    pub(crate) fn locations(&self) -> &[String] {
        &self.locations
    }

    /// Fetches a document; its body is `None` if it is too long or nothing that names a content.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Fetched, Error> {
        let looks = |head: &[u8]| Kind::of(head) != Kind::Other;
        let fetched = fetch_document(url, &self.options, DOCUMENT_LEN_MAX, looks).await;
        fetched.map_err(|error| failed(&error))
    }

    /// Asks for the length of a file, and lets its bytes be.
    pub(crate) async fn len(&self, url: &str) -> Option<u64> {
        let fetched = fetch_document(url, &self.options, 0, |_| false).await;
        fetched.ok()?.len
    }
}
