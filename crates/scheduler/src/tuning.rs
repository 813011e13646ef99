//! The numbers of scheduling, each once: its unit, what it means, and what breaks without it.
//!
//! What can be derived from another number is a method, not a field. Limits of memory (how many answers are remembered,
//! how many suggestions are kept) stand where they are kept: nothing is decided by them. The numbers of
//! `spread` that links ask for are constants beside their code.

use std::time::Duration;

use swarmcopy_slots::{in_order, numbers};

const MS: fn(u64) -> Duration = Duration::from_millis;

numbers! {
    /// Numbers by which a scheduler decides. The defaults are for rooms of a few to a few hundred machines.
    pub struct Tuning {
        /// Time between two looks at what is silent: snubs, pauses, turns of upload, the choice of origins. Longer, and
        /// what is silent is left late; shorter, and large rooms cost more.
        look: Duration = MS(500);
        /// The same while the room may wait for what the look shows: a peer on trial, the last pieces. Also the least that
        /// work must gain to change hands then. Longer, and the last pieces wait for one peer.
        look_soon: Duration = MS(100);
        /// Shortest time between two searches that look at each job or each origin. Shorter, and idle sources of large
        /// copies cost much.
        search: Duration = MS(20);

        /// Time for which a peer's queue lasts; twice as long where there are few sources, and for all that peers are asked
        /// together. Longer, and what waits can't be asked of a faster one; shorter, and far peers idle.
        queue: Duration = MS(250);
        /// The same of other people's clients. Some look at what is asked of them only twice a second: who asks for no more
        /// than came in half a second never gets more.
        queue_stock: Duration = MS(1500);
        /// So many sources are few.
        sources_few: usize = 4;
        /// Time in which a piece must come to be asked for as a whole, and for which a queue lasts at most, however far the
        /// source is. Shorter, and pieces of slow peers are shared by many and can be passed on late.
        piece_time: Duration = MS(2000);
        /// Least bytes of one fetch from a peer. Less, and each fetch costs more than it brings.
        span_min: u64 = 32 << 10;
        /// Most bytes of one fetch from a peer, and of one read of an origin beside others; queues and reads alone may be
        /// four times as long. More, and nobody else can bring what one was asked for.
        span_max: u64 = 4 << 20;
        /// Pieces that peers may be asked for at least, however slow they were. Fewer, and small rooms idle.
        credit_pieces: u64 = 6;
        /// Requests last for so many ways there and back, and reads of an origin alone for twice as many. Fewer, and far
        /// sources idle: what comes meanwhile must have been asked for, and more where the rate is to grow.
        ways: u32 = 2;

        /// Pieces compared when the rarest is looked for. Fewer, and common pieces are fetched before rare ones.
        sample: u32 = 24;
        /// Random places at which the sample is taken. One, and all machines take the same neighbours.
        sample_places: u32 = 4;
        /// Who alone has pieces is asked for what others have up to this part of its queue. More, and what it alone has
        /// comes late.
        spared_part: u64 = 4;
        /// Shortest and longest time after which the next machine may ask for a piece in few hands, too. Shorter, and a
        /// reader sends its first copy many times; longer, and all wait for one that does not take its turn.
        turn_patience: (Duration, Duration) = (MS(500), MS(5000));
        /// How fast the measure of how pieces spread moves: one in so many.
        turn_steps: u32 = 8;

        /// No byte for this long is silence of what has brought some, and the longest wait that a busy server may ask for.
        /// Longer, and a frozen machine holds up others.
        patience: Duration = MS(2000);
        /// The same where little is lost: of a stranger that never brought any, of an origin that failed, or beside one that
        /// answers. Longer, and a room waits for a mute one.
        patience_short: Duration = MS(1000);
        /// The same of an origin that never brought any, alone and beside others. Shorter, and slow first answers are taken
        /// for failures.
        patience_origin: (Duration, Duration) = (MS(3000), MS(2500));
        /// So many blocks at the usual rate, or half as many answers, are waited for at least. Fewer, and slow is silent.
        patience_blocks: u32 = 8;
        /// What comes from others before it makes a source look silent for so long at most.
        patience_line: Duration = MS(8000);
        /// A wait that doubles does so at most so often. More, and who is well again is found late.
        doublings: u32 = 2;
        /// What refused, let us wait or lacked a piece is asked again after this. Shorter, and it is asked in vain.
        retry: Duration = MS(1000);
        /// The same of a peer that never brought anything. Shorter, and mute peers cost readers their slots.
        retry_unproven: Duration = MS(5000);
        /// The same of an origin that failed: the first wait, and the longest. Longer, and one that is well again is unused.
        retry_origin: (Duration, Duration) = (MS(200), MS(1500));
        /// The same of a piece that an origin had wrong; it doubles at most eight times. Shorter, and each try costs a piece.
        retry_wrong: Duration = MS(3000);
        /// Each such try is followed by a pause of so many times its length. Shorter, and wrong pieces fill a slow line.
        pause_wrong: u32 = 4;
        /// A peer counts as serving for this long after it connected, or after a block where it lets us wait. Shorter, and
        /// origins are read beside new peers; longer, and mute ones keep them closed.
        serving_doubted: Duration = MS(3000);
        /// The same after a block of one that lets nobody wait.
        serving: Duration = MS(10_000);
        /// Somebody else's client that never brought anything may let us wait for this long before its pieces count as
        /// available no more. Less than the patience with its first answer: that may still come, and to claim a slot takes
        /// time, too.
        stock_doubted: Duration = MS(400);

        /// Work changes hands only where it would end so many times sooner; half as many for the last pieces. Less, and more
        /// comes in vain.
        steal_times: u32 = 4;
        /// And by at least this. Less is what fetches wait for their turn where uplinks are full: with a quarter of a
        /// second a real room of eight took a twentieth of its bytes in vain.
        steal_gain: Duration = MS(1000);
        /// A fetch of which nothing came may be moved after this at the soonest. Sooner, and it is on its way.
        steal_queued: Duration = MS(500);
        /// What it must gain doubles with each time that it changed hands, up to so many. Fewer, and a piece goes round for
        /// ever.
        steal_moves: u32 = 6;
        /// The last pieces are one in so many of all. Fewer, and the last piece waits; more, and more comes in vain.
        end_parts: u32 = 100;

        /// Bytes that an origin brings at a time: a quarter of the parts in which shares are read, and the first read.
        origin_block: u64 = 256 << 10;
        /// Time for which a read of an origin lasts, up to the last where the way is long. Longer, and whoever turns up
        /// meanwhile can't take any of it; shorter, and each read costs more than it brings.
        run_time: (Duration, Duration) = (MS(500), MS(3000));
        /// A slot that is given back is read no longer than this if peers can wait, and half as long in haste.
        drain: Duration = MS(1000);
        /// An origin with this many bad pieces is used only where no other is left. More, and a liar costs more.
        origin_wrong: u32 = 3;
        /// Pieces that an origin beside others is asked for before any of it has proved right. More, and a liar costs more.
        origin_unproven: usize = 4;
        /// One piece in so many is read of an origin that others are preferred to, and so many right ones make up for a
        /// wrong one. Fewer, and its rate is forgotten.
        origin_tried: usize = 8;
        /// Most origins that are read at a time. More, and each costs connections.
        origins_read: usize = 4;
        /// An origin with less than this part of the best one's rate is slow.
        origin_slow: u64 = 4;

        /// Streams of an origin at first. More, and a small server is overrun.
        streams: u32 = 2;
        /// Time and completions of each stream for which a number of streams is tried. Fewer, and chance decides.
        streams_window: (Duration, u32) = (MS(500), 8);
        /// One in so many windows tries another number.
        streams_probe: u32 = 4;
        /// Percent by which goodput must grow to double streams again, and to keep a change.
        streams_gain: (u64, u64) = (10, 2);
        /// Percent of an idle server's time for an answer at which streams are given up: some, and all but one.
        streams_slow: (u64, u64) = (150, 400);

        /// Peers that bring what is left within this time are good enough. Longer, and a slow seed keeps the origin unread.
        thin_soon: Duration = MS(4000);
        /// A peer is judged when it was asked without a pause for this long.
        thin_busy: Duration = MS(1000);
        /// Origins must bring so many percent of what few peers bring together, or of what many do, to be read beside them.
        thin_percent: (u64, u64) = (150, 400);
        /// That must last for so long, and so long origins are tried. Shorter, and what comes and goes decides.
        thin_lasting: Duration = MS(1500);
        /// Origins that brought no more than the peers are tried again after this.
        thin_again: Duration = MS(15_000);
        /// A peer is thin below this part of what origins bring, and good above this part of what its own link takes in.
        thin_parts: u64 = 2;
        /// What a thin peer would bring so much later than all the rest is not asked of it.
        thin_late: Duration = MS(500);
        /// So many peers are few, and more that bring less than so many bytes a second.
        thin_few: (usize, u64) = (2, 1_500_000);

        /// A link is full when it brings this percentage of the best that it was seen to bring, beside an origin or at all.
        full_percent: (u64, u64) = (90, 80);
        /// Least percentage of the usual credit that peers get while an origin is read.
        share_min: u64 = 25;
        /// The best that was sent is forgotten by this part with each look. More slowly, and a burst counts for long.
        room_forget: u64 = 32;
        /// Percent of the best that was sent below which the uplink has room, and until more than which.
        room_percent: (u64, u64) = (50, 85);
        /// Shortest and longest time over which that is taken.
        room_look: (Duration, Duration) = (MS(500), MS(4000));
        /// How long a turn of upload lasts at least while others wait.
        upload_turn: Duration = MS(10_000);
        /// Other people's clients that a reader of the origin serves while machines of ours want turns.
        upload_stock: usize = 1;
        /// Who takes so many times longer than the best quarter gets suggestions only where there is no other.
        suggest_slow: u32 = 3;
    }
}

/// Waits double so often at most; those for wrong pieces do four times as often.
const DOUBLINGS_MAX: u32 = 7;
/// What work must gain to change hands doubles so often at most.
const STEAL_MOVES_MAX: u32 = 16;
/// So many pieces of the greatest length are a number that is still counted.
const PIECES_MAX: u64 = 1 << 16;

impl Tuning {
    /// The nearest numbers that a scheduler can go by: none is nothing, and of two bounds the first is the lesser.
    #[must_use]
    pub fn bounded(self) -> Self {
        let mut own = self.each_within();
        own.doublings = own.doublings.min(DOUBLINGS_MAX);
        own.steal_moves = own.steal_moves.min(STEAL_MOVES_MAX);
        (own.span_min, own.span_max) = in_order((own.span_min, own.span_max));
        own.turn_patience = in_order(own.turn_patience);
        own.run_time = in_order(own.run_time);
        own.room_look = in_order(own.room_look);
        own.retry_origin.0 = own.retry_origin.0.min(own.patience);
        own.retry_origin = in_order(own.retry_origin);
        own.share_min = own.share_min.min(100);
        own.credit_pieces = own.credit_pieces.min(PIECES_MAX);
        own
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_can_be_scaled_by_its_name_and_changes_no_other() {
        for name in Tuning::NAMES {
            let mut tuning = Tuning::default();
            assert!(
                tuning.scale(name, 200) && tuning != Tuning::default(),
                "{name}"
            );
            assert!(
                tuning.scale(name, 50) && tuning == Tuning::default(),
                "{name}"
            );
        }
        assert!(!Tuning::default().scale("looks", 200));
    }

    #[test]
    fn numbers_are_set_to_what_was_read_of_others_and_the_usual_ones_are_within_bounds() {
        let mut other = Tuning::default();
        for name in Tuning::NAMES {
            other.scale(name, 300);
        }
        let mut tuning = Tuning::default();
        for (name, values) in other.values() {
            assert!(tuning.set(name, &values), "{name}");
            assert!(
                !tuning.set(name, &[values.clone(), vec![1]].concat()),
                "{name}"
            );
            assert!(!tuning.set(name, &[]), "{name}");
        }
        assert_eq!(tuning, other);
        assert!(!tuning.set("looks", &[1]));
        assert_eq!(Tuning::default().bounded(), Tuning::default());
    }
}
