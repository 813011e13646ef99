//! A share: a folder that holds the content, mounted from a server or local.
//!
//! Reads run on the share's own threads (see `pool`), because a read of a dead server hangs in the
//! kernel and cannot be called off. What must stay true: no call of a share blocks an async thread,
//! nothing is read without a permit, and a path never leaves the share's folder unless a link in it does.

mod handles;
mod identity;
mod locate;
mod places;
mod pool;
mod read;
mod reader;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use swarmcopy_layout::{Layout, RelPath};
use swarmcopy_scheduler::{OriginKind, OriginPermit};

pub use locate::ShareError;

use crate::gate::Gate;
use crate::{Limiter, OriginSource, PieceSource, Shape, SourceError};

/// Most fetches that run at once in a share unless told otherwise.
pub const SHARE_STREAMS_MAX: u32 = 16;

/// A folder (or file) that holds the bytes of a content.
#[derive(Debug)]
pub struct ShareSource {
    places: Arc<places::Places>,
    layout: Arc<Layout>,
    streams_max: u32,
    limits: Vec<Arc<Limiter>>,
    identity: String,
    pool: Arc<pool::Pool>,
}

impl ShareSource {
    /// Finds the content `name` at `location`: the folder that contains it, or itself. Both are
    /// recognised by looking for the content's files.
    ///
    /// Hangs as long as the location's server does.
    pub fn find(
        location: &Path,
        name: &RelPath,
        shape: Shape,
        layout: Arc<Layout>,
    ) -> Result<Self, ShareError> {
        let found = locate::find(location, name, shape, &layout)?;
        let streams_max = SHARE_STREAMS_MAX;
        let pool = pool::Pool::new(found.root.display().to_string(), streams_max);
        let places = places::Places::new(found.root, shape, &layout);
        Ok(Self {
            places: Arc::new(places),
            layout,
            streams_max,
            limits: Vec::new(),
            identity: found.identity,
            pool,
        })
    }

    /// The same, with at most `streams_max` fetches at once (at least 2).
    #[must_use]
    pub fn with_streams_max(mut self, streams_max: u32) -> Self {
        self.streams_max = streams_max.max(2);
        self.pool = pool::Pool::new(self.name(), self.streams_max);
        self
    }

    /// The same, with limits on its rate: all of them hold.
    #[must_use]
    pub fn with_limits(mut self, limits: Vec<Arc<Limiter>>) -> Self {
        self.limits = limits;
        self
    }

    /// The folder of a tree, or the one file.
    pub fn root(&self) -> &Path {
        self.places.root()
    }

    /// Reads that hang and were given up; their threads wait for the server.
    pub fn abandoned(&self) -> u32 {
        self.pool.abandoned()
    }
}

#[async_trait]
impl OriginSource for ShareSource {
    fn kind(&self) -> OriginKind {
        OriginKind::Share
    }

    fn name(&self) -> String {
        self.root().display().to_string()
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn streams_max(&self) -> u32 {
        self.streams_max
    }

    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
        let folder = Arc::new(read::Folder {
            places: Arc::clone(&self.places),
            layout: Arc::clone(&self.layout),
            name: self.name(),
        });
        let gate = Gate::new(permit);
        let pool = Arc::clone(&self.pool);
        Ok(Arc::new(reader::ShareReader::new(
            folder,
            gate,
            pool,
            self.limits.clone(),
        )))
    }
}
