//! What the scheduler knows of each source.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};
use swarmcopy_slots::Rate;

use crate::gaps::Gaps;
use crate::health::Health;
use crate::latency::Latency;
use crate::permit::PermitKeeper;
use crate::streams::Streams;
use crate::{Hello, Instant, JobId, Preference};

/// A peer counts as serving for this long after it connected, whatever it does.
pub(crate) const SERVING_AT_START: Duration = Duration::from_secs(3);
/// A peer counts as serving for this long after a block of it came.
pub(crate) const SERVING_AFTER_BLOCK: Duration = Duration::from_secs(10);
/// The same of one that lets us wait for what was asked of it: it may be frozen.
const SERVING_SPURNED: Duration = Duration::from_secs(3);
/// Somebody else's client that never brought anything may let us wait for this long before its pieces count as
/// available no more. Less than the patience with its first answer: that may still come, and to claim a slot
/// takes time, too.
pub(crate) const STOCK_DOUBTED_AFTER: Duration = Duration::from_millis(400);
/// No byte for so many times what a block takes, or what nine of ten answers take, is too long.
const PATIENCE_BLOCKS: u64 = 8;
const PATIENCE_ANSWERS: u32 = 4;
/// Requests last for so many ways there and back: what comes meanwhile must have been asked for, and more where
/// the rate is to grow.
const QUEUED_ANSWERS: u32 = 2;
/// Longest time for which they do, however far the source is.
const QUEUED_MAX: Duration = Duration::from_secs(2);
/// Suggestions of which it is remembered that they were not taken yet.
const SUGGESTED_OPEN_MAX: usize = 16;
/// Pieces that an origin beside others is asked for before any of it has proved right.
const UNPROVEN_AT_START: usize = 4;
/// So many right pieces make up for one that was wrong.
const RIGHT_FOR_WRONG: usize = 8;

/// What is under way from one source, and how fast it comes.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) jobs: Vec<JobId>,
    pub(crate) in_flight: u64,
    pub(crate) rate: Rate,
    /// When bytes came last, or were first asked after a pause.
    pub(crate) active: Instant,
    /// Since when it was always asked for something.
    pub(crate) busy_since: Instant,
    pub(crate) latency: Latency,
    /// The job that was given to it while it had nothing to do, until its first byte comes.
    probe: Option<JobId>,
}

impl Flow {
    /// A job of `bytes` was given to it.
    pub(crate) fn asked(&mut self, now: Instant, job: JobId, bytes: u64) {
        if self.jobs.is_empty() {
            self.rate.resume(now);
            (self.active, self.busy_since) = (now, now);
            self.probe = Some(job);
        }
        self.jobs.push(job);
        self.in_flight = self.in_flight.saturating_add(bytes);
    }

    /// Bytes of a job came that was given to it at `started`.
    pub(crate) fn brought(&mut self, now: Instant, job: JobId, started: Instant, bytes: u64) {
        if bytes > 0 {
            if self.probe.take_if(|probe| *probe == job).is_some() {
                self.latency.add(now.since(started));
            }
            self.rate.add(now, bytes);
            self.active = now;
            self.in_flight = self.in_flight.saturating_sub(bytes);
        }
    }

    /// A job ended with `left` bytes not brought.
    pub(crate) fn ended(&mut self, job: JobId, left: u64) {
        self.jobs.retain(|other| *other != job);
        self.in_flight = if self.jobs.is_empty() {
            0
        } else {
            self.in_flight.saturating_sub(left)
        };
    }

    /// How long `bytes` will take, if the rate is known.
    pub(crate) fn time_for(&self, bytes: u64) -> Option<Duration> {
        self.rate.time_for(bytes)
    }

    /// Whether it was asked and brought no byte for so long.
    pub(crate) fn is_silent(&self, now: Instant, time: Duration) -> bool {
        !self.jobs.is_empty() && now.since(self.active) >= time
    }

    /// How long the way there and back takes.
    pub(crate) fn way(&self) -> Duration {
        self.latency.base().unwrap_or_default()
    }

    /// How long requests must last to fill the way to this source.
    pub(crate) fn way_time(&self) -> Duration {
        (self.way() * QUEUED_ANSWERS).min(QUEUED_MAX)
    }

    /// No byte for longer than this is too long: `floor`, or several times what a block or an answer takes. Where
    /// its rate is not known, the `usual` one of all sources together counts, for no more than it was asked for;
    /// 0 = not known.
    pub(crate) fn patience(&self, block_len: u64, floor: Duration, usual: u64) -> Duration {
        let len = block_len.saturating_mul(PATIENCE_BLOCKS);
        let asked = len.min(self.in_flight);
        let usual = asked.saturating_mul(1_000_000).checked_div(usual);
        let block = self.time_for(len).or(usual.map(Duration::from_micros));
        let answer = self.latency.p90().map(|p90| p90 * PATIENCE_ANSWERS);
        block.max(answer).unwrap_or(floor).clamp(floor, floor * 15)
    }
}

/// A BitTorrent peer.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the protocol's own four flags, and two of ours"
)]
pub(crate) struct Peer {
    pub(crate) hello: Option<Hello>,
    pub(crate) has: PieceSet,
    /// A piece that it has and that is wanted and not here, if there is one.
    pub(crate) shown: Option<PieceIndex>,
    /// Where it stands in the line.
    pub(crate) place: Option<Duration>,
    pub(crate) up_since: Instant,
    pub(crate) delivered_at: Option<Instant>,
    /// It chokes us, since when.
    pub(crate) choking_since: Option<Instant>,
    /// We told it that we are interested.
    pub(crate) interesting: bool,
    /// It wants pieces of ours.
    pub(crate) interested: bool,
    /// We let it ask.
    pub(crate) unchoked: bool,
    /// It answers.
    pub(crate) serving: bool,
    /// It answers far too slowly for what is left.
    pub(crate) thin: bool,
    /// It let us wait too long; it is tried again after this.
    pub(crate) snubbed_until: Option<Instant>,
    /// Since when it owes us the first byte that it ever brings, if it is not one of our machines.
    pub(crate) owes_since: Option<Instant>,
    /// How often it was snubbed in a row.
    pub(crate) snubs: u32,
    /// It refused what it let us ask for; it is asked again after this, or when it lets us anew.
    pub(crate) refused_until: Option<Instant>,
    /// Since when it lets us ask, or last did.
    pub(crate) lets_since: Instant,
    /// When a turn of upload was last given to it.
    pub(crate) unchoked_at: Instant,
    /// How many pieces that are missing here it alone has.
    pub(crate) sole: u32,
    /// Pieces that it suggested and that were not asked for yet.
    pub(crate) suggestions: Vec<PieceIndex>,
    /// How many pieces were suggested to it.
    pub(crate) suggested: u32,
    /// Pieces that were suggested to it and that it has not got, since when.
    pub(crate) suggested_open: VecDeque<(PieceIndex, Instant)>,
    /// How long it took, on the average, until it had a piece that was suggested to it.
    pub(crate) took: Option<Duration>,
}

impl Peer {
    pub(crate) fn new(now: Instant, pieces: u32, hello: Option<Hello>) -> Self {
        Self {
            hello,
            has: PieceSet::empty(pieces),
            shown: None,
            place: None,
            up_since: now,
            delivered_at: None,
            choking_since: Some(now),
            interesting: false,
            interested: false,
            unchoked: false,
            serving: true,
            thin: false,
            snubbed_until: None,
            owes_since: None,
            snubs: 0,
            refused_until: None,
            lets_since: now,
            unchoked_at: Instant::ZERO,
            sole: 0,
            suggestions: Vec::new(),
            suggested: 0,
            suggested_open: VecDeque::new(),
            took: None,
        }
    }

    /// A piece is suggested to it.
    pub(crate) fn suggest(&mut self, now: Instant, piece: PieceIndex) {
        self.suggested += 1;
        self.suggested_open.truncate(SUGGESTED_OPEN_MAX - 1);
        self.suggested_open.push_front((piece, now));
    }

    /// It has one more piece, which was perhaps suggested to it.
    pub(crate) fn took(&mut self, now: Instant, piece: PieceIndex) {
        let mut open = self.suggested_open.iter();
        if let Some(at) = open.position(|(other, _)| *other == piece)
            && let Some((_, since)) = self.suggested_open.remove(at)
        {
            let took = now.since(since);
            self.took = Some(self.took.map_or(took, |mean| (mean * 3 + took) / 4));
        }
    }

    /// How long it takes until it has a suggested piece, so far as is known: the one that it waits for
    /// counts, too.
    pub(crate) fn takes(&self, now: Instant) -> Option<Duration> {
        let oldest = self.suggested_open.back();
        let waits = oldest.map(|(_, since)| now.since(*since));
        self.took.max(waits)
    }

    /// How long it would be until it had one more piece that is suggested to it; `usual` is what
    /// others take.
    pub(crate) fn would_take(&self, now: Instant, usual: Duration) -> Duration {
        let least = self.took.map_or(usual, |_| Duration::ZERO);
        let takes = self.takes(now).unwrap_or_default().max(least);
        let open = u32::try_from(self.suggested_open.len()).unwrap_or(u32::MAX);
        takes * open.saturating_add(1)
    }

    /// Whether it is somebody else's client that never brought anything.
    pub(crate) fn is_unproven_stranger(&self) -> bool {
        self.hello.is_none() && self.delivered_at.is_none()
    }

    /// Whether its pieces count as available.
    pub(crate) fn counts(&self) -> bool {
        self.serving && !self.thin
    }

    /// Whether it may be asked now.
    pub(crate) fn may_be_asked(&self, now: Instant) -> bool {
        let waits = [self.snubbed_until, self.refused_until];
        self.choking_since.is_none() && waits.into_iter().flatten().all(|until| now >= until)
    }

    /// Whether its pieces count as available: it is new, or delivered lately, or lets nobody wait.
    pub(crate) fn serves(&self, now: Instant) -> bool {
        let spurned = self.snubbed_until.or(self.refused_until).is_some();
        let owes = self.owes_since;
        let is_doubted = spurned || owes.is_some_and(|at| now >= at + STOCK_DOUBTED_AFTER);
        if self.delivered_at.is_none() && is_doubted {
            return false;
        }
        if now.since(self.up_since) < SERVING_AT_START && !spurned {
            return true;
        }
        let lately = if spurned {
            SERVING_SPURNED
        } else {
            SERVING_AFTER_BLOCK
        };
        if self.delivered_at.is_some_and(|at| now.since(at) < lately) {
            return true;
        }
        let long_choked = self
            .choking_since
            .is_some_and(|since| now.since(since) >= SERVING_AFTER_BLOCK);
        !(spurned || long_choked && self.interesting)
    }
}

/// A share or mirror.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) health: Health,
    pub(crate) gaps: Gaps,
    pub(crate) streams: Streams,
    pub(crate) streams_max: u32,
    pub(crate) preference: Preference,
    pub(crate) permit: Option<PermitKeeper>,
    /// Bad pieces that it alone brought, less what came right since.
    pub(crate) bad_pieces: u32,
    /// Pieces asked of it that have proved neither right nor wrong.
    pub(crate) unproven: BTreeSet<PieceIndex>,
    /// How many pieces asked of it proved right.
    pub(crate) proven: usize,
}

impl Origin {
    /// One of which nothing is known.
    pub(crate) fn new(pieces: u32, streams_max: u32) -> Self {
        Self {
            health: Health::default(),
            gaps: Gaps::new(pieces),
            streams: Streams::new(streams_max),
            streams_max,
            preference: Preference::default(),
            permit: None,
            bad_pieces: 0,
            unproven: BTreeSet::new(),
            proven: 0,
        }
    }

    /// Whether it may be asked now.
    pub(crate) fn may_be_asked(&self, now: Instant) -> bool {
        self.health.may_be_asked(now)
    }

    /// A piece that was asked of it proved right.
    pub(crate) fn proved(&mut self, piece: PieceIndex) {
        self.proven += 1;
        self.gaps.brought(piece);
        if self.proven.is_multiple_of(RIGHT_FOR_WRONG) {
            self.bad_pieces = self.bad_pieces.saturating_sub(1);
        }
    }

    /// How many pieces may be asked of it before others of it have proved right: as many again as
    /// proved right so far, and one at a time once one was wrong.
    pub(crate) fn trust(&self) -> usize {
        let most = if self.bad_pieces > 0 {
            1
        } else {
            self.proven + UNPROVEN_AT_START
        };
        most.saturating_sub(self.unproven.len())
    }
}

/// One source.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) flow: Flow,
    pub(crate) kind: Kind,
}

/// What a source is.
#[derive(Debug)]
pub(crate) enum Kind {
    Peer(Box<Peer>),
    Origin(Box<Origin>),
}

impl Source {
    pub(crate) fn peer(&self) -> Option<&Peer> {
        if let Kind::Peer(peer) = &self.kind {
            Some(peer)
        } else {
            None
        }
    }

    /// Whether somebody else's client that never brought anything lets us wait: asked, or choking us.
    pub(crate) fn owes_first(&self) -> bool {
        self.peer().is_some_and(|peer| {
            let chokes = peer.choking_since.is_some() && peer.interesting;
            let waits = chokes || !self.flow.jobs.is_empty();
            peer.hello.is_none() && peer.delivered_at.is_none() && waits
        })
    }

    pub(crate) fn peer_mut(&mut self) -> Option<&mut Peer> {
        if let Kind::Peer(peer) = &mut self.kind {
            Some(peer)
        } else {
            None
        }
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        if let Kind::Origin(origin) = &self.kind {
            Some(origin)
        } else {
            None
        }
    }

    pub(crate) fn origin_mut(&mut self) -> Option<&mut Origin> {
        if let Kind::Origin(origin) = &mut self.kind {
            Some(origin)
        } else {
            None
        }
    }
}
