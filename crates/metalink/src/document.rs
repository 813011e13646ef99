//! A document as a whole: its files, what it says about itself, and what was left out of it.

use crate::about::About;
use crate::address::Address;
use crate::file::File;
use crate::report::Dropped;
use crate::version::Version;
use swarmcopy_address::{Shown, ShownAll, debug_shown};

/// Where a document says it comes from (RFC 5854 section 4.2.9).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// Its URL.
    pub url: Address,
    /// Whether newer versions may be found there.
    pub dynamic: bool,
}

debug_shown!(Origin { dynamic; url: Shown(url.as_str()) });

impl Origin {
    /// An origin that says nothing of newer versions.
    pub fn new(url: Address) -> Self {
        Self {
            url,
            dynamic: false,
        }
    }
}

/// A metalink document.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// The version it was written in.
    pub version: Version,
    /// The files, in the order of the document. No two have the same path, and no file lies where
    /// another needs a folder. Names that differ in case or Unicode form alone do occur.
    pub files: Vec<File>,
    /// Folders that hold the files under their paths, as paths of the machines that read them. Our
    /// own addition to the format: others skip it as foreign markup.
    pub shares: Vec<String>,
    /// What was left out and why, at most [`DROPPED_MAX`](crate::limits::DROPPED_MAX) entries.
    pub dropped: Vec<Dropped>,
    /// How many more were left out.
    pub dropped_unlisted: u64,
    /// The program that wrote it.
    pub generator: Option<String>,
    /// Where it says it comes from. Never used to resolve URLs: see [`Document::parse`].
    pub origin: Option<Origin>,
    /// When it was first published, as written (RFC 3339; RFC 822 in Metalink 3).
    pub published: Option<String>,
    /// When it was last changed, as written.
    pub updated: Option<String>,
    /// What is said about all files (Metalink 3, and some writers of 4). Not written.
    pub about: About,
}

debug_shown!(Document {
    version, files, dropped, dropped_unlisted, generator, origin, published, updated, about;
    shares: ShownAll(shares),
});
