//! What came from where: counters per source and per kind, and rates over the last seconds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use swarmcopy_scheduler::{Reason, SourceId};
use swarmcopy_sources::SourceError;

use super::standing::{Named, Standing};
use crate::{SourceKind, SourceProgress, SourceState};

/// How the local network is called where it stands beside other sources.
pub(crate) const LAN: &str = "local network";

/// Sources that are named in a progress report.
const NAMED_MAX: usize = 64;

#[derive(Debug)]
struct Entry {
    kind: SourceKind,
    name: String,
    bytes: u64,
    connected: bool,
    /// A person named it: it is told of as long as the copy lasts.
    named: bool,
    /// Told by another entry: a named peer whose link stands.
    hidden: bool,
    standing: Standing,
}

impl Entry {
    fn new(kind: SourceKind, name: String) -> Self {
        Self {
            kind,
            name,
            bytes: 0,
            connected: true,
            named: false,
            hidden: false,
            standing: Standing::default(),
        }
    }
}

/// How long requests to shares and mirrors were open.
#[derive(Debug, Default)]
struct Reading {
    open: u32,
    since: Option<Instant>,
    past: Duration,
}

/// Counters of one copy.
#[derive(Debug, Default)]
pub(crate) struct Account {
    sources: BTreeMap<SourceId, Entry>,
    totals: BTreeMap<SourceKind, u64>,
    verified: BTreeMap<SourceKind, u64>,
    reasons: BTreeMap<&'static str, u64>,
    reading: Reading,
    pub(crate) uploaded: u64,
    pub(crate) bad_pieces: u64,
    /// Links that other machines made to this one.
    pub(crate) callers: u64,
    /// Links that this machine made to others.
    pub(crate) called: u64,
    pub(crate) wasted: u64,
}

impl Account {
    /// Takes down what was named; each is being asked from now on.
    pub(crate) fn name_all(&mut self, named: Vec<Named>) {
        for one in named {
            let mut entry = Entry::new(one.kind, one.name);
            entry.connected = false;
            entry.named = true;
            match one.trouble {
                Some((state, why)) => entry.standing.fails(state, why, None),
                None => entry.standing.asked(Instant::now()),
            }
            self.sources.insert(one.id, entry);
        }
    }

    /// Starts with what older copies in these folders (or at the target) gave.
    pub(crate) fn of_lent((id, bytes): (SourceId, u64), folders: &[PathBuf]) -> Self {
        let mut account = Self::default();
        if bytes > 0 {
            let names: Vec<_> = folders.iter().map(|it| it.display().to_string()).collect();
            let name = if names.is_empty() {
                "files at the target".to_owned()
            } else {
                names.join(", ")
            };
            account.source_up(id, SourceKind::Reuse, name);
            account.brought(id, bytes);
        }
        account
    }

    /// A source is there.
    pub(crate) fn source_up(&mut self, id: SourceId, kind: SourceKind, name: String) {
        self.sources.insert(id, Entry::new(kind, name));
    }

    /// How a source stands now.
    pub(crate) fn state(&self, id: SourceId) -> SourceState {
        let entry = self.sources.get(&id);
        entry.map_or(SourceState::Unknown, |it| {
            it.standing.told(Instant::now()).state
        })
    }

    /// Whether there are shares or mirrors, and each has said what asking again does not change.
    pub(crate) fn is_refused_everywhere(&self) -> bool {
        let mut origins = self.origins().peekable();
        origins.peek().is_some() && origins.all(|entry| entry.standing.is_lasting())
    }

    /// What shares and mirrors are called together.
    pub(crate) fn origins_in_words(&self) -> &'static str {
        let has = |kind| self.origins().any(|entry| entry.kind == kind);
        match (has(SourceKind::Share), has(SourceKind::Mirror)) {
            (true, false) => "the share",
            (false, true) => "the mirror",
            _ => "share or mirror",
        }
    }

    fn origins(&self) -> impl Iterator<Item = &Entry> {
        let all = self.sources.values();
        all.filter(|entry| matches!(entry.kind, SourceKind::Share | SourceKind::Mirror))
    }

    /// How a source stands, to be changed.
    pub(crate) fn standing(&mut self, id: SourceId) -> Option<&mut Standing> {
        self.sources.get_mut(&id).map(|entry| &mut entry.standing)
    }

    /// The standing of what was named so.
    pub(crate) fn named(&mut self, kind: SourceKind, name: &str) -> Option<&mut Standing> {
        self.named_entry(kind, name)
            .map(|entry| &mut entry.standing)
    }

    /// Whether a named peer is told of by the entry of its link.
    pub(crate) fn hide_peer(&mut self, name: &str, hidden: bool) {
        if let Some(entry) = self.named_entry(SourceKind::Peer, name) {
            entry.hidden = hidden;
        }
    }

    fn named_entry(&mut self, kind: SourceKind, name: &str) -> Option<&mut Entry> {
        let mut all = self.sources.values_mut();
        all.find(|entry| entry.named && entry.kind == kind && entry.name == name)
    }

    /// A source is gone; one that brought nothing is forgotten.
    pub(crate) fn source_down(&mut self, id: SourceId) {
        if let Some(entry) = self.sources.get_mut(&id) {
            entry.connected = false;
            if entry.bytes == 0 || self.sources.len() > NAMED_MAX {
                self.sources.remove(&id);
            }
        }
    }

    /// A source brought bytes.
    pub(crate) fn brought(&mut self, id: SourceId, bytes: u64) {
        if let Some(entry) = self.sources.get_mut(&id) {
            entry.bytes += bytes;
            if bytes > 0 {
                entry.standing.answered(Instant::now());
            }
            *self.totals.entry(entry.kind).or_default() += bytes;
        }
    }

    /// A fetch from this source begins.
    pub(crate) fn fetch_begins(&mut self, id: SourceId) {
        if let Some(standing) = self.standing(id) {
            standing.asked(Instant::now());
        }
        if self.is_origin(id) {
            self.reading.open += 1;
            self.reading.since.get_or_insert_with(Instant::now);
        }
    }

    /// A fetch from this source has ended; where it failed, `why` says how.
    pub(crate) fn fetch_ends(&mut self, id: SourceId, why: Option<&SourceError>) {
        if let Some(standing) = self.standing(id) {
            standing.ended(Instant::now(), why);
        }
        if self.is_origin(id) {
            self.reading.open = self.reading.open.saturating_sub(1);
            if self.reading.open == 0 {
                self.reading.past = self.read_time();
                self.reading.since = None;
            }
        }
    }

    /// Time during which at least one fetch from a share or mirror was open.
    pub(crate) fn read_time(&self) -> Duration {
        let open = self.reading.since.map(|since| since.elapsed());
        self.reading.past + open.unwrap_or_default()
    }

    fn is_origin(&self, id: SourceId) -> bool {
        let entry = self.sources.get(&id);
        entry.is_some_and(|it| matches!(it.kind, SourceKind::Share | SourceKind::Mirror))
    }

    /// A decision was taken.
    pub(crate) fn reason(&mut self, reason: Reason) {
        *self.reasons.entry(reason.code()).or_default() += 1;
    }

    /// How often each decision was taken.
    pub(crate) fn reasons(&self) -> BTreeMap<&'static str, u64> {
        self.reasons.clone()
    }

    /// Bytes that sources of this kind brought.
    pub(crate) fn total(&self, kind: SourceKind) -> u64 {
        self.totals.get(&kind).copied().unwrap_or(0)
    }

    /// Bytes of a piece that a source of this kind brought are right.
    pub(crate) fn verified(&mut self, kind: SourceKind, bytes: u64) {
        *self.verified.entry(kind).or_default() += bytes;
    }

    /// Bytes that were right, by the kind of source.
    pub(crate) fn verified_by(&self) -> BTreeMap<SourceKind, u64> {
        self.verified.clone()
    }

    /// Bytes that sources brought, by their kind.
    pub(crate) fn totals(&self) -> BTreeMap<SourceKind, u64> {
        self.totals.clone()
    }

    /// The name of a source.
    pub(crate) fn name(&self, id: SourceId) -> Option<&str> {
        self.sources.get(&id).map(|entry| entry.name.as_str())
    }

    /// The kind of a source.
    pub(crate) fn kind(&self, id: SourceId) -> Option<SourceKind> {
        self.sources.get(&id).map(|entry| entry.kind)
    }

    /// Connected peers.
    pub(crate) fn peers(&self) -> u32 {
        let peers = self
            .sources
            .values()
            .filter(|e| e.connected && e.kind == SourceKind::Peer);
        u32::try_from(peers.count()).unwrap_or(u32::MAX)
    }

    /// Sources that brought bytes, are connected or were named, with the rates and fetches that `now` tells.
    pub(crate) fn sources(
        &self,
        now: impl Iterator<Item = (SourceId, u64, usize)>,
    ) -> Vec<SourceProgress> {
        let now: BTreeMap<_, _> = now.map(|(id, rate, jobs)| (id, (rate, jobs))).collect();
        let at = Instant::now();
        let shown = self.sources.iter().filter(|(_, entry)| !entry.hidden);
        shown
            .take(NAMED_MAX)
            .map(|(id, entry)| {
                let (rate, jobs) = now.get(id).copied().unwrap_or_default();
                let told = entry.standing.told(at);
                let mut source = SourceProgress::new(entry.kind, entry.name.clone());
                source.rate = rate;
                source.bytes = entry.bytes;
                source.streams = u32::try_from(jobs).unwrap_or(u32::MAX);
                (source.state, source.why, source.next_try) = (told.state, told.why, told.next_try);
                source
            })
            .collect()
    }
}
