//! A mirror: an HTTP server that holds the content (BEP 19 web seed).
//!
//! One connection per slot, HTTP/1.1 alone, so that "N streams" are N connections. What must stay
//! true: nothing is asked without a permit, every answer is checked before its bytes are used, credentials
//! go to the mirror's own origin alone, and no address with a password is ever told.

pub(crate) mod answer;
mod ask;
mod body;
mod coming;
#[cfg(not(feature = "tls"))]
mod distrust;
mod document;
mod error;
mod files;
#[cfg(all(any(test, fuzzing), feature = "contract", feature = "ftp"))]
pub(crate) mod fuzzing;
pub(crate) mod guard;
mod lanes;
mod link;
mod mirror;
mod netrc;
pub(crate) mod notes;
mod options;
mod patient;
pub(crate) mod percent;
#[cfg(feature = "tls")]
mod pinned;
#[cfg(not(feature = "tls"))]
mod plain;
mod reader;
mod retry_after;
#[cfg(feature = "tls")]
mod seal;
mod slots;
pub(crate) mod target;
mod trouble;
#[cfg(feature = "tls")]
mod trust;
mod turns;
mod unpack;

use std::sync::Arc;

use async_trait::async_trait;
use swarmcopy_layout::{FileIndex, Layout, RelPath, Span};
use swarmcopy_scheduler::{OriginKind, OriginPermit};

pub use document::{DOCUMENT_TIME_MAX, DocumentError, Fetched, Head, fetch_document};
pub use error::MirrorError;
pub use netrc::{Login, Netrc};
pub use options::{MIRROR_STREAMS_MAX, MirrorOptions, Ownership};
pub use trust::Trust;
pub use unpack::unpacked;

#[cfg(not(feature = "tls"))]
use self::{distrust as trust, plain as seal};
use crate::gate::Gate;
use crate::whole::Sequences;
use crate::{OriginSource, PieceSource, Shape, SourceError};
use mirror::Mirror;
use notes::Notes;
use slots::Slots;
use target::{Schemes, Target};

/// A mirror of a content.
#[derive(Debug)]
pub struct MirrorSource {
    mirror: Arc<Mirror>,
}

impl MirrorSource {
    /// Takes the mirror at `url`. A file lies at the URL itself, or below it if it ends in `/`; a tree's
    /// files lie below URL/NAME (BEP 19). A password in the URL is used and never shown.
    pub fn new(
        url: &str,
        name: &RelPath,
        shape: Shape,
        layout: Arc<Layout>,
        options: MirrorOptions,
    ) -> Result<Self, MirrorError> {
        let target = Target::new(url, Schemes::Http, name, shape, &options)?;
        Ok(Self::at(target, layout, options))
    }

    /// Takes a server that has just these files of the content, each at its own URL, as a metalink names
    /// them. All of them lie at one server.
    pub fn of_files(
        files: &[(FileIndex, String)],
        layout: Arc<Layout>,
        options: MirrorOptions,
    ) -> Result<Self, MirrorError> {
        let target = Target::of_files(files, Schemes::Http, &options)?;
        Ok(Self::at(target, layout, options))
    }

    fn at(target: Target, layout: Arc<Layout>, options: MirrorOptions) -> Self {
        let slots = Slots::new(&target, &options);
        Self {
            mirror: Arc::new(Mirror {
                target,
                layout,
                options,
                notes: Notes::default(),
                slots,
                sequences: Sequences::default(),
            }),
        }
    }

    /// Looks up where a mirror of others is: one at a private address gets as many connections as one of
    /// the admin's. Waits for the name's address, at most as long as for a connection; needed only for
    /// [`Ownership::Others`], before [`streams_max`](OriginSource::streams_max) is asked.
    pub async fn find_home(&self) {
        let mirror = &self.mirror;
        mirror
            .slots
            .find_home(&mirror.target, &mirror.options)
            .await;
    }
}

#[async_trait]
impl OriginSource for MirrorSource {
    fn kind(&self) -> OriginKind {
        OriginKind::Mirror
    }

    fn name(&self) -> String {
        self.mirror.target.shown().to_owned()
    }

    fn identity(&self) -> String {
        self.mirror.target.identity()
    }

    fn streams_max(&self) -> u32 {
        self.mirror.slots.count()
    }

    fn lacks(&self) -> Vec<Span> {
        self.mirror.target.lacked(&self.mirror.layout)
    }

    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
        let gate = Gate::new(permit);
        Ok(Arc::new(reader::MirrorReader::new(
            Arc::clone(&self.mirror),
            gate,
        )))
    }
}
