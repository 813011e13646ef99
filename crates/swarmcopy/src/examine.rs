//! A look at the shares of a content before anything is copied: are they there, and what are their locks worth.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_sources::{Limiter, Networks};
use tokio::time::timeout;

use crate::guard::{self, Locks};
use crate::limits::OriginLimits;
use crate::shares::Quest;
use crate::{Content, CopyOptions, GuardState, GuardUse};

/// What was seen of a share.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShareLook {
    /// Where it was looked for.
    pub location: PathBuf,
    /// Why it can't be used, if it can't.
    pub trouble: Option<String>,
    /// What the lock files beside it are worth.
    pub guard: GuardState,
}

impl Content {
    /// Looks at each share, for `within` at most; nothing is read of it, and its locks are tried and let go. May be
    /// dropped at any await.
    pub async fn look_at_shares(&self, options: &CopyOptions, within: Duration) -> Vec<ShareLook> {
        let content = self.clone().with_options(options.clone());
        let mut looks = Vec::new();
        for location in content.shares() {
            let quest = Quest {
                location: location.clone(),
                content: content.clone(),
                limits: OriginLimits {
                    down: Arc::new(Limiter::new(None)),
                    origin: Arc::new(Limiter::new(None)),
                    free: Networks::default(),
                },
                target: content.target_path(),
                counts_locks: true,
            };
            let mut looking = quest.look();
            let (trouble, locks) = match timeout(within, looking.answer()).await {
                Ok(Ok((_, locks))) => (None, locks),
                Ok(Err(trouble)) => (Some(trouble.to_string()), Locks::None),
                Err(_) => (Some("it does not answer".to_owned()), Locks::None),
            };
            looks.push(ShareLook {
                location,
                trouble,
                guard: guard::Found::of(GuardUse::Auto, vec![locks]).state,
            });
        }
        looks
    }
}
