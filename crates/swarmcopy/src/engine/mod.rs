//! The engine: one loop per content that feeds the scheduler and does what it says.
//!
//! The loop owns the scheduler and awaits nothing but news: fetches run in tasks of their own, disk
//! and hashes on the store's threads, links in the swarm's tasks. What they tell comes through
//! bounded channels; what they are told never blocks.

mod account;
mod arrivals;
mod clock;
mod ending;
mod entry;
mod failure;
mod fetch;
mod fetches;
mod lacking;
mod late;
mod lost;
mod named;
mod news;
mod note;
mod origins;
mod policy;
mod proofs;
mod proving;
mod reader;
mod recording;
mod standing;
mod telling;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use swarmcopy_layout::{PieceIndex, PieceSet};
use swarmcopy_piece_store::{Store, Target};
use swarmcopy_recording::Recorder;
use swarmcopy_scheduler::origin::Hours;
use swarmcopy_scheduler::{Action, Event, JobId, Reason, Scheduler, SourceId, SourceInfo};

use swarmcopy_swarm::{PeerLink, Swarm, SwarmEvent};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::content::Content;
use crate::event::Teller;
use crate::guard::Guard;
use crate::holder::Holder;
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::status::StatusWriter;
use crate::tree::Applied;
use crate::{Error, GuardState, Phase, Progress, Report, SourceKind, disk};

pub(crate) use account::{Account, LAN};
use arrivals::Arrivals;
pub(crate) use clock::Clock;
pub(crate) use entry::{Late, OriginEntry};
pub(crate) use failure::interrupted;
use lacking::Lacking;
use lost::Lost;
use news::News;
pub(crate) use note::Note;
pub(crate) use proving::prove;
pub(crate) use reader::StoreReader;
pub(crate) use standing::Named;
use telling::Tellings;

/// News taken in before the scheduler's actions are carried out.
const NEWS_MAX: usize = 128;
/// How often a look at the copy is published and deadlines are checked.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The ends that the world outside holds.
#[derive(Debug, Clone)]
pub(crate) struct Outlets {
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) complete: watch::Sender<Option<Duration>>,
    pub(crate) events: Teller,
    pub(crate) stop: CancellationToken,
}

/// What an engine is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) content: Content,
    pub(crate) scheduler: Scheduler,
    pub(crate) clock: Clock,
    pub(crate) store: Arc<Store>,
    /// The hold on the target, if something is copied.
    pub(crate) holder: Option<Holder>,
    pub(crate) swarm: Swarm,
    pub(crate) swarm_events: mpsc::Receiver<SwarmEvent>,
    pub(crate) notes: (mpsc::Sender<Note>, mpsc::Receiver<Note>),
    pub(crate) origins: BTreeMap<SourceId, OriginEntry>,
    pub(crate) named: Vec<Named>,
    pub(crate) late: Late,
    pub(crate) policy: Policy,
    pub(crate) hours: Hours,
    pub(crate) guard: Option<Guard>,
    pub(crate) guard_state: GuardState,
    pub(crate) have: PieceSet,
    /// What older copies gave.
    pub(crate) lent: (SourceId, u64),
    pub(crate) outlets: Outlets,
    /// Who tells onlookers.
    pub(crate) status: Option<StatusWriter>,
    pub(crate) recorder: Option<Recorder>,
}

/// The loop of one content.
#[derive(Debug)]
pub(crate) struct Engine {
    content: Content,
    scheduler: Scheduler,
    clock: Clock,
    store: Arc<Store>,
    holder: Option<Holder>,
    /// Whether another process wants to put another version in the place of this one.
    asked: bool,
    swarm: Swarm,
    swarm_events: Option<mpsc::Receiver<SwarmEvent>>,
    notes: mpsc::Sender<Note>,
    notes_in: Option<mpsc::Receiver<Note>>,
    origins: BTreeMap<SourceId, OriginEntry>,
    late: Late,
    policy: Policy,
    hours: Hours,
    guard: Option<Guard>,
    guard_state: GuardState,
    /// Why each origin was not read, as last told.
    denied: BTreeMap<SourceId, Reason>,
    tellings: Tellings,
    lost: Lost,
    links: BTreeMap<SourceId, Arc<PeerLink>>,
    jobs: BTreeMap<JobId, CancellationToken>,
    tasks: TaskTracker,
    account: Account,
    arrivals: Arrivals,
    outlets: Outlets,
    status: Option<StatusWriter>,
    recorder: Option<Recorder>,
    phase: Phase,
    verified: u64,
    reused: u64,
    rate: (u64, Instant, u64),
    verified_at: Instant,
    /// When the last bytes came.
    useful_at: Instant,
    completed: Option<(Instant, Duration)>,
    /// What was done to the tree besides its bytes.
    applied: Applied,
    hopeless_since: Option<Instant>,
    /// Since when every origin refuses and nobody else is there.
    refused_since: Option<Instant>,
    failed: Option<Error>,
    /// What was told last, for events.
    news: News,
    /// How many pieces each file lacks.
    lacking: Lacking,
    /// Of a copy that is only served: files that are not as they should be.
    damaged: Vec<String>,
    /// When that was known.
    damaged_at: Option<Instant>,
}

impl Engine {
    pub(crate) fn new(parts: Parts) -> Self {
        let target = parts.store.target();
        let lens = parts.have.iter().map(|piece| stored_len(target, piece));
        let verified = lens.sum();
        let arrivals = Arrivals::new(parts.content.options.keep_arrivals);
        let mut account = Account::of_lent(parts.lent, &parts.content.options.reuse);
        account.name_all(parts.named);
        let lacking = Lacking::new(target, &parts.have);
        Self {
            content: parts.content,
            scheduler: parts.scheduler,
            clock: parts.clock,
            store: parts.store,
            holder: parts.holder,
            asked: false,
            swarm: parts.swarm,
            swarm_events: Some(parts.swarm_events),
            notes: parts.notes.0,
            notes_in: Some(parts.notes.1),
            origins: parts.origins,
            late: parts.late,
            policy: parts.policy,
            hours: parts.hours,
            guard: parts.guard,
            guard_state: parts.guard_state,
            denied: BTreeMap::new(),
            tellings: Tellings::default(),
            lost: Lost::default(),
            links: BTreeMap::new(),
            jobs: BTreeMap::new(),
            tasks: TaskTracker::new(),
            account,
            arrivals,
            outlets: parts.outlets,
            status: parts.status,
            recorder: parts.recorder,
            phase: Phase::Copying,
            verified,
            reused: verified,
            rate: (0, Instant::now(), verified),
            verified_at: Instant::now(),
            useful_at: Instant::now(),
            completed: None,
            applied: Applied::default(),
            hopeless_since: None,
            refused_since: None,
            failed: None,
            news: News::default(),
            lacking,
            damaged: Vec::new(),
            damaged_at: None,
        }
    }

    /// Runs the copy to its end: complete and served long enough, failed, or stopped.
    pub(crate) async fn run(mut self) -> Outcome {
        let (Some(mut events), Some(mut notes)) = (self.swarm_events.take(), self.notes_in.take())
        else {
            let error = Error::new(crate::ErrorKind::Failed, "the engine was started twice");
            return Outcome::of(Report::default(), error);
        };
        self.start_origins();
        self.explain_never();
        let stop = self.outlets.stop.clone();
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            self.carry_out();
            if let Some(end) = self.end_reached() {
                return self.wind_up(end, notes).await;
            }
            let wake = self.scheduler.poll_timeout().map(|at| self.clock.at(at));
            tokio::select! {
                () = stop.cancelled() => {
                    let served = self.completed.is_some() || self.damaged_at.is_some();
                    let end = if served { Ok(()) } else { Err(interrupted()) };
                    return self.wind_up(end, notes).await;
                }
                Some(note) = notes.recv() => {
                    self.take_note(note);
                    for _ in 0..NEWS_MAX {
                        let Ok(note) = notes.try_recv() else { break };
                        self.take_note(note);
                    }
                }
                Some(event) = events.recv() => {
                    self.take_swarm_event(event);
                    for _ in 0..NEWS_MAX {
                        let Ok(event) = events.try_recv() else { break };
                        self.take_swarm_event(event);
                    }
                }
                () = sleep_until(wake) => {
                    self.pass_time();
                }
                _ = look.tick() => {
                    self.check_hours();
                    self.explain_denials();
                    self.explain_left_out();
                    self.asked = self.holder.as_ref().is_some_and(Holder::is_asked);
                    self.look_at_proofs();
                    self.look();
                }
            }
        }
    }

    fn take_note(&mut self, note: Note) {
        match note {
            Note::Progress { job, source, bytes } => {
                self.brought(source, bytes);
                self.tell(Event::Progress { job, bytes });
            }
            Note::JobEnd {
                job,
                source,
                outcome,
                bytes,
                missing,
                why,
            } => {
                self.jobs.remove(&job);
                self.brought(source, bytes);
                self.account.fetch_ends(source, why.as_ref());
                if let Some(why) = why {
                    tracing::debug!(?job, ?outcome, %why, "fetch ended early");
                }
                self.tell(Event::JobEnd {
                    job,
                    outcome,
                    bytes,
                    missing,
                });
            }
            Note::PieceOk { piece } => self.piece_ok(piece),
            Note::PieceBad { piece, senders } => {
                self.account.bad_pieces += 1;
                self.account.wasted += self.content.layout.piece_span(piece).len();
                self.tell(Event::PieceBad { piece, senders });
            }
            Note::Liar { source, piece } => self.tell(Event::Liar { source, piece }),
            Note::DiskFailed { error } => self.failed = Some(disk::store_failed(&error)),
            Note::Finished { result } => self.finished(result),
            Note::Checked { checked } => self.checked(*checked),
            Note::Guard(news) => self.take_guard_news(news),
            Note::Share { id, looked, again } => self.share_looked(id, looked, again),
            Note::Way(way) => self.take_way(way),
            Note::Mirror { id, made } => self.mirror_made(id, made),
        }
    }

    /// A source brought bytes.
    fn brought(&mut self, source: SourceId, bytes: u64) {
        if bytes > 0 {
            self.account.brought(source, bytes);
            self.useful_at = Instant::now();
        }
    }

    fn piece_ok(&mut self, piece: PieceIndex) {
        let len = stored_len(self.store.target(), piece);
        self.verified += len;
        self.verified_at = Instant::now();
        if let Some(kind) = self.arrivals.verified(piece, self.clock.elapsed()) {
            self.account.verified(kind, len);
        }
        if self.store.has(piece) {
            self.swarm.have(piece);
        }
        self.tell_files_done(piece);
        self.tell(Event::PieceOk { piece });
    }

    fn note_link(&mut self, id: SourceId, link: Arc<PeerLink>) {
        if link.is_caller() {
            self.account.callers += 1;
        } else {
            self.account.called += 1;
        }
        self.links.insert(id, link);
    }

    fn take_swarm_event(&mut self, event: SwarmEvent) {
        match event {
            SwarmEvent::LinkUp {
                id,
                link,
                hello,
                addr,
                client,
            } => {
                self.account
                    .source_up(id, SourceKind::Peer, format!("{addr} {client}"));
                self.note_link(id, link);
                if let Some(hello) = &hello {
                    self.lost.linked(id, hello.node);
                }
                self.tell(Event::SourceUp {
                    source: id,
                    info: SourceInfo::Peer { hello },
                });
            }
            SwarmEvent::LinkDown { id, how, why } => {
                tracing::debug!(?id, ?how, %why, "link down");
                if let Some(link) = self.links.remove(&id) {
                    self.account.wasted += link.stats().wasted;
                }
                self.account.source_down(id);
                self.lost.gone(id, how, Instant::now());
                self.tell(Event::SourceDown { source: id, how });
            }
            SwarmEvent::Dead { node } => {
                self.lost.dead(node);
                self.tell(Event::Dead { node });
            }
            SwarmEvent::Has { id, has } => self.tell(Event::SourceHas { source: id, has }),
            SwarmEvent::Unchoked { id } => self.tell(Event::Unchoked { source: id }),
            SwarmEvent::Choked { id } => self.tell(Event::Choked { source: id }),
            SwarmEvent::Suggested { id, piece } => {
                self.tell(Event::Suggested { source: id, piece });
            }
            SwarmEvent::Interested { id } => {
                self.lost.lacks(id, true);
                self.tell(Event::Interested { source: id });
            }
            SwarmEvent::NotInterested { id } => {
                self.lost.lacks(id, false);
                self.tell(Event::NotInterested { source: id });
            }
            SwarmEvent::Slots { id, message } => self.tell(Event::Slots {
                source: id,
                message,
            }),
            SwarmEvent::Uploaded { id, piece, bytes } => {
                self.account.uploaded += bytes;
                self.tell(Event::Uploaded {
                    source: id,
                    piece,
                    bytes,
                });
            }
            SwarmEvent::Discovery(discovery) => self.tell(Event::Discovery(discovery)),
            SwarmEvent::TrackerNote {
                tracker,
                note,
                again,
            } => self.note_tracker(&tracker, &note, again),
            SwarmEvent::Named { peer, answer } => self.note_peer(&peer, &answer),
            SwarmEvent::Announced { sent } => self.note_announced(sent),
            _ => {}
        }
    }

    /// Does everything that the scheduler asked for.
    fn carry_out(&mut self) {
        while let Some(action) = self.next_action() {
            match action {
                Action::Fetch { job, source, span } => self.start_fetch(job, source, span),
                Action::Cancel { job } => {
                    if let Some(cancel) = self.jobs.get(&job) {
                        cancel.cancel();
                    }
                }
                Action::OpenOrigin { permit } => self.open_origin(permit),
                Action::CloseOrigin { source } => self.close_origin(source),
                Action::Complete => self.copied(),
                Action::Ban {
                    source,
                    reason,
                    proof,
                } => {
                    tracing::warn!(source = self.account.name(source), %reason, %proof, "put out");
                    self.swarm.ban(source, proof);
                }
                Action::Guard { slot, take } => self.order_lock(slot, take),
                Action::LimitOrigins { rate_bytes } => self.late.limits.origin.set_rate(rate_bytes),
                Action::Interested { source } => self.with_link(source, PeerLink::interested),
                Action::NotInterested { source } => {
                    self.with_link(source, PeerLink::not_interested);
                }
                Action::Unchoke { source } => self.with_link(source, PeerLink::unchoke),
                Action::Choke { source } => self.with_link(source, PeerLink::choke),
                Action::Suggest { source, piece } => {
                    self.with_link(source, |link| link.suggest(piece));
                }
                Action::SendSlots { source, message } => {
                    self.with_link(source, |link| link.send_slots(message));
                }
                Action::Explain {
                    reason,
                    source,
                    piece,
                } => {
                    if let Some(source) = source {
                        self.denied.remove(&source);
                    }
                    self.explain(reason, source, piece);
                }
                _ => {}
            }
        }
    }

    fn with_link(&self, id: SourceId, act: impl FnOnce(&PeerLink)) {
        if let Some(link) = self.links.get(&id) {
            act(link);
        }
    }
}

/// How many bytes of `piece` belong to wanted files.
fn stored_len(target: &Target, piece: PieceIndex) -> u64 {
    target.stored_len(target.layout().piece_span(piece))
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
