//! Looking for one share, with the lock files beside it, on a thread that may hang with its server.
//!
//! What must stay true: only one thread looks for a share at a time, however long it takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_sources::share::ShareError;
use swarmcopy_sources::{OriginSource, Shape, ShareSource};
use tokio::sync::oneshot;

use crate::guard::{self, Locks};
use crate::limits::OriginLimits;
use crate::{Content, SourceState};

/// A share that was not there is looked for again after this.
pub(crate) const AGAIN: Duration = Duration::from_secs(10);

/// A share with its lock files, or why there is none.
pub(crate) type Looked = Result<(Arc<dyn OriginSource>, Locks), ShareTrouble>;

/// A look at a share that is under way.
#[derive(Debug)]
pub(crate) struct Looking {
    location: PathBuf,
    told: oneshot::Receiver<Looked>,
}

/// Why a share is not used.
#[derive(Debug)]
pub(crate) enum ShareTrouble {
    /// It was not found.
    Share(ShareError),
    /// It is where the copy goes.
    IsTarget,
}

/// The search for one share.
#[derive(Debug, Clone)]
pub(crate) struct Quest {
    pub(crate) location: PathBuf,
    pub(crate) content: Content,
    pub(crate) limits: OriginLimits,
    /// Where the copy goes: what lies there is no share.
    pub(crate) target: PathBuf,
    pub(crate) counts_locks: bool,
}

impl Quest {
    /// Looks on a thread of its own, which hangs with the server of the share if that does.
    pub(crate) fn look(&self) -> Looking {
        let (tell, told) = oneshot::channel();
        let quest = self.clone();
        // without a thread nobody tells, and that is heard
        let _ = std::thread::Builder::new()
            .name("share-look".to_owned())
            .spawn(move || tell.send(quest.look_now()));
        Looking {
            location: self.location.clone(),
            told,
        }
    }

    fn look_now(&self) -> Looked {
        let (name, layout) = (&self.content.name, Arc::clone(&self.content.layout));
        let shape = if self.content.is_tree() {
            Shape::Tree
        } else {
            Shape::File
        };
        let mut share = ShareSource::find(&self.location, name, shape, Arc::clone(&layout));
        if let Err(ShareError::NotThere { path, .. }) = &share
            && let Some(other) = self.content.find_in(path)
        {
            share = ShareSource::find(&other, name, shape, layout);
        }
        let share = share.map_err(ShareTrouble::Share)?;
        if is_same(share.root(), &self.target) {
            return Err(ShareTrouble::IsTarget);
        }
        let beside = share.root().parent().filter(|_| self.counts_locks);
        let locks = beside.map_or_else(Locks::default, guard::look_now);
        let share = share.with_limits(self.limits.of_share());
        Ok((Arc::new(share), locks))
    }

    /// Waits, and looks again. May be dropped at any await.
    pub(crate) async fn look_again(&self) -> Looked {
        tokio::time::sleep(AGAIN).await;
        self.look().answer().await
    }
}

impl Looking {
    /// What was found. May be dropped at any await, and awaited again.
    pub(crate) async fn answer(&mut self) -> Looked {
        let looked = (&mut self.told).await;
        looked.unwrap_or_else(|_| Err(gone(&self.location)))
    }
}

impl ShareTrouble {
    /// Whether it may be mended while the copy runs.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(self, Self::IsTarget)
    }

    /// How the share stands then.
    pub(crate) fn state(&self) -> SourceState {
        match self {
            Self::Share(ShareError::NotThere { .. }) | Self::IsTarget => SourceState::Lacks,
            Self::Share(_) => SourceState::Down,
        }
    }
}

impl std::fmt::Display for ShareTrouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Share(error) => error.fmt(f),
            Self::IsTarget => f.write_str("it is where the copy goes"),
        }
    }
}

/// The thread that looked is gone without a word.
fn gone(location: &Path) -> ShareTrouble {
    ShareTrouble::Share(ShareError::Silent {
        path: location.to_path_buf(),
    })
}

/// Whether two paths are the same file or folder.
fn is_same(a: &Path, b: &Path) -> bool {
    match (swarmcopy_sys::file_id(a), swarmcopy_sys::file_id(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
