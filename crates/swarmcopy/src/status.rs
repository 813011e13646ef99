//! What this machine tells onlookers of itself.
//!
//! What must stay true: no path of this machine, no login and no secret of an address is told; writing it costs no
//! more than a look at the copy, and a disk that hangs keeps nothing waiting.

mod scrub;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use swarmcopy_bt_wire::extension::{
    DecisionStatus, MachineStatus, STATUS_DECISIONS_MAX, STATUS_SOURCES_MAX, SourceStatus,
};
use swarmcopy_scheduler::NodeId;
use swarmcopy_swarm::StatusBoard;
use swarmcopy_sys::{host, space};

use crate::content::{Content, Role};
use crate::policy::Policy;
use crate::{MachineClass, Phase, Progress, SourceKind, SourceProgress, StatusUse};
use scrub::Scrub;

/// How often the board is written.
const WRITE_EVERY: Duration = Duration::from_millis(900);
/// How often the disk is asked for its room.
const DISK_EVERY: Duration = Duration::from_secs(15);
/// What stands for room that is not known.
const UNKNOWN: u64 = u64::MAX;

/// Writes the board that onlookers are answered from.
#[derive(Debug)]
pub(crate) struct StatusWriter {
    board: Arc<StatusBoard>,
    /// What does not change.
    template: MachineStatus,
    scrub: Scrub,
    disk: Disk,
    error: String,
    written_at: Option<(Instant, Phase)>,
}

/// The disk of the copy, asked on a thread that may hang.
#[derive(Debug)]
struct Disk {
    folder: PathBuf,
    free: Arc<AtomicU64>,
    asked_at: Option<Instant>,
    asking: Option<tokio::task::JoinHandle<()>>,
}

impl StatusWriter {
    /// The board and who writes it, if this machine tells anybody.
    pub(crate) fn start(
        content: &Content,
        policy: &Policy,
        node: NodeId,
    ) -> Option<(Arc<StatusBoard>, Self)> {
        let options = &content.options;
        if options.status == StatusUse::Nobody {
            return None;
        }
        let board = StatusBoard::new();
        let mut template = MachineStatus::default();
        template.name = options
            .machine_name
            .clone()
            .or_else(host::name)
            .unwrap_or_else(|| "unnamed".to_owned());
        env!("CARGO_PKG_VERSION").clone_into(&mut template.version);
        template.system = host::system();
        template.node = node.0;
        template.readers_max = policy.readers_max;
        template.group.clone_from(&policy.group);
        class_name(policy.class).clone_into(&mut template.class);
        let folder = match &content.role {
            Role::Copy => options.into.clone(),
            Role::Seed(folder) => folder.clone(),
        };
        let mut paths = vec![folder.clone()];
        paths.extend(content.shares());
        paths.extend(options.reuse.iter().cloned());
        let writer = Self {
            board: Arc::clone(&board),
            template,
            scrub: Scrub::of(&paths),
            disk: Disk {
                folder,
                free: Arc::new(AtomicU64::new(UNKNOWN)),
                asked_at: None,
                asking: None,
            },
            error: String::new(),
            written_at: None,
        };
        Some((board, writer))
    }

    /// Writes how the copy does, if that is due.
    pub(crate) fn write(&mut self, progress: &Progress) {
        let now = Instant::now();
        let fresh = self.written_at.is_some_and(|(at, phase)| {
            phase == progress.phase && now.saturating_duration_since(at) < WRITE_EVERY
        });
        if fresh {
            return;
        }
        self.written_at = Some((now, progress.phase));
        let troubled = |source: &&SourceProgress| source.state.is_trouble();
        if let Some(source) = progress.sources.iter().find(troubled) {
            let why = source.why.as_deref().unwrap_or(source.state.as_str());
            self.error = format!("{}: {}", source.kind.as_str(), self.scrub.text(why));
        }
        let machine = self.machine(progress, now);
        let sources = self.sources(progress);
        self.board.write(machine, sources, decisions(progress));
    }

    fn machine(&mut self, progress: &Progress, now: Instant) -> MachineStatus {
        let mut machine = self.template.clone();
        phase_name(progress.phase).clone_into(&mut machine.phase);
        machine.elapsed_ms = millis(progress.elapsed);
        machine.bytes = progress.bytes;
        machine.verified = progress.verified;
        machine.rate = progress.rate;
        machine.from_share = progress.brought(SourceKind::Share);
        machine.from_mirror = progress.brought(SourceKind::Mirror);
        machine.from_peers = progress.brought(SourceKind::Peer);
        machine.reused = progress.brought(SourceKind::Reuse);
        machine.uploaded = progress.uploaded;
        machine.wasted = progress.wasted;
        machine.bad_pieces = progress.bad_pieces;
        machine.peers = progress.peers;
        machine.slots.clone_from(&progress.slots);
        if let Some(words) = &progress.waiting_for {
            let code = progress.waiting_code.unwrap_or("unknown");
            code.clone_into(&mut machine.wait);
            machine.wait_words = self.scrub.text(words);
            machine.wait_ms = millis(progress.quiet);
        }
        machine.error.clone_from(&self.error);
        machine.free = self.disk.free(now);
        machine.room_origin_bytes = progress.swarm_origin_bytes;
        machine
    }

    /// The sources that do most, those in trouble among them.
    fn sources(&self, progress: &Progress) -> Vec<SourceStatus> {
        let mut sources: Vec<_> = progress.sources.iter().collect();
        sources.sort_by_key(|source| {
            std::cmp::Reverse((source.state.is_trouble(), source.rate, source.bytes))
        });
        let told = sources.into_iter().take(STATUS_SOURCES_MAX);
        told.map(|source| {
            let mut told = SourceStatus::default();
            source.kind.as_str().clone_into(&mut told.kind);
            told.name = match source.kind {
                SourceKind::Share => "share".to_owned(),
                SourceKind::Reuse => "older copy".to_owned(),
                _ => self.scrub.text(&source.name),
            };
            source.state.as_str().clone_into(&mut told.state);
            told.why = self.scrub.text(source.why.as_deref().unwrap_or_default());
            (told.rate, told.bytes) = (source.rate, source.bytes);
            told
        })
        .collect()
    }
}

impl Disk {
    /// Its room as last heard; asks again when that is old.
    fn free(&mut self, now: Instant) -> Option<u64> {
        let old = |at| now.saturating_duration_since(at) >= DISK_EVERY;
        let idle = self
            .asking
            .as_ref()
            .is_none_or(tokio::task::JoinHandle::is_finished);
        if idle && self.asked_at.is_none_or(old) {
            self.asked_at = Some(now);
            let (folder, free) = (self.folder.clone(), Arc::clone(&self.free));
            self.asking = Some(tokio::task::spawn_blocking(move || {
                let bytes = space::free_bytes(&folder).unwrap_or(UNKNOWN);
                free.store(bytes, Ordering::Relaxed);
            }));
        }
        Some(self.free.load(Ordering::Relaxed)).filter(|free| *free != UNKNOWN)
    }
}

/// What was decided most often.
fn decisions(progress: &Progress) -> Vec<DecisionStatus> {
    let mut decisions: Vec<_> = progress.reasons.iter().collect();
    decisions.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let told = decisions.into_iter().take(STATUS_DECISIONS_MAX);
    told.map(|(code, count)| {
        let mut told = DecisionStatus::default();
        (told.code, told.count) = ((*code).to_owned(), *count);
        told
    })
    .collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Checking => "checking",
        Phase::Copying => "copying",
        Phase::Serving => "serving",
        Phase::Paused => "paused",
        Phase::Ended => "ended",
    }
}

fn class_name(class: MachineClass) -> &'static str {
    match class {
        MachineClass::Wired => "wired",
        MachineClass::Wifi => "wifi",
        MachineClass::Vpn => "vpn",
        MachineClass::Metered => "metered",
        MachineClass::Battery => "battery",
    }
}
