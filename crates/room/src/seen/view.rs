//! What is shown of a room: plain values for the page, JSON, CSV and measurements.

use std::collections::BTreeMap;
use std::time::Instant;

use super::state::{Key, MACHINES_MAX, Seen};
use crate::machine::{Heard, Machine, Rates, State};
use serde::Serialize;

/// The room at a moment.
#[derive(Debug, Clone, Serialize)]
pub struct RoomView {
    /// The content's name.
    pub name: String,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Seconds since the onlooker came.
    pub seconds: u64,
    /// Sums over all machines.
    pub totals: Totals,
    /// What is known of the origin.
    pub origin: OriginView,
    /// The trackers.
    pub trackers: Vec<TrackerView>,
    /// Every machine, the most urgent first.
    pub machines: Vec<MachineView>,
}

/// Sums over all machines.
#[derive(Debug, Clone, Serialize)]
pub struct Totals {
    /// Machines of ours that were seen.
    pub machines: u64,
    /// Machines by their state.
    pub states: BTreeMap<State, u64>,
    /// Verified bytes.
    pub verified: u64,
    /// Wanted bytes.
    pub wanted: u64,
    /// Verified bytes a second.
    pub rate: u64,
    /// Bytes from shares.
    pub from_share: u64,
    /// Bytes from mirrors.
    pub from_mirror: u64,
    /// Bytes from peers.
    pub from_peers: u64,
    /// Bytes that came twice or were wrong.
    pub wasted: u64,
    /// Pieces that were wrong.
    pub bad_pieces: u64,
    /// Seconds until the last machine is complete, at the rates of now; `None` where one stands still.
    pub seconds_left: Option<u64>,
    /// The same of those that do not stand still; `None` if there is none.
    pub seconds_left_moving: Option<u64>,
    /// Addresses that are known, and do not answer.
    pub unreached: u64,
}

/// What is known of the origin.
#[derive(Debug, Clone, Serialize)]
pub struct OriginView {
    /// Machines that hold a slot now.
    pub readers: u64,
    /// Most that may, by the strictest policy seen.
    pub readers_max: u32,
    /// Bytes that it has sent to the room, as far as any machine heard.
    pub bytes: u64,
    /// The same in copies.
    pub copies: f64,
    /// Bytes a second that are read from it.
    pub rate: u64,
}

/// A tracker.
#[derive(Debug, Clone, Serialize)]
pub struct TrackerView {
    /// Its address without secrets.
    pub name: String,
    /// What it said last.
    pub said: String,
}

/// A machine.
#[derive(Debug, Clone, Serialize)]
pub struct MachineView {
    /// Its number on the page.
    pub key: Key,
    /// What it is called.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// Why it stands still, if it does.
    pub why: Option<String>,
    /// The code of that.
    pub code: Option<String>,
    /// Seconds since something of use came, if something is waited for.
    pub waits: u64,
    /// Where it is.
    pub addr: Option<String>,
    /// The program that it says to be.
    pub client: String,
    /// Its operating system.
    pub system: String,
    /// Its group.
    pub group: String,
    /// How it is connected.
    pub class: String,
    /// Wanted bytes.
    pub bytes: u64,
    /// Verified bytes; of another client those of the pieces that it shows.
    pub verified: u64,
    /// Verified bytes a second.
    pub rate: u64,
    /// Bytes a second by the kind of source.
    pub rates: Rates,
    /// Bytes from shares.
    pub from_share: u64,
    /// Bytes from mirrors.
    pub from_mirror: u64,
    /// Bytes from peers.
    pub from_peers: u64,
    /// Bytes that were there already.
    pub reused: u64,
    /// Bytes given to others.
    pub uploaded: u64,
    /// Bytes that came twice or were wrong.
    pub wasted: u64,
    /// Pieces that were wrong.
    pub bad_pieces: u64,
    /// Connected peers.
    pub peers: u32,
    /// Slots of the origin that it holds.
    pub slots: Vec<u32>,
    /// Seconds that its copy has lasted.
    pub seconds: u64,
    /// Seconds until it is complete.
    pub seconds_left: Option<u64>,
    /// Free bytes on its disk.
    pub free: Option<u64>,
    /// Its last error.
    pub error: String,
    /// Seconds since it answered.
    pub heard: Option<u64>,
    /// Its last answers, the oldest first: the second since the room was looked at, and the rate. In an [`Update`]
    /// those that the page does not know.
    pub history: Vec<(u64, u64)>,
    /// Its sources, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceView>,
    /// Its decisions, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionView>,
}

/// A source of a machine.
#[derive(Debug, Clone, Serialize)]
pub struct SourceView {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: String,
    /// Why.
    pub why: String,
    /// Bytes a second.
    pub rate: u64,
    /// Bytes in all.
    pub bytes: u64,
}

/// How often a machine decided something.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionView {
    /// The code of the reason.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// What has changed since a page was told last.
#[derive(Debug, Clone, Serialize)]
pub struct Update {
    /// The version that this leads to.
    pub version: u64,
    /// Whether these are all machines, and others are to be forgotten.
    pub all: bool,
    /// The room without its machines.
    pub room: RoomView,
    /// Machines that have changed; of their last answers those that the page does not know.
    pub machines: Vec<MachineView>,
    /// Machines that are no more.
    pub dropped: Vec<Key>,
}

impl Seen {
    /// The whole room.
    pub fn view(&self, now: Instant) -> RoomView {
        let machines = self.machines.iter();
        let mut machines: Vec<_> = machines
            .map(|(key, it)| machine_view(*key, it, self.about.bytes, now))
            .collect();
        machines.sort_by(|one, other| {
            let order = |it: &MachineView| (it.state, std::cmp::Reverse(it.waits));
            let by_state = order(one).cmp(&order(other));
            by_state
                .then_with(|| one.name.cmp(&other.name))
                .then(one.key.cmp(&other.key))
        });
        RoomView {
            machines,
            ..self.summary(now)
        }
    }

    /// One machine, with all that is known of it.
    pub fn machine(&self, key: Key, now: Instant) -> Option<MachineView> {
        let machine = self.machines.get(&key)?;
        let mut view = machine_view(key, machine, self.about.bytes, now);
        view.sources = machine
            .sources
            .iter()
            .map(|source| SourceView {
                kind: source.kind.clone(),
                name: source.name.clone(),
                state: source.state.clone(),
                why: source.why.clone(),
                rate: source.rate,
                bytes: source.bytes,
            })
            .collect();
        view.decisions = machine
            .decisions
            .iter()
            .map(|decision| DecisionView {
                code: decision.code.clone(),
                count: decision.count,
            })
            .collect();
        Some(view)
    }

    /// What is new since `version`; 0 for a page that knows nothing.
    pub fn update(&self, version: u64, now: Instant) -> Update {
        let oldest = self.dropped.first().map_or(0, |(version, _)| *version);
        let full = self.dropped.len() >= MACHINES_MAX;
        let all = version == 0 || (full && version < oldest);
        let machines = self.machines.iter();
        let new = machines.filter(|(_, machine)| all || machine.version > version);
        let dropped = self.dropped.iter().filter(|(at, _)| *at > version);
        Update {
            version: self.version,
            all,
            room: self.summary(now),
            machines: new
                .map(|(key, it)| {
                    let mut view = machine_view(*key, it, self.about.bytes, now);
                    if !all {
                        view.history = told(it.history.iter().filter(|it| it.version > version));
                    }
                    view
                })
                .collect(),
            dropped: dropped.map(|(_, key)| *key).collect(),
        }
    }

    fn summary(&self, now: Instant) -> RoomView {
        let trackers = self.trackers.iter();
        RoomView {
            name: self.about.name.clone(),
            bytes: self.about.bytes,
            seconds: now.saturating_duration_since(self.since).as_secs(),
            totals: self.totals(now),
            origin: self.origin(now),
            trackers: trackers
                .map(|(name, said)| TrackerView {
                    name: name.clone(),
                    said: said.clone(),
                })
                .collect(),
            machines: Vec::new(),
        }
    }

    fn totals(&self, now: Instant) -> Totals {
        let statuses = || self.machines.values().filter_map(|it| it.status.as_ref());
        let sum = |of: fn(&swarmcopy::MachineStatus) -> u64| {
            statuses()
                .map(|status| of(status))
                .fold(0, u64::saturating_add)
        };
        let live = self.machines.values().filter(|it| {
            let state = it.state(now);
            it.status.is_some() && !matches!(state, State::Silent | State::Left)
        });
        let rates = live.filter_map(|it| it.status.as_ref()).map(|it| it.rate);
        let left = self.machines.values().filter(|it| it.status.is_some());
        let left: Vec<Option<u64>> = left.map(|it| it.seconds_left(now)).collect();
        let moving = left.iter().flatten().copied().max();
        let still = left.iter().any(Option::is_none);
        let (addresses, linked) = self.addresses;
        Totals {
            machines: u64::try_from(statuses().count()).unwrap_or(u64::MAX),
            states: count_states(self, now),
            verified: sum(|it| it.verified),
            wanted: sum(|it| it.bytes),
            rate: rates.fold(0, u64::saturating_add),
            from_share: sum(|it| it.from_share),
            from_mirror: sum(|it| it.from_mirror),
            from_peers: sum(|it| it.from_peers),
            wasted: sum(|it| it.wasted),
            bad_pieces: sum(|it| it.bad_pieces),
            seconds_left: moving.filter(|_| !still),
            seconds_left_moving: moving,
            unreached: u64::try_from(addresses.saturating_sub(linked)).unwrap_or(0),
        }
    }

    fn origin(&self, now: Instant) -> OriginView {
        let live = |it: &&Machine| !matches!(it.state(now), State::Silent | State::Left);
        let statuses = || self.machines.values().filter_map(|it| it.status.as_ref());
        let reading = self.machines.values().filter(live);
        let readers = reading.clone().filter_map(|it| it.status.as_ref());
        let readers = readers.filter(|status| !status.slots.is_empty()).count();
        let own = statuses().map(|it| it.from_share.saturating_add(it.from_mirror));
        let own = own.fold(0, u64::saturating_add);
        let heard = statuses().map(|status| status.room_origin_bytes).max();
        let bytes = own.max(heard.unwrap_or(0));
        let max = statuses()
            .map(|it| it.readers_max)
            .filter(|max| *max > 0)
            .min();
        let rate = reading.map(|it| it.rates.share.saturating_add(it.rates.mirror));
        OriginView {
            readers: u64::try_from(readers).unwrap_or(u64::MAX),
            readers_max: max.unwrap_or(0),
            bytes,
            copies: ratio(bytes, self.about.bytes),
            rate: rate.fold(0, u64::saturating_add),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a ratio for people: 52 bits are plenty"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64 * 1000.0).round() / 1000.0
}

fn told<'a>(history: impl Iterator<Item = &'a Heard>) -> Vec<(u64, u64)> {
    history.map(|it| (it.second, it.rate)).collect()
}

/// Bytes of `has` pieces of `of`, as if all were of one length.
fn part_of(whole: u64, has: u32, of: u32) -> u64 {
    let bytes = u128::from(whole) * u128::from(has.min(of)) / u128::from(of.max(1));
    u64::try_from(bytes).unwrap_or(whole)
}

fn machine_view(key: Key, machine: &Machine, whole: u64, now: Instant) -> MachineView {
    let status = machine.status.clone().unwrap_or_default();
    let state = machine.state(now);
    let heard = machine.heard_at;
    let (bytes, verified) = match (&machine.status, machine.shows) {
        (None, Some((has, of))) => (whole, part_of(whole, has, of)),
        _ => (status.bytes, status.verified),
    };
    let waits = matches!(state, State::Stuck | State::Waiting);
    MachineView {
        key,
        name: machine.name().to_owned(),
        state,
        why: machine.why(now),
        code: Some(status.wait).filter(|code| waits && !code.is_empty()),
        waits: if waits { status.wait_ms / 1000 } else { 0 },
        addr: machine.addr.map(|addr| addr.to_string()),
        client: machine.client.clone(),
        system: status.system,
        group: status.group,
        class: status.class,
        bytes,
        verified,
        rate: status.rate,
        rates: machine.rates,
        from_share: status.from_share,
        from_mirror: status.from_mirror,
        from_peers: status.from_peers,
        reused: status.reused,
        uploaded: status.uploaded,
        wasted: status.wasted,
        bad_pieces: status.bad_pieces,
        peers: status.peers,
        slots: status.slots,
        seconds: status.elapsed_ms / 1000,
        seconds_left: machine.seconds_left(now),
        free: status.free,
        error: status.error,
        heard: heard.map(|at| now.saturating_duration_since(at).as_secs()),
        history: told(machine.history.iter()),
        sources: Vec::new(),
        decisions: Vec::new(),
    }
}

/// What is told of a room besides its machines.
fn count_states(seen: &Seen, now: Instant) -> BTreeMap<State, u64> {
    let mut counts: BTreeMap<State, u64> = State::ALL.iter().map(|state| (*state, 0)).collect();
    for machine in seen.machines.values() {
        *counts.entry(machine.state(now)).or_default() += 1;
    }
    counts
}
