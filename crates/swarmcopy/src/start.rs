//! From a content to a running engine: the store is opened, what lies there is checked, origins are
//! found, the swarm is joined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use swarmcopy_layout::{PieceIndex, PieceSet};
use swarmcopy_piece_store::{
    Options, Placement, Resume, Shape, Store, StoreError, StoreEvent, Target,
};
use swarmcopy_scheduler::origin::GuardUse;
use swarmcopy_scheduler::{Hello, NodeId, Scheduler, SourceId};
use swarmcopy_sources::{Limiter, MirrorOptions, Networks, OriginSource, ShareSource};
use swarmcopy_swarm::{Listener, Lsd, LsdOptions, SourceIds, Swarm, SwarmConfig};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::content::{Content, Role};
use crate::engine::{Clock, Engine, Note, OriginEntry, Outlets, Parts, StoreReader, disk_failed};
use crate::guard::{self, Guard};
use crate::limits::OriginLimits;
use crate::policy::{Policy, check_group};
use crate::session::Inner;
use crate::{Error, ErrorKind, OriginMode, Phase, Report, Started, mirrors, reuse, select, web};

/// News of fetches and the store that may wait for the loop.
const NOTES_MAX: usize = 1024;
/// News of links that may wait for the loop.
const SWARM_EVENTS_MAX: usize = 1024;

/// Local discovery on the listener's interface; none if the system refuses.
pub(crate) fn lsd(listener: &Listener, stop: &CancellationToken) -> Option<Arc<Lsd>> {
    let mut options = LsdOptions::default();
    options.ip = listener.bound_ip();
    match Lsd::start(&options, stop) {
        Ok(lsd) => Some(lsd),
        Err(error) => {
            tracing::info!(%error, "no local discovery");
            None
        }
    }
}

/// A content whose store is open.
#[derive(Debug)]
pub(crate) struct Prepared {
    session: Arc<Inner>,
    content: Content,
    store: Arc<Store>,
    resume: Option<Resume>,
    mirror_options: MirrorOptions,
    seed: u64,
    node: NodeId,
    notes: (mpsc::Sender<Note>, mpsc::Receiver<Note>),
}

impl Prepared {
    /// Opens the store on a thread that may block.
    pub(crate) async fn open(session: Arc<Inner>, content: Content) -> Result<Self, Error> {
        if content.is_seed() && content.has_whole_files() {
            let message = "cannot serve files that have no hashes of pieces";
            return Err(Error::new(ErrorKind::Failed, message)
                .with_hint("make a .torrent or a metalink with pieces of them"));
        }
        check_group(&content.options)?;
        let mirror_options = web::mirror_options(&content.options)?;
        let notes = mpsc::channel(NOTES_MAX);
        let mut rng = fastrand::Rng::with_seed(swarmcopy_sys::random::seed());
        let seed = session.config.seed.unwrap_or_else(|| rng.u64(..));
        let node = NodeId(rng.u64(1..).to_be_bytes());
        let tell = notes.0.clone();
        let opening = content.clone();
        let opened = tokio::task::spawn_blocking(move || open_store(&opening, tell)).await;
        let (store, resume) = opened.map_err(|error| {
            Error::new(ErrorKind::Failed, format!("cannot open the copy: {error}"))
        })??;
        Ok(Self {
            session,
            content,
            store: Arc::new(store),
            resume,
            mirror_options,
            seed,
            node,
            notes,
        })
    }

    pub(crate) fn started(&self, session: &Inner) -> Started {
        let info = self.content.torrent.as_ref().map(|torrent| &torrent.info);
        let (layout, target) = (&self.content.layout, self.store.target());
        Started {
            name: self.content.name().to_owned(),
            info_hash: info.and_then(|info| info.info_hash_v1),
            info_hash_v2: info.and_then(|info| info.info_hash_v2),
            bytes: target.bytes(),
            pieces: layout.pieces(),
            files: target.stored_files().count(),
            listen: session.listener.local_addr(),
            seed: self.seed,
        }
    }

    /// Runs the copy to its end.
    pub(crate) async fn run(self, clock: Clock, outlets: Outlets) -> Result<Report, Error> {
        let (have, lent) = tokio::select! {
            () = outlets.stop.cancelled() => return Err(crate::engine::interrupted()),
            checked = self.check(&clock, &outlets) => checked?,
        };
        let ids = Arc::new(SourceIds::new());
        // this machine's part of the origin's budget: the scheduler says how much that is
        let origin_limit = Arc::new(Limiter::new(None));
        let mut policy = Policy::of(&self.content);
        let (origins, folders) = self.find_origins(policy.mode, &ids, &origin_limit).await;
        let locks = guard::find(policy.guard, folders).await;
        if let Some(slots) = locks.slots() {
            policy.limit_readers(slots);
        }
        let guard_state = locks.state;
        let guard = self.start_guard(locks);
        let (tell, swarm_events) = mpsc::channel(SWARM_EVENTS_MAX);
        let hello = self.hello(&policy, &origins);
        let lent = (ids.next(), lent);
        let config = self.swarm_config(self.shown(&have), ids, hello);
        let blocks = Arc::new(StoreReader::new(Arc::clone(&self.store)));
        let swarm = Swarm::start(config, blocks, tell, &self.session.quit);
        let layout = Arc::clone(&self.content.layout);
        let wanted = self.store.target().wanted();
        let mut config = policy.origin_config(self.node, self.content.padded_id());
        if guard.is_some() {
            config.guard = GuardUse::Active;
        }
        let hours = config.hours;
        let mut config = swarmcopy_scheduler::Config::new(config);
        config.budget_bytes = config.budget_bytes.max(layout.piece_len() * 4);
        let start = (clock.now(), self.seed);
        let scheduler = Scheduler::new(config, layout, wanted, have.clone(), start);
        let engine = Engine::new(Parts {
            content: self.content,
            scheduler,
            clock,
            store: self.store,
            swarm,
            swarm_events,
            notes: self.notes,
            origins,
            origin_limit,
            policy,
            hours,
            guard,
            guard_state,
            have,
            lent,
            outlets,
        });
        // large, as is this future
        Box::pin(engine.run()).await
    }

    /// What of `have` peers can be given: not what lies here in part only.
    fn shown(&self, have: &PieceSet) -> PieceSet {
        let mut shown = have.clone();
        shown.subtract(&self.store.hollow());
        shown
    }

    /// Hashes what lies at the target and is not vouched for by the journal, then takes what older
    /// copies have. Gives the pieces that are here, and how many bytes older copies gave.
    async fn check(&self, clock: &Clock, outlets: &Outlets) -> Result<(PieceSet, u64), Error> {
        let Some(resume) = self.resume.clone() else {
            return Ok((PieceSet::full(self.content.layout.pieces()), 0));
        };
        let (store, content) = (Arc::clone(&self.store), self.content.clone());
        let (clock, progress) = (*clock, outlets.progress.clone());
        let looked = move |piece: PieceIndex| {
            let target = store.target();
            let len = target.stored_len(target.layout().piece_span(piece));
            progress.send_modify(|look| {
                look.phase = Phase::Checking;
                look.elapsed = clock.elapsed();
                look.verified += len;
            });
        };
        let store = Arc::clone(&self.store);
        let checked = tokio::task::spawn_blocking(move || {
            let mut have = resume.have;
            have.union_with(&resume.hollow);
            if !resume.recheck.is_empty() {
                let report = |piece, _right| looked(piece);
                have.union_with(&store.recheck(&resume.recheck, &report)?);
            }
            let mut missing = store.target().wanted();
            missing.subtract(&have);
            // each piece counts once
            let report = |piece| {
                if !resume.recheck.contains(piece) {
                    looked(piece);
                }
            };
            let lent = reuse::take(&content, &store, &missing, &report)?;
            have.union_with(&lent);
            let target = store.target();
            let lens = lent.iter().map(|piece| target.layout().piece_span(piece));
            Ok::<_, StoreError>((have, lens.map(|span| target.stored_len(span)).sum()))
        });
        let checked = checked.await.map_err(|error| {
            Error::new(ErrorKind::Failed, format!("cannot check the copy: {error}"))
        })?;
        checked.map_err(|error| disk_failed(&error))
    }

    /// The origins, and the folders in which lock files of shares may lie.
    async fn find_origins(
        &self,
        mode: OriginMode,
        ids: &SourceIds,
        limit: &Arc<Limiter>,
    ) -> (BTreeMap<SourceId, OriginEntry>, Vec<PathBuf>) {
        let (mut origins, mut folders) = (BTreeMap::new(), Vec::new());
        if matches!(self.content.role, Role::Seed(_)) || mode == OriginMode::Never {
            return (origins, folders);
        }
        let limits = OriginLimits {
            down: Arc::clone(&self.session.limit_down),
            origin: Arc::clone(limit),
            free: self.free_networks(),
        };
        for origin in &self.content.origins {
            origins.insert(ids.next(), OriginEntry::new(Arc::clone(origin)));
        }
        for location in self.content.shares() {
            if let Some(share) = self.find_share(&location).await {
                folders.extend(share.root().parent().map(Path::to_path_buf));
                let share: Arc<dyn OriginSource> = Arc::new(share.with_limits(limits.of_share()));
                origins.insert(ids.next(), OriginEntry::new(share));
            }
        }
        let mut options = self.mirror_options.clone();
        options.limits = limits.all();
        // where there is room for the copy
        options.spool_folder = Some(self.content.options.into.clone());
        for mirror in mirrors::find(&self.content, &options, &limits).await {
            origins.insert(ids.next(), OriginEntry::new(mirror));
        }
        if mode == OriginMode::Fast {
            folders.clear();
        } else if !folders.is_empty() {
            folders.extend(self.content.options.torrent_folder.clone());
        }
        (origins, folders)
    }

    /// Where the limits of the session do not hold.
    fn free_networks(&self) -> Networks {
        Networks::new(self.content.options.no_limit.clone())
    }

    /// The keeper of the share's locks; it tells the loop how it fares.
    fn start_guard(&self, locks: guard::Found) -> Option<Guard> {
        let notes = self.notes.0.clone();
        Guard::start(locks, move |news| {
            notes.blocking_send(Note::Guard(news)).is_ok()
        })
    }

    async fn find_share(&self, location: &Path) -> Option<ShareSource> {
        let shape = self.source_shape();
        let layout = Arc::clone(&self.content.layout);
        let found = ShareSource::locate(location, &self.content.name, shape, layout).await;
        match found {
            Ok(share) if is_same(share.root(), &self.target_path()) => {
                tracing::warn!(
                    "share left out: {} is the target itself",
                    share.root().display()
                );
                None
            }
            Ok(share) => Some(share),
            Err(error) => {
                tracing::warn!("share left out: {error}");
                None
            }
        }
    }

    fn target_path(&self) -> PathBuf {
        let name = self.content.name.to_path(swarmcopy_layout::Platform::HERE);
        self.content.options.into.join(name)
    }

    fn source_shape(&self) -> swarmcopy_sources::Shape {
        if self.content.is_tree() {
            swarmcopy_sources::Shape::Tree
        } else {
            swarmcopy_sources::Shape::File
        }
    }

    /// What this machine tells others of ours about itself.
    fn hello(&self, policy: &Policy, origins: &BTreeMap<SourceId, OriginEntry>) -> Hello {
        Hello {
            node: self.node,
            origins: origins.values().map(OriginEntry::tag).collect(),
            readers_max: policy.readers_max,
            group: Some(policy.group.clone()),
            class: policy.class(),
            ..Hello::default()
        }
    }

    fn swarm_config(&self, have: PieceSet, ids: Arc<SourceIds>, hello: Hello) -> SwarmConfig {
        let session = &self.session;
        let private = self.content.is_private();
        let layout = Arc::clone(&self.content.layout);
        if self.content.has_whole_files() {
            // what nobody has verified yet is not handed on, nor taken from others
            return SwarmConfig::new(self.content.swarm_id, session.peer_id, layout);
        }
        let mut config = SwarmConfig::new(self.content.swarm_id, session.peer_id, layout);
        config.have = have;
        config.private = private;
        config.listener = Some(Arc::clone(&session.listener));
        config.lsd = session.lsd.clone().filter(|_| !private);
        config.hello = Some(hello);
        config.info_bytes = self.content.info_bytes();
        config.limit_down = Some(Arc::clone(&session.limit_down));
        config.limit_up = Some(Arc::clone(&session.limit_up));
        config.no_limit = self.free_networks();
        config.pex = session.config.pex;
        config.encryption = session.config.encryption.into();
        config.links_max = self.content.options.connections;
        config.trackers = self.content.trackers();
        config.peers = self
            .content
            .options
            .peers
            .iter()
            .filter_map(|peer| peer.parse().ok())
            .collect();
        config.ids = ids;
        config
    }
}

fn open_store(
    content: &Content,
    notes: mpsc::Sender<Note>,
) -> Result<(Store, Option<Resume>), Error> {
    let failed = |error: StoreError| disk_failed(&error);
    let wanted = select::wanted(&content.layout, &content.options.select)?;
    let shape = if content.is_tree() {
        Shape::Tree
    } else {
        Shape::File
    };
    let (layout, digests) = (Arc::clone(&content.layout), Arc::clone(&content.digests));
    let id = content.padded_id();
    let name = content.name.clone();
    let target = match wanted {
        None => Target::new(name, shape, layout, digests, id),
        Some(wanted) => Target::of_some(name, shape, layout, digests, id).and_then(|target| {
            target.select(&|file| {
                let at = usize::try_from(file.value()).ok();
                let at = at.and_then(|at| wanted.get(at));
                at.copied().unwrap_or(false)
            })
        }),
    };
    let target = target.map_err(failed)?;
    let mut options = Options::default();
    if content.options.staged || must_be_staged(content, &target) {
        options.placement = Placement::Staged;
    }
    match &content.role {
        Role::Copy => {
            let tell = move |event| {
                if let Some(note) = note_of(event) {
                    // the engine is gone when nobody listens
                    let _ = notes.blocking_send(note);
                }
            };
            let (store, resume) =
                Store::open(&content.options.into, target, &options, Box::new(tell))
                    .map_err(failed)?;
            Ok((store, Some(resume)))
        }
        Role::Seed(folder) => {
            let store = Store::open_read_only(folder, target, &options).map_err(failed)?;
            Ok((store, None))
        }
    }
}

/// Files that are verified as a whole stand under a temporary name before: unless they are there already,
/// and right.
fn must_be_staged(content: &Content, target: &Target) -> bool {
    let check = || swarmcopy_piece_store::check(&content.options.into, target, 0, &|_, _| ());
    content.has_whole_files() && !check().is_ok_and(|report| report.is_whole())
}

fn note_of(event: StoreEvent) -> Option<Note> {
    Some(match event {
        StoreEvent::PieceOk { piece } => Note::PieceOk { piece },
        StoreEvent::PieceBad { piece, senders } => Note::PieceBad {
            piece,
            senders: senders.into_iter().map(SourceId).collect(),
        },
        StoreEvent::Liar { sender } => Note::Liar {
            source: SourceId(sender),
        },
        StoreEvent::Failed(error) => Note::DiskFailed {
            error: Arc::new(error),
        },
        _ => return None,
    })
}

/// Whether two paths are the same file or folder.
fn is_same(a: &Path, b: &Path) -> bool {
    match (swarmcopy_sys::file_id(a), swarmcopy_sys::file_id(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
