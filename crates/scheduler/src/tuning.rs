//! Every number of scheduling, once: its unit, what it means, and what breaks without it.
//!
//! What can be derived from another number is a method, not a field. Limits of memory (how many answers are remembered,
//! how many suggestions are kept) stand where they are kept: nothing is decided by them.

use std::time::Duration;

/// Numbers by which a scheduler decides. The defaults are for rooms of a few to a few hundred machines.
///
/// Of two bounds the first is the lesser, and a part is one at least: a scheduler with others may panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tuning {
    /// Time between two looks at what is silent: snubs, pauses, turns of upload, the choice of origins. Longer, and
    /// what is silent is left late; shorter, and large rooms cost more.
    pub look: Duration,
    /// The same while the room may wait for what the look shows: a peer on trial, the last pieces. Also the least that
    /// work must gain to change hands then. Longer, and the last pieces wait for one peer.
    pub look_soon: Duration,
    /// Shortest time between two searches that look at each job or each origin. Shorter, and idle sources of large
    /// copies cost much.
    pub search: Duration,

    /// Time for which a peer's queue lasts; twice as long where there are few sources, and for all that peers are asked
    /// together. Longer, and what waits can't be asked of a faster one; shorter, and far peers idle.
    pub queue: Duration,
    /// The same of other people's clients. Some look at what is asked of them only twice a second: who asks for no more
    /// than came in half a second never gets more.
    pub queue_stock: Duration,
    /// So many sources are few.
    pub sources_few: usize,
    /// Time in which a piece must come to be asked for as a whole, and for which a queue lasts at most, however far the
    /// source is. Shorter, and pieces of slow peers are shared by many and can be passed on late.
    pub piece_time: Duration,
    /// Least bytes of one fetch from a peer. Less, and each fetch costs more than it brings.
    pub span_min: u64,
    /// Most bytes of one fetch from a peer, and of one read of an origin beside others; queues and reads alone may be
    /// four times as long. More, and nobody else can bring what one was asked for.
    pub span_max: u64,
    /// Pieces that peers may be asked for at least, however slow they were. Fewer, and small rooms idle.
    pub credit_pieces: u64,
    /// Requests last for so many ways there and back, and reads of an origin alone for twice as many. Fewer, and far
    /// sources idle: what comes meanwhile must have been asked for, and more where the rate is to grow.
    pub ways: u32,

    /// Pieces compared when the rarest is looked for. Fewer, and common pieces are fetched before rare ones.
    pub sample: u32,
    /// Random places at which the sample is taken. One, and all machines take the same neighbours.
    pub sample_places: u32,
    /// Who alone has pieces is asked for what others have up to this part of its queue. More, and what it alone has
    /// comes late.
    pub spared_part: u64,
    /// Shortest and longest time after which the next machine may ask for a piece in few hands, too. Shorter, and a
    /// reader sends its first copy many times; longer, and all wait for one that does not take its turn.
    pub turn_patience: (Duration, Duration),
    /// How fast the measure of how pieces spread moves: one in so many.
    pub turn_steps: u32,

    /// No byte for this long is silence of what has brought some, and the longest wait that a busy server may ask for.
    /// Longer, and a frozen machine holds up others.
    pub patience: Duration,
    /// The same where little is lost: of a stranger that never brought any, of an origin that failed, or beside one that
    /// answers. Longer, and a room waits for a mute one.
    pub patience_short: Duration,
    /// The same of an origin that never brought any, alone and beside others. Shorter, and slow first answers are taken
    /// for failures.
    pub patience_origin: (Duration, Duration),
    /// So many blocks at the usual rate, or half as many answers, are waited for at least. Fewer, and slow is silent.
    pub patience_blocks: u32,
    /// What comes from others before it makes a source look silent for so long at most.
    pub patience_line: Duration,
    /// A wait that doubles does so at most so often. More, and who is well again is found late.
    pub doublings: u32,
    /// What refused, let us wait or lacked a piece is asked again after this. Shorter, and it is asked in vain.
    pub retry: Duration,
    /// The same of a peer that never brought anything. Shorter, and mute peers cost readers their slots.
    pub retry_unproven: Duration,
    /// The same of an origin that failed: the first wait, and the longest. Longer, and one that is well again is unused.
    pub retry_origin: (Duration, Duration),
    /// The same of a piece that an origin had wrong; it doubles at most eight times. Shorter, and each try costs a piece.
    pub retry_wrong: Duration,
    /// A peer counts as serving for this long after it connected, or after a block where it lets us wait. Shorter, and
    /// origins are read beside new peers; longer, and mute ones keep them closed.
    pub serving_doubted: Duration,
    /// The same after a block of one that lets nobody wait.
    pub serving: Duration,
    /// Somebody else's client that never brought anything may let us wait for this long before its pieces count as
    /// available no more. Less than the patience with its first answer: that may still come, and to claim a slot takes
    /// time, too.
    pub stock_doubted: Duration,

    /// Work changes hands only where it would end so many times sooner; half as many for the last pieces. Less, and more
    /// comes in vain.
    pub steal_times: u32,
    /// And by at least this. Less is what fetches wait for their turn where uplinks are full: with a quarter of a
    /// second a real room of eight took a twentieth of its bytes in vain.
    pub steal_gain: Duration,
    /// A fetch of which nothing came may be moved after this at the soonest. Sooner, and it is on its way.
    pub steal_queued: Duration,
    /// What it must gain doubles with each time that it changed hands, up to so many. Fewer, and a piece goes round for
    /// ever.
    pub steal_moves: u32,
    /// The last pieces are one in so many of all. Fewer, and the last piece waits; more, and more comes in vain.
    pub end_parts: u32,

    /// Bytes that an origin brings at a time: a quarter of the parts in which shares are read, and the first read.
    pub origin_block: u64,
    /// Time for which a read of an origin lasts, up to the last where the way is long. Longer, and whoever turns up
    /// meanwhile can't take any of it; shorter, and each read costs more than it brings.
    pub run_time: (Duration, Duration),
    /// A slot that is given back is read no longer than this if peers can wait, and half as long in haste.
    pub drain: Duration,
    /// An origin with this many bad pieces is used only where no other is left. More, and a liar costs more.
    pub origin_wrong: u32,
    /// Pieces that an origin beside others is asked for before any of it has proved right. More, and a liar costs more.
    pub origin_unproven: usize,
    /// One piece in so many is read of an origin that others are preferred to, and so many right ones make up for a
    /// wrong one. Fewer, and its rate is forgotten.
    pub origin_tried: usize,
    /// Most origins that are read at a time. More, and each costs connections.
    pub origins_read: usize,
    /// An origin with less than this part of the best one's rate is slow.
    pub origin_slow: u64,

    /// Streams of an origin at first. More, and a small server is overrun.
    pub streams: u32,
    /// Time and completions of each stream for which a number of streams is tried. Fewer, and chance decides.
    pub streams_window: (Duration, u32),
    /// One in so many windows tries another number.
    pub streams_probe: u32,
    /// Percent by which goodput must grow to double streams again, and to keep a change.
    pub streams_gain: (u64, u64),
    /// Percent of an idle server's time for an answer at which streams are given up: some, and all but one.
    pub streams_slow: (u128, u128),

    /// Peers that bring what is left within this time are good enough. Longer, and a slow seed keeps the origin unread.
    pub thin_soon: Duration,
    /// A peer is judged when it was asked without a pause for this long.
    pub thin_busy: Duration,
    /// Origins must bring so many percent of what few peers bring together, or of what many do, to be read beside them.
    pub thin_percent: (u64, u64),
    /// That must last for so long, and so long origins are tried. Shorter, and what comes and goes decides.
    pub thin_lasting: Duration,
    /// Origins that brought no more than the peers are tried again after this.
    pub thin_again: Duration,
    /// A peer is thin below this part of what origins bring, and good above this part of what its own link takes in.
    pub thin_parts: u64,
    /// What a thin peer would bring so much later than all the rest is not asked of it.
    pub thin_late: Duration,
    /// So many peers are few, and more that bring less than so many bytes a second.
    pub thin_few: (usize, u64),

    /// A link is full when it brings this percentage of the best that it was seen to bring, beside an origin or at all.
    pub full_percent: (u64, u64),
    /// Least percentage of the usual credit that peers get while an origin is read.
    pub share_min: u64,
    /// The best that was sent is forgotten by this part with each look. More slowly, and a burst counts for long.
    pub room_forget: u64,
    /// Percent of the best that was sent below which the uplink has room, and until more than which.
    pub room_percent: (u64, u64),
    /// Shortest and longest time over which that is taken.
    pub room_look: (Duration, Duration),
    /// How long a turn of upload lasts at least while others wait.
    pub upload_turn: Duration,
    /// Other people's clients that a reader of the origin serves while machines of ours want turns.
    pub upload_stock: usize,
    /// Who takes so many times longer than the best quarter gets suggestions only where there is no other.
    pub suggest_slow: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        const MS: fn(u64) -> Duration = Duration::from_millis;
        Self {
            look: MS(500),
            look_soon: MS(100),
            search: MS(20),
            queue: MS(250),
            queue_stock: MS(1500),
            sources_few: 4,
            piece_time: MS(2000),
            span_min: 32 << 10,
            span_max: 4 << 20,
            credit_pieces: 6,
            ways: 2,
            sample: 24,
            sample_places: 4,
            spared_part: 4,
            turn_patience: (MS(500), MS(5000)),
            turn_steps: 8,
            patience: MS(2000),
            patience_short: MS(1000),
            patience_origin: (MS(3000), MS(2500)),
            patience_blocks: 8,
            patience_line: MS(8000),
            doublings: 2,
            retry: MS(1000),
            retry_unproven: MS(5000),
            retry_origin: (MS(200), MS(1500)),
            retry_wrong: MS(3000),
            serving_doubted: MS(3000),
            serving: MS(10_000),
            stock_doubted: MS(400),
            steal_times: 4,
            steal_gain: MS(1000),
            steal_queued: MS(500),
            steal_moves: 6,
            end_parts: 100,
            origin_block: 256 << 10,
            run_time: (MS(500), MS(3000)),
            drain: MS(1000),
            origin_wrong: 3,
            origin_unproven: 4,
            origin_tried: 8,
            origins_read: 4,
            origin_slow: 4,
            streams: 2,
            streams_window: (MS(500), 8),
            streams_probe: 4,
            streams_gain: (10, 2),
            streams_slow: (150, 400),
            thin_soon: MS(4000),
            thin_busy: MS(1000),
            thin_percent: (150, 400),
            thin_lasting: MS(1500),
            thin_again: MS(15_000),
            thin_parts: 2,
            thin_late: MS(500),
            thin_few: (2, 1_500_000),
            full_percent: (90, 80),
            share_min: 25,
            room_forget: 32,
            room_percent: (50, 85),
            room_look: (MS(500), MS(4000)),
            upload_turn: MS(10_000),
            upload_stock: 1,
            suggest_slow: 3,
        }
    }
}

impl Tuning {
    /// Time for which all that is asked of peers lasts, and the queue of a peer where there is hardly another.
    pub(crate) fn queue_long(&self) -> Duration {
        self.queue * 2
    }

    /// Least and most bytes asked of one peer at a time.
    pub(crate) fn queue_bytes(&self) -> (u64, u64) {
        (self.span_min * 2, self.span_max * 4)
    }

    /// A queue as long as this is one fetch: fewer sources then share a piece, and it is whole sooner.
    pub(crate) fn queue_whole(&self) -> u64 {
        self.span_max / 2
    }

    /// Least bytes that peers may be asked for; pieces count for a quarter of the longest fetch at least.
    pub(crate) fn credit_min(&self, piece_len: u64) -> u64 {
        self.credit_pieces * piece_len.max(self.span_max / 4)
    }

    /// Longest read of an origin of a machine that is alone, in bytes.
    pub(crate) fn run_alone(&self) -> u64 {
        self.span_max * 4
    }
}
