//! Links between machines, and the jobs that run over them.
//!
//! Data goes in quanta, store and forward: a machine's uplink sends one quantum at a time, in turn
//! over the links with something to send; the receiver's downlink takes quanta in the order in
//! which they arrive. A link has at most [`window`] on its way, and only one quantum while the
//! receiver's downlink is behind, as TCP would. That shares both ends fairly without solving for
//! rates at each change; the rounding costs a link at most one quantum of time.

use std::time::Duration;

use swarmcopy_layout::{BLOCK_LEN, Span};
use swarmcopy_scheduler::spread::requests::Requests;
use swarmcopy_scheduler::{Instant, JobId, Outcome, SourceId};

/// Longest quantum in bytes.
pub(crate) const QUANTUM: u64 = 256 << 10;
/// Parts of a second for which a sender's uplink works on what one link may have on its way, and a
/// receiver's downlink on what may lie before it until links send only when nothing of them does.
const WINDOW_PARTS: u64 = 120;
const BACKLOG_PARTS: u64 = 60;

/// Bytes of one link that may be on their way from an uplink of this rate, where a message takes `latency`.
pub(crate) fn window(up_rate: u64, latency: Duration) -> u64 {
    let near = (up_rate / WINDOW_PARTS).clamp(4 * u64::from(BLOCK_LEN), 4 * QUANTUM);
    near.max(both_ways(up_rate, latency))
}

/// With so many bytes on their way to a downlink of this rate a link sends only when nothing of it is.
pub(crate) fn backlog(down_rate: u64, latency: Duration) -> u64 {
    let near = (down_rate / BACKLOG_PARTS).clamp(8 * u64::from(BLOCK_LEN), 8 * QUANTUM);
    near.max(both_ways(down_rate, latency))
}

/// Bytes that come at `rate` while a message goes there and back.
fn both_ways(rate: u64, latency: Duration) -> u64 {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    rate.saturating_mul(micros.saturating_mul(2)) / 1_000_000
}

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) link: u32,
    pub(crate) side: u8,
}

impl Way {
    /// The other end.
    pub(crate) fn other(self) -> Self {
        Self {
            link: self.link,
            side: 1 - self.side,
        }
    }

    pub(crate) fn link(self) -> usize {
        usize::try_from(self.link).unwrap_or(usize::MAX)
    }
}

/// What one machine does over a link.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) machine: usize,
    /// The number under which this machine knows the other.
    pub(crate) source: SourceId,
    /// Jobs that this machine serves, in order.
    pub(crate) serving: Requests<u32>,
    /// Jobs that this machine asked for and has not ended.
    pub(crate) asked: Vec<u32>,
    /// Bytes that this machine sent and that have not arrived.
    pub(crate) on_way: u64,
    /// It sends nothing before.
    pub(crate) ready_at: Instant,
    /// Whether the end waits in its machine's uplink.
    pub(crate) in_turn: bool,
    /// Whether this machine lets the other ask.
    pub(crate) serves: bool,
    /// Whether its scheduler wants that.
    pub(crate) lets: bool,
    /// When the last word of this machine is heard: none overtakes another.
    pub(crate) word_at: Instant,
}

impl End {
    pub(crate) fn new(machine: usize, source: SourceId, serves: bool) -> Self {
        Self {
            machine,
            source,
            serving: Requests::default(),
            asked: Vec::new(),
            on_way: 0,
            ready_at: Instant::ZERO,
            in_turn: false,
            serves,
            lets: serves,
            word_at: Instant::ZERO,
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Link {
    ends: (End, End),
    pub(crate) up: bool,
}

impl Link {
    pub(crate) fn new(first: End, second: End) -> Self {
        Self {
            ends: (first, second),
            up: true,
        }
    }

    pub(crate) fn end(&self, way: Way) -> &End {
        if way.side == 0 {
            &self.ends.0
        } else {
            &self.ends.1
        }
    }

    pub(crate) fn end_mut(&mut self, way: Way) -> &mut End {
        if way.side == 0 {
            &mut self.ends.0
        } else {
            &mut self.ends.1
        }
    }
}

/// A fetch on its way through the world.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    /// The end that asked.
    pub(crate) asker: Way,
    pub(crate) span: Span,
    pub(crate) sent: u64,
    pub(crate) arrived: u64,
    /// Bytes that the scheduler was not told of yet, and since when.
    pub(crate) untold: u64,
    pub(crate) told_at: Instant,
    /// How it ended for the asker; nothing counts any more.
    pub(crate) ended: Option<Outcome>,
    /// The asker's scheduler knows of the end.
    pub(crate) end_told: bool,
    /// It ended early, and the server has not heard of it yet.
    pub(crate) withdrawn: bool,
    /// The server is done with it.
    pub(crate) served: bool,
    /// Quanta on their way.
    pub(crate) quanta: u32,
    /// The origin's refusal, and when the asker hears of it.
    pub(crate) fate: Option<(Instant, Outcome)>,
}

impl Job {
    pub(crate) fn new(id: JobId, asker: Way, span: Span, now: Instant) -> Self {
        Self {
            id,
            asker,
            span,
            sent: 0,
            arrived: 0,
            untold: 0,
            told_at: now,
            ended: None,
            end_told: false,
            withdrawn: false,
            served: false,
            quanta: 0,
            fate: None,
        }
    }

    /// Whether nothing refers to it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.end_told && self.served && !self.withdrawn && self.quanta == 0
    }
}

/// Time that `bytes` take at `rate` bytes a second, in microseconds, rounded up.
pub(crate) fn micros_for(bytes: u64, rate: u64) -> u64 {
    bytes.saturating_mul(1_000_000).div_ceil(rate.max(1))
}
