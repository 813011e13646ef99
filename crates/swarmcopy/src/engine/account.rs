//! What came from where: counters per source and per kind, and rates over the last seconds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use swarmcopy_scheduler::{Reason, SourceId};

use crate::{SourceKind, SourceProgress};

/// Sources that are named in a progress report.
const NAMED_MAX: usize = 64;

#[derive(Debug)]
struct Entry {
    kind: SourceKind,
    name: String,
    bytes: u64,
    connected: bool,
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
    reasons: BTreeMap<&'static str, u64>,
    reading: Reading,
    pub(crate) uploaded: u64,
    pub(crate) bad_pieces: u64,
    pub(crate) wasted: u64,
}

impl Account {
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
        self.sources.insert(
            id,
            Entry {
                kind,
                name,
                bytes: 0,
                connected: true,
            },
        );
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
            *self.totals.entry(entry.kind).or_default() += bytes;
        }
    }

    /// A fetch from this source begins.
    pub(crate) fn fetch_begins(&mut self, id: SourceId) {
        if self.is_origin(id) {
            self.reading.open += 1;
            self.reading.since.get_or_insert_with(Instant::now);
        }
    }

    /// A fetch from this source has ended.
    pub(crate) fn fetch_ends(&mut self, id: SourceId) {
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

    /// Sources that brought bytes or are connected, with the rates and fetches that `now` tells.
    pub(crate) fn sources(
        &self,
        now: impl Iterator<Item = (SourceId, u64, usize)>,
    ) -> Vec<SourceProgress> {
        let now: BTreeMap<_, _> = now.map(|(id, rate, jobs)| (id, (rate, jobs))).collect();
        self.sources
            .iter()
            .take(NAMED_MAX)
            .map(|(id, entry)| {
                let (rate, jobs) = now.get(id).copied().unwrap_or_default();
                SourceProgress {
                    kind: entry.kind,
                    name: entry.name.clone(),
                    rate,
                    bytes: entry.bytes,
                    streams: u32::try_from(jobs).unwrap_or(u32::MAX),
                }
            })
            .collect()
    }
}
