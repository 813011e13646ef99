//! Finding what a copy may be read from, and taking down all else that was named.
//!
//! Shares and their lock files are looked for on threads of their own, because a server that hangs is heard of only
//! by its silence. What must stay true: the copy begins after [`SOON`] whatever shares do; one that is found later, or
//! was not there at first, joins when it is; a share that the caller named and that is not there fails the copy at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use swarmcopy_scheduler::SourceId;
use swarmcopy_sources::{Limited, MirrorOptions, RangeOrigin};
use swarmcopy_swarm::SourceIds;
use tokio::sync::{mpsc, oneshot};

use crate::content::Role;
use crate::engine::{Named, Note, OriginEntry};
use crate::guard::{self, Locks};
use crate::limits::OriginLimits;
use crate::shares::{AGAIN, Looked, Looking, Quest};
use crate::{Content, Error, ErrorKind, GuardUse, OriginMode, SourceKind, SourceState, mirrors};

/// How long the beginning of a copy waits for shares.
const SOON: Duration = Duration::from_millis(500);

/// What is looked for, and how.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) content: &'a Content,
    pub(crate) mode: OriginMode,
    pub(crate) guard: GuardUse,
    pub(crate) ids: &'a SourceIds,
    pub(crate) limits: &'a OriginLimits,
    pub(crate) mirrors: &'a MirrorOptions,
    /// Where the copy goes: what lies there is no share.
    pub(crate) target: PathBuf,
    pub(crate) notes: &'a mpsc::Sender<Note>,
}

/// What was found at the beginning.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) origins: BTreeMap<SourceId, OriginEntry>,
    pub(crate) locks: guard::Found,
    /// What was named and is not among the origins, or not yet.
    pub(crate) named: Vec<Named>,
}

impl Search<'_> {
    /// Finds mirrors, and the shares that answer soon. May be dropped at any await.
    pub(crate) async fn run(&self) -> Found {
        let mut found = Found::default();
        if self.content.is_seed() || self.mode == OriginMode::Never {
            return found;
        }
        for origin in &self.content.origins {
            let limited = Limited::new(Arc::clone(origin), self.limits.all());
            let entry = OriginEntry::new(Arc::new(limited));
            found.origins.insert(self.ids.next(), entry);
        }
        for source in &self.content.ranges {
            let layout = Arc::clone(&self.content.layout);
            let origin = RangeOrigin::new(Arc::clone(source), layout, self.limits.all());
            let entry = OriginEntry::new(Arc::new(origin));
            found.origins.insert(self.ids.next(), entry);
        }
        let locations = self.content.shares();
        let looks = locations.iter().map(|location| self.first_look(location));
        let beside = self.content.options.torrent_folder.clone();
        let beside = beside.filter(|_| !locations.is_empty() && self.counts_locks());
        let beside = async {
            let look = guard::look(beside?);
            tokio::time::timeout(SOON, look).await.ok()
        };
        let mirrors = mirrors::find(self.content, self.mirrors, self.limits);
        let (looks, beside, mirrors) = tokio::join!(join_all(looks), beside, mirrors);
        let mut locks = Vec::new();
        for (location, (id, look)) in locations.into_iter().zip(looks) {
            self.take_share((id, &location), look, (&mut found, &mut locks));
        }
        locks.extend(beside.filter(|_| !found.origins.is_empty()));
        found.locks = guard::Found::of(self.guard, locks);
        for (mirror, preference) in mirrors {
            let id = self.ids.next();
            match mirror {
                Ok(mirror) => {
                    let entry = OriginEntry::new(mirror).preferred(preference);
                    found.origins.insert(id, entry);
                }
                Err((name, why)) => {
                    tracing::warn!("mirror left out: {why}");
                    found.named.push(Named {
                        id,
                        kind: SourceKind::Mirror,
                        name,
                        trouble: Some((SourceState::Refused, why)),
                    });
                }
            }
        }
        found
    }

    /// Whether lock files are looked for.
    fn counts_locks(&self) -> bool {
        self.guard != GuardUse::Off && self.mode != OriginMode::Fast
    }

    /// Looks for a share; what is not known soon is `Err`, to be waited for.
    async fn first_look(&self, location: &Path) -> (SourceId, Result<Looked, Looking>) {
        let mut looking = self.quest(location).look();
        let look = tokio::time::timeout(SOON, looking.answer()).await;
        (self.ids.next(), look.map_err(|_| looking))
    }

    fn take_share(
        &self,
        (id, location): (SourceId, &Path),
        look: Result<Looked, Looking>,
        (found, locks): (&mut Found, &mut Vec<Locks>),
    ) {
        let trouble = match look {
            Ok(Ok((share, beside))) => {
                found.origins.insert(id, OriginEntry::new(share));
                locks.push(beside);
                return;
            }
            Ok(Err(trouble)) => {
                tracing::warn!("share left out: {trouble}");
                if trouble.may_pass() {
                    self.look_on(id, location, None);
                }
                Some((trouble.state(), trouble.to_string()))
            }
            Err(looking) => {
                self.look_on(id, location, Some(looking));
                None
            }
        };
        found.named.push(Named {
            id,
            kind: SourceKind::Share,
            name: location.display().to_string(),
            trouble,
        });
    }

    /// Goes on in a task of its own until the share is found, or the copy is over.
    fn look_on(&self, id: SourceId, location: &Path, looking: Option<Looking>) {
        let (quest, notes) = (self.quest(location), self.notes.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = look_on(&quest, id, looking, &notes) => {}
                () = notes.closed() => {}
            }
        });
    }

    fn quest(&self, location: &Path) -> Quest {
        Quest {
            location: location.to_path_buf(),
            content: self.content.clone(),
            limits: self.limits.clone(),
            target: self.target.clone(),
            counts_locks: self.counts_locks(),
        }
    }
}

/// Tells each time how a look went, until the share is found.
async fn look_on(
    quest: &Quest,
    id: SourceId,
    looking: Option<Looking>,
    notes: &mpsc::Sender<Note>,
) {
    let mut looked = match looking {
        Some(mut looking) => looking.answer().await,
        None => quest.look_again().await,
    };
    loop {
        let ends = looked.as_ref().map_or_else(|it| !it.may_pass(), |_| true);
        let note = Note::Share {
            id,
            looked,
            again: AGAIN,
        };
        if notes.send(note).await.is_err() || ends {
            return;
        }
        looked = quest.look_again().await;
    }
}

/// Fails where a folder that the caller named is not there. One that says nothing soon is given time.
///
/// # Errors
/// [`ErrorKind::Usage`], naming the folder.
pub(crate) async fn check_named(content: &Content) -> Result<(), Error> {
    let named = match &content.role {
        Role::Seed(folder) => vec![("folder", folder.clone())],
        Role::Copy => {
            let shares = content.options.shares.iter();
            shares.map(|share| ("share", share.clone())).collect()
        }
    };
    let looks = named.into_iter().map(|(kind, path)| async move {
        let (tell, told) = oneshot::channel();
        let place = path.clone();
        std::thread::spawn(move || tell.send(is_absent(&place)));
        match tokio::time::timeout(SOON, told).await {
            Ok(Ok(true)) => {
                let message = format!("the {kind} {} is not there", path.display());
                Err(Error::new(ErrorKind::Usage, message)
                    .with_hint("is the path right, and its server mounted?"))
            }
            _ => Ok(()),
        }
    });
    join_all(looks).await.into_iter().collect()
}

fn is_absent(path: &Path) -> bool {
    let error = std::fs::metadata(path).err();
    error.is_some_and(|it| it.kind() == std::io::ErrorKind::NotFound)
}

/// Whether there is anything to copy from, older copies left out, or a way to find somebody.
pub(crate) fn has_ways(content: &Content, looks_for_others: bool) -> bool {
    let options = &content.options;
    let origins = !content.origins.is_empty()
        || !content.ranges.is_empty()
        || !content.shares().is_empty()
        || !content.mirrors().is_empty()
        || !content.advice.hosts.is_empty();
    let origins = origins && options.origin != OriginMode::Never;
    let peers = !options.peers.is_empty() || !content.trackers().is_empty() || looks_for_others;
    content.is_seed() || origins || peers && !content.has_whole_files()
}

/// What to say where nothing of that is there.
pub(crate) fn no_ways(content: &Content) -> Error {
    let options = &content.options;
    let (kind, what) = if !options.reuse.is_empty() {
        let what =
            "not complete: the older copies do not have all, and nothing else can be copied from";
        (ErrorKind::Incomplete, what)
    } else if options.origin == OriginMode::Never {
        let what = "nothing to copy from: share and mirrors must not be read, and no peer, tracker or local \
                    discovery leads to others";
        (ErrorKind::Usage, what)
    } else {
        let what = "nothing to copy from: no share, mirror, peer or tracker is named, and local discovery is off";
        (ErrorKind::Usage, what)
    };
    Error::new(kind, what).with_hint("name one, or leave local discovery on")
}
