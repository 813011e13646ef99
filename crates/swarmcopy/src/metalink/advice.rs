//! What a metalink adds to a content.

use std::fmt;
use std::path::PathBuf;

use swarmcopy_address::{Shown, ShownAll, in_text};
use swarmcopy_layout::FileIndex;
use swarmcopy_metalink::{Document, Part};

use crate::provenance::Provenance;

/// What a metalink adds to a content.
#[derive(Debug, Clone, Default)]
pub(crate) struct Advice {
    /// Folders in which the files lie under their names.
    pub(crate) shares: Vec<PathBuf>,
    /// How far the document is trusted.
    pub(crate) from: Provenance,
    /// Web servers and what lies on each.
    pub(crate) hosts: Vec<Host>,
    /// Entries that were left out, and other things to know, for people.
    pub(crate) notes: Vec<String>,
    /// The files that were left out, each with its reason.
    pub(crate) left_out: Vec<String>,
    /// By file of the torrent: whether the document lists it. `None` if it lists all.
    pub(crate) listed: Option<Vec<bool>>,
}

impl Advice {
    /// The shares of a document, and what was left out of it.
    pub(super) fn of(document: &Document) -> Self {
        let mut advice = Self {
            shares: document.shares.iter().map(PathBuf::from).collect(),
            ..Self::default()
        };
        for entry in &document.dropped {
            match entry.what {
                Part::File => advice
                    .left_out
                    .push(in_text(&entry.to_string()).into_owned()),
                _ => advice.notes.push(in_text(&entry.to_string()).into_owned()),
            }
        }
        if document.dropped_unlisted > 0 {
            let note = format!("{} more entries were left out", document.dropped_unlisted);
            advice.left_out.push(note);
        }
        advice
    }
}

/// One server of other people's, as a metalink names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) holds: Holds,
    /// From 1, the best.
    pub(crate) priority: u32,
    /// The country it stands in.
    pub(crate) location: Option<String>,
    /// The most connections that it asks for.
    pub(crate) connections_max: Option<u32>,
}

/// What lies on a server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It has all files, where BEP 19 looks for them below this address.
    Tree(String),
    /// It has these files, each at its own address.
    Files(Vec<(FileIndex, String)>),
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tree(url) => f.debug_tuple("Tree").field(&Shown(url)).finish(),
            Self::Files(files) => {
                let urls = ShownAll(files.iter().map(|file| &file.1));
                f.debug_tuple("Files").field(&urls).finish()
            }
        }
    }
}
