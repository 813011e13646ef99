//! From a content to a running engine: the store is opened, what lies there is checked, origins are
//! found, the swarm is joined.

mod join;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::PieceSet;
use swarmcopy_piece_store::{Resume, Store, Tenure};
use swarmcopy_recording::Head;
use swarmcopy_scheduler::NodeId;
use swarmcopy_scheduler::origin::{GuardUse, OriginConfig};
use swarmcopy_sources::{Limiter, MirrorOptions, Networks};
use swarmcopy_swarm::{Dht, DhtOptions, Listener, Lsd, LsdOptions, SourceIds, Swarm};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::content::Content;
use crate::engine::{Clock, Engine, Late, Note, Outlets, Parts, StoreReader, prove};
use crate::guard::Guard;
use crate::holder::Holder;
use crate::inner::Inner;
use crate::limits::OriginLimits;
use crate::opening::{Opened, open_store};
use crate::origins::{self, Found, Search};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::status::StatusWriter;
use crate::{Config, Error, ErrorKind, Report, Started, checking, recorded, web};

/// News of fetches and the store that may wait for the loop.
const NOTES_MAX: usize = 1024;
/// How long the start of a seed waits for its copy to be proven.
const PROVEN_SOON: Duration = Duration::from_millis(500);
/// News of links that may wait for the loop.
const SWARM_EVENTS_MAX: usize = 1024;

/// Local discovery on the listener's interface.
///
/// # Errors
/// Why there is none.
pub(crate) fn lsd(
    config: &Config,
    listener: &Listener,
    stop: &CancellationToken,
) -> Result<Arc<Lsd>, String> {
    let mut options = LsdOptions::default();
    options.looks_on = config.looks_on;
    options.ip = listener.bound_ip();
    Lsd::start(&options, stop).map_err(|error| {
        tracing::info!(%error, "no local discovery");
        error.to_string()
    })
}

/// The distributed hash table, from the listener's address if that is one.
pub(crate) async fn dht(config: &Config, listener: &Listener) -> Result<Arc<Dht>, Error> {
    let ip = listener.bound_ip().and_then(|ip| match ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    });
    let options = DhtOptions::new(config.dht_nodes.clone(), ip);
    let started = tokio::task::spawn_blocking(move || Dht::start(&options)).await;
    let failed = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Failed, error.to_string());
    let started = started.map_err(|error| failed(&error))?;
    started.map_err(|error| failed(&error))
}

/// A content whose store is open.
#[derive(Debug)]
pub(crate) struct Prepared {
    session: Arc<Inner>,
    content: Content,
    store: Arc<Store>,
    /// The hashing of a copy that is only served ends with this.
    proving: Option<DropGuard>,
    resume: Option<Resume>,
    holder: Option<Holder>,
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
        let mirror_options = web::mirror_options(&content.options)?;
        let notes = mpsc::channel(NOTES_MAX);
        let mut rng = fastrand::Rng::with_seed(swarmcopy_sys::random::seed());
        let seed = session.config.seed.unwrap_or_else(|| rng.u64(..));
        let node = NodeId(rng.u64(1..).to_be_bytes());
        origins::check_named(&content).await?;
        check_ways_of_new(&session, &content).await?;
        let tell = notes.0.clone();
        let opened = {
            let span = tracing::Span::current();
            tokio::task::spawn_blocking(move || span.in_scope(|| open_store(content, tell))).await
        };
        let Opened {
            content,
            store,
            resume,
            holder,
        } = opened.map_err(|error| {
            Error::new(ErrorKind::Failed, format!("cannot open the copy: {error}"))
        })??;
        let store = Arc::new(store);
        let proving = if content.is_seed() {
            let stop = session.stop.child_token();
            let ends = stop.clone().drop_guard();
            let proven = prove(Arc::clone(&store), notes.0.clone(), stop);
            // of a small copy all is known before anybody asks
            let _goes_on = tokio::time::timeout(PROVEN_SOON, proven.cancelled()).await;
            Some(ends)
        } else {
            None
        };
        Ok(Self {
            session,
            content,
            store,
            proving,
            resume,
            holder,
            mirror_options,
            seed,
            node,
            notes,
        })
    }

    /// Where notes for the engine go.
    pub(crate) fn notes(&self) -> mpsc::Sender<Note> {
        self.notes.0.clone()
    }

    /// How long its store holds the copy.
    pub(crate) fn tenure(&self) -> Tenure {
        self.store.tenure()
    }

    /// What is known before it runs.
    pub(crate) fn started(&self) -> Started {
        let info = self.content.torrent.as_ref().map(|torrent| &torrent.info);
        let (layout, target) = (&self.content.layout, self.store.target());
        Started {
            name: self.content.name().to_owned(),
            info_hash: info.and_then(|info| info.info_hash_v1),
            info_hash_v2: info.and_then(|info| info.info_hash_v2),
            bytes: target.bytes(),
            pieces: layout.pieces(),
            files: target.stored_files().count(),
            listen: self.session.listener.local_addr(),
            seed: self.seed,
        }
    }

    /// Runs the copy to its end.
    pub(crate) async fn run(mut self, clock: Clock, outlets: Outlets) -> Outcome {
        let _ends_with_this = self.proving.take();
        let bytes = self.store.target().bytes();
        match self.engine(clock, outlets).await {
            // large, as is this future
            Ok(engine) => Box::pin(engine.run()).await,
            Err(error) => {
                let report = Report {
                    bytes,
                    elapsed: clock.elapsed(),
                    ..Report::default()
                };
                Outcome::of(report, error)
            }
        }
    }

    /// Checks what lies there, finds origins, joins the swarm.
    async fn engine(self, clock: Clock, outlets: Outlets) -> Result<Engine, Error> {
        let (have, lent) = tokio::select! {
            () = outlets.stop.cancelled() => return Err(crate::engine::interrupted()),
            checked = self.check(&clock, &outlets) => checked?,
        };
        let ids = Arc::new(SourceIds::new());
        // this machine's part of the origin's budget: the scheduler says how much that is
        let origin_limit = Arc::new(Limiter::new(None));
        let mut policy = Policy::of(&self.content);
        if self.is_stuck(&have) {
            return Err(origins::no_ways(&self.content));
        }
        let late = self.late(&ids, &origin_limit);
        let Found {
            origins,
            locks,
            mut named,
        } = tokio::select! {
            () = outlets.stop.cancelled() => return Err(crate::engine::interrupted()),
            found = self.find_origins(&policy, &late) => found,
        };
        named.extend(self.named_ways(&ids));
        if let Some(slots) = locks.slots() {
            policy.limit_readers(slots);
        }
        let guard_state = locks.state;
        let notes = self.notes.0.clone();
        let guard = Guard::start(locks, move |news| {
            notes.blocking_send(Note::Guard(news)).is_ok()
        });
        let (tell, swarm_events) = mpsc::channel(SWARM_EVENTS_MAX);
        let hello = self.hello(&policy, &origins);
        let lent = (ids.next(), lent);
        let (board, status) = StatusWriter::start(&self.content, &policy, self.node).unzip();
        let mut config = self.swarm_config(self.shown(&have), ids, hello);
        config.status = board;
        let blocks = Arc::new(StoreReader::new(Arc::clone(&self.store)));
        let swarm = Swarm::start(config, blocks, tell, &self.session.quit);
        self.ask_discoveries();
        let mut config = policy.origin_config(self.node, self.content.padded_id());
        if guard.is_some() {
            config.guard = GuardUse::Active;
        }
        let hours = config.hours;
        let head = self.head(config, &have, &clock);
        let scheduler = head.scheduler();
        let recorder = recorded::begin(&self.content, head).await?;
        Ok(Engine::new(Parts {
            content: self.content,
            scheduler,
            clock,
            store: self.store,
            holder: self.holder,
            swarm,
            swarm_events,
            notes: self.notes,
            origins,
            named,
            late,
            policy,
            hours,
            guard,
            guard_state,
            have,
            lent,
            outlets,
            status,
            recorder,
        }))
    }

    /// What is needed to read origins that are named later.
    fn late(&self, ids: &Arc<SourceIds>, origin_limit: &Arc<Limiter>) -> Late {
        let limits = OriginLimits {
            down: Arc::clone(&self.session.limit_down),
            origin: Arc::clone(origin_limit),
            free: self.free_networks(),
        };
        let mut mirrors = self.mirror_options.clone();
        mirrors.limits = limits.all();
        // where there is room for the copy
        mirrors.spool_folder = Some(self.content.options.into.clone());
        Late {
            ids: Arc::clone(ids),
            limits,
            mirrors,
        }
    }

    /// All that the scheduler is told at its start.
    fn head(&self, origin: OriginConfig, have: &PieceSet, clock: &Clock) -> Head {
        let layout = Arc::clone(&self.content.layout);
        let mut config = swarmcopy_scheduler::Config::new(origin);
        config.budget_bytes = config.budget_bytes.max(layout.piece_len() * 4);
        Head {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            config,
            layout,
            wanted: self.wanted(),
            have: have.clone(),
            start: clock.now(),
            seed: self.seed,
        }
    }

    /// The pieces to be fetched: of what is only served, none ever.
    fn wanted(&self) -> PieceSet {
        if self.content.is_seed() {
            PieceSet::empty(self.content.layout.pieces())
        } else {
            self.store.target().wanted()
        }
    }

    /// What of `have` peers can be given: not what lies here in part only.
    fn shown(&self, have: &PieceSet) -> PieceSet {
        let mut shown = have.clone();
        shown.subtract(&self.store.hollow());
        shown
    }

    /// The pieces that are here, and how many bytes older copies gave.
    async fn check(&self, clock: &Clock, outlets: &Outlets) -> Result<(PieceSet, u64), Error> {
        let store = Arc::clone(&self.store);
        let Some(resume) = self.resume.clone() else {
            return Ok((store.have(), 0));
        };
        let look = checking::Look {
            clock: *clock,
            progress: outlets.progress.clone(),
        };
        checking::check(self.content.clone(), store, resume, look).await
    }

    /// Whether pieces are missing and nobody can bring them.
    fn is_stuck(&self, have: &PieceSet) -> bool {
        if self.content.is_seed() {
            return false;
        }
        let mut missing = self.store.target().wanted();
        missing.subtract(have);
        let looks = looks_for_others(&self.session, &self.content);
        !missing.is_empty() && !origins::has_ways(&self.content, looks)
    }

    /// The origins that can be had soon; what else was named is looked for on.
    async fn find_origins(&self, policy: &Policy, late: &Late) -> Found {
        let search = Search {
            content: &self.content,
            mode: policy.mode,
            guard: policy.guard,
            ids: &late.ids,
            limits: &late.limits,
            mirrors: &late.mirrors,
            target: self.content.target_path(),
            notes: &self.notes.0,
        };
        search.run().await
    }

    /// Where the limits of the session do not hold.
    fn free_networks(&self) -> Networks {
        Networks::new(self.content.options.no_limit.clone())
    }
}

/// Whether others are looked for on the local network, or in the embedder's own way.
fn looks_for_others(session: &Inner, content: &Content) -> bool {
    let is_looking = session.lsd.is_some() || !session.discoveries.is_empty();
    is_looking && !content.is_private()
}

/// Fails before anything is written where nothing lies yet and nobody can bring it.
async fn check_ways_of_new(session: &Inner, content: &Content) -> Result<(), Error> {
    let target = content.target_path();
    let is_there = tokio::task::spawn_blocking(move || target.exists()).await;
    if is_there.unwrap_or(true) {
        return Ok(());
    }
    let has_ways = origins::has_ways(content, looks_for_others(session, content));
    if has_ways || !content.options.reuse.is_empty() {
        Ok(())
    } else {
        Err(origins::no_ways(content))
    }
}
