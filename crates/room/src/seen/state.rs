//! The room as it is seen: every machine, whoever was expected, and the sums.
//!
//! No I/O and no clock. What must stay true: at most [`MACHINES_MAX`] machines are remembered, those that are gone
//! are forgotten first; a machine that starts again is one machine.

use std::collections::BTreeMap;
use std::time::Instant;

use swarmcopy::{Sighting, TrackerNote};

use super::expected::{EXPECTED_MAX, is_same_name};
use crate::machine::Machine;

/// Most machines that are remembered.
pub const MACHINES_MAX: usize = 5000;
/// Most trackers that are told of.
const TRACKERS_MAX: usize = 32;

/// What a content is, for the page's head.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Its pieces.
    pub pieces: u32,
}

/// The number of a machine on the page.
pub type Key = u64;

/// Everything that is seen of a room.
#[derive(Debug, Clone)]
pub struct Seen {
    pub(super) about: About,
    pub(super) since: Instant,
    pub(super) machines: BTreeMap<Key, Machine>,
    /// Which machine a link leads to.
    pub(super) links: BTreeMap<u64, Key>,
    pub(super) trackers: BTreeMap<String, String>,
    pub(super) addresses: (usize, usize),
    pub(super) next_key: Key,
    pub(super) version: u64,
    /// Machines that are no more, with the version since.
    pub(super) dropped: Vec<(u64, Key)>,
}

impl Seen {
    /// An empty room, and the machines that are expected in it.
    pub fn new(about: About, expected: &[String], now: Instant) -> Self {
        let mut seen = Self {
            about,
            since: now,
            machines: BTreeMap::new(),
            links: BTreeMap::new(),
            trackers: BTreeMap::new(),
            addresses: (0, 0),
            next_key: 1,
            version: 1,
            dropped: Vec::new(),
        };
        for name in expected.iter().take(EXPECTED_MAX) {
            let mut machine = Machine::new(None, String::new());
            machine.expected = Some(name.clone());
            seen.add(machine);
        }
        seen
    }

    /// Something was seen.
    pub fn see(&mut self, sighting: Sighting, now: Instant) {
        match sighting {
            Sighting::Met {
                id, addr, client, ..
            } => {
                let known = self.links.get(&id).copied();
                let machine = Machine::new(Some(addr), client);
                if let Some(old) = known.and_then(|key| self.machines.get_mut(&key)) {
                    old.client = machine.client;
                } else {
                    let key = self.add(machine);
                    self.links.insert(id, key);
                }
            }
            Sighting::Machine { id, status } => {
                self.join(id, &status.name);
                let second = now.saturating_duration_since(self.since).as_secs();
                let version = self.version + 1;
                self.change(id, |machine| machine.hear(status, (second, now), version));
            }
            Sighting::Sources { id, sources } => {
                self.change(id, |machine| machine.sources = sources);
            }
            Sighting::Decisions { id, decisions } => {
                self.change(id, |machine| machine.decisions = decisions);
            }
            Sighting::Shows { id, pieces } => {
                let of = self.about.pieces;
                self.change(id, |machine| {
                    machine.shows = Some((pieces.min(of), of));
                    machine.heard_at = Some(now);
                });
            }
            Sighting::Gone { id, why } => {
                self.change(id, |machine| machine.gone = Some(why));
                self.links.remove(&id);
            }
            Sighting::Tracker { tracker, note, .. }
                if self.trackers.len() < TRACKERS_MAX || self.trackers.contains_key(&tracker) =>
            {
                self.trackers.insert(tracker, tracker_words(&note));
            }
            Sighting::Known { addresses, linked } => self.addresses = (addresses, linked),
            _ => {}
        }
    }

    /// Time has passed: states may have changed by that alone.
    pub fn pass(&mut self, now: Instant) {
        let mut changed = Vec::new();
        for (key, machine) in &self.machines {
            if machine.told != Some(machine.state(now)) {
                changed.push(*key);
            }
        }
        for key in changed {
            self.touch(key, now);
        }
    }

    /// The link that leads to a machine, to ask it for more.
    pub fn link_of(&self, key: Key) -> Option<u64> {
        let mut links = self.links.iter();
        links.find(|(_, other)| **other == key).map(|(id, _)| *id)
    }

    /// Whether every machine that was seen or expected is complete; `None` if there is none.
    pub fn is_complete(&self) -> Option<bool> {
        let all = self.machines.values();
        let complete = all.map(|machine| machine.is_complete().unwrap_or(false));
        complete.reduce(|all, one| all && one)
    }

    fn add(&mut self, machine: Machine) -> Key {
        self.make_room();
        let key = self.next_key;
        self.next_key += 1;
        self.machines.insert(key, machine);
        self.touched(key);
        key
    }

    /// Forgets the machine that went first, if there are too many.
    fn make_room(&mut self) {
        if self.machines.len() < MACHINES_MAX {
            return;
        }
        let gone = |machine: &&Machine| machine.gone.is_some() || machine.expected.is_some();
        let keys = self.machines.iter();
        let first = keys
            .filter(|(_, machine)| gone(machine))
            .map(|(key, _)| *key);
        let first = first.min().or_else(|| self.machines.keys().next().copied());
        if let Some(key) = first {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: Key) {
        self.machines.remove(&key);
        self.links.retain(|_, other| *other != key);
        self.version += 1;
        self.dropped.push((self.version, key));
        // a page that missed so many is drawn anew
        let excess = self.dropped.len().saturating_sub(MACHINES_MAX);
        self.dropped.drain(..excess);
    }

    /// A machine tells its name: whoever was expected by it has come, and one of that name and address that went
    /// before has come back.
    fn join(&mut self, id: u64, name: &str) {
        let Some(key) = self.links.get(&id).copied() else {
            return;
        };
        let addr = self.machines.get(&key).and_then(|machine| machine.addr);
        let fresh = self
            .machines
            .get(&key)
            .is_some_and(|it| it.status.is_none());
        if !fresh {
            return;
        }
        let same = |machine: &Machine| {
            let expected = machine.expected.as_deref();
            let expected = expected.is_some_and(|expected| is_same_name(expected, name));
            let back = machine.gone.is_some()
                && machine.status.is_some()
                && machine.name() == name
                && machine.addr.map(|addr| addr.ip()) == addr.map(|addr| addr.ip());
            expected || back
        };
        let old = self
            .machines
            .iter()
            .find(|(other, machine)| **other != key && same(machine));
        if let Some(old) = old.map(|(old, _)| *old) {
            let history = self.machines.get(&old).map(|old| old.history.clone());
            self.forget(old);
            if let (Some(machine), Some(history)) = (self.machines.get_mut(&key), history) {
                machine.history = history;
                // a page that knew it by another number is told all of them again
                for heard in &mut machine.history {
                    heard.version = self.version + 1;
                }
            }
        }
    }

    fn change(&mut self, id: u64, change: impl FnOnce(&mut Machine)) {
        let key = self.links.get(&id).copied();
        let Some((key, machine)) = key.and_then(|key| Some((key, self.machines.get_mut(&key)?)))
        else {
            return;
        };
        change(machine);
        self.touched(key);
    }

    fn touched(&mut self, key: Key) {
        self.version += 1;
        if let Some(machine) = self.machines.get_mut(&key) {
            machine.version = self.version;
        }
    }

    fn touch(&mut self, key: Key, now: Instant) {
        self.touched(key);
        if let Some(machine) = self.machines.get_mut(&key) {
            machine.told = Some(machine.state(now));
        }
    }
}

/// What a tracker said, in words.
fn tracker_words(note: &TrackerNote) -> String {
    match note {
        TrackerNote::Answered { peers } => format!("it named {peers} machines"),
        TrackerNote::Warning(words) => format!("it warns: {words}"),
        TrackerNote::Failed(words) => format!("it failed: {words}"),
        _ => "it answered".to_owned(),
    }
}
