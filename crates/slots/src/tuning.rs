//! The numbers of the slots: each with its unit, what it is for, and what goes wrong without it.
//!
//! What all machines must agree on (how a content is divided, limits of messages) is not here: those are constants
//! beside the code that they bound. Numbers that follow from others are methods.

use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Every number that may be tuned. The defaults hold in rooms of 2 to 1,000 machines; machines of one room may differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Tuning {
    /// How often a holder tells that it lives. Rarer, and the death of a holder is seen late; more often, and a large
    /// room is busy with heartbeats. What is known of holders ages by it.
    pub heartbeat: Duration,
    /// The same at first, for [`young`](Self::young). Without it others learn late how fast a new holder reads.
    pub first_beat: Duration,
    /// For so long after its first slot a holder is new. Without it a slow reader shows late.
    pub young: Duration,
    /// A machine whose link broke may come back within this time, and others may still pass on what it said. Without
    /// it a short break costs a slot, or what a dead holder read is read again.
    pub lost: Duration,
    /// For so long strikes, excuses, tales and what a link can do are remembered. Without it a liar begins anew after
    /// each lie.
    pub memory: Duration,
    /// A number of a term that jumps far ahead is believed after this, if one machine says so. Without it a liar takes
    /// every slot, or a room that was parted for long never agrees.
    pub far_patience: Duration,
    /// How long a banned holder can't claim. Without it a liar comes again and again.
    pub ban: Duration,
    /// Takeovers of living holders' slots after which a machine is banned.
    pub strikes_max: u32,
    /// So many slots may a neighbour tell to have changed hands while their holders live. Without it one liar makes
    /// every holder give up.
    pub tales_max: u32,

    /// Time that word to others takes at least. Without it two machines read the same while their claims cross.
    pub notice: Duration,
    /// How often it is looked what is to be read. Each look costs O(missing pieces).
    pub look: Duration,
    /// How often slow things are looked at, and refused locks asked for.
    pub tick: Duration,
    /// Time between the first and the second of many claims, on the average. Without it many claim at once.
    pub back_step: Duration,
    /// How many claimants the back-off is made for, for each machine that is known: one knows some of its room only.
    pub claimants_each: u32,
    /// Machines by radio or from afar wait this long while one by cable is known. Without it they read for the room.
    pub wired_first: Duration,
    /// A machine whose link is known to be slow lets others go first for so long.
    pub slow_last: Duration,
    /// A slot that was offered is claimed without a back-off within this time.
    pub offer: Duration,

    /// After a local announcement others need this long to answer. Without it two machines that start together read
    /// the same.
    pub announced: Duration,
    /// Longest wait for machines that were named. Without it who is named and never comes stops the copy.
    pub hold_max: Duration,
    /// So many tables are enough to know the room's.
    pub tables_enough: u32,
    /// A silent tracker restrains this machine for this long.
    pub silent_max: Duration,
    /// Who lost all others is cut off after, or for, this long. Without it both parts of a network read everything.
    pub cut_off: Duration,
    /// So many that were lost together: not they are gone, this machine is cut off.
    pub cut_off_lost: usize,
    /// Links that break within this time break at once.
    pub parted_within: Duration,
    /// Of so many links one must break at once for the network to have fallen apart.
    pub parted_ratio: u32,

    /// A holder that is slow for this long gives back.
    pub slow: Duration,
    /// A holder is slow when it brings less than this part of what others do.
    pub slow_factor: u64,
    /// Who was slow, or passed on too slowly, does not claim for so long, if others do.
    pub slow_rest: Duration,
    /// A holder to which no origin brings anything gives way after this. Without it a holder whose way to the server
    /// is broken stops the room.
    pub turn: Duration,
    /// That doubles with each such turn, up to so many times: a first answer may take long.
    pub turn_doublings_max: u32,
    /// Slots that others could hold are given back so long one after another.
    pub shed_every: Duration,
    /// How often a holder without work looks for some.
    pub steal_every: Duration,
    /// A live holder keeps the extents up to so many places ahead. Without it two read the same extent.
    pub steal_ahead: u32,
    /// Work is taken from others for so long at most.
    pub steal_time: Duration,
    /// With so few extents ahead a holder tells at once where it is.
    pub tail: u32,
    /// Least time for which the last pieces of a slot that was read to its end are waited for.
    pub spread_min: Duration,

    /// A machine gives way to one that takes in so many percent of what it can itself.
    pub outdone_percent: u64,
    /// Or so many times what this one takes in while it is behind, if it never read.
    pub outdone_times: u64,
    /// Who takes work from a slot gets all of it, if its link is so many percent of its holder's.
    pub outrun_percent: u64,
    /// So many machines for each slot are tried as readers where nobody knows who is fast.
    pub trials_each: usize,
    /// They are tried only while more is left to read than this takes.
    pub trial_left: Duration,
    /// In rooms of more machines than this nobody is tried: word of a change takes longer than the change.
    pub trial_room_max: u32,

    /// A holder that brings nothing for this long is none. Without it who holds slots and reads none stops the room.
    pub stall: Duration,
    /// The same, besides the time of four pieces, of a holder of whose slot nothing came yet.
    pub stall_unproven: Duration,
    /// So many pairs of pieces may be read side by side before the first is whole.
    pub pieces_abreast: u32,
    /// Who lacks pieces, reads none and gets none for this long starves: it is unchoked by others.
    pub starve: Duration,
    /// Bytes a second that an isolated machine, or one whose lock has leaked, may read.
    pub trickle_bytes: u64,

    /// What each look of so long a time showed of the link is believed.
    pub lasting: Duration,
    /// What the link takes in grows while it is more than this percentage of what it was a moment ago.
    pub grows_percent: u64,
    /// A link is full when it brings this percentage of the best that it was seen to bring for a while.
    pub full_percent: u64,
    /// A machine that takes in less than this percentage of what another does is held up by more than the reading.
    pub pace_percent: u64,

    /// Bytes that only this machine may have, at most, by the share of the content. Without it much is read again when
    /// a reader dies.
    pub window_max_bytes: u64,
    /// The same where the content is small, if that is no more than a 64th of it. Without it a reader waits for the
    /// first copies of what it read, and the origin idles.
    pub window_min_bytes: u64,
    /// Pieces that only this machine may have in any case.
    pub window_pieces_min: u64,
    /// The window binds while a peer took a block this lately.
    pub taken_lately: Duration,
    /// A window that is full for this long without draining doubles. Without it who takes nothing stops a holder.
    pub stuck: Duration,
    /// It drains too slowly when less than this part of the link goes.
    pub drain_parts: u64,
    /// There is always room for so many times the shortest time that a piece took to reach another.
    pub taken_ways: u32,

    /// Changes of this long are told in one message.
    pub coalesce: Duration,
    /// Messages to one neighbour: one each so often. Receivers take in a fifth more.
    pub sent_every: Duration,
    /// So many messages at once. Receivers take in five times as many.
    pub sent_at_once: u64,
    /// The full table is told again after this. Without it a lost message is never made good.
    pub full_every: Duration,
    /// A reader's word that it reads a piece counts for this long.
    pub claim_fresh: Duration,
    /// A piece is not read for this long after enough machines said that an origin has it wrong.
    pub believed: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            heartbeat: MS(1000),
            first_beat: MS(300),
            young: MS(2000),
            lost: MS(1500),
            memory: MS(60_000),
            far_patience: MS(10_000),
            ban: MS(600_000),
            strikes_max: 3,
            tales_max: 2,
            notice: MS(100),
            look: MS(100),
            tick: MS(500),
            back_step: MS(60),
            claimants_each: 16,
            wired_first: MS(10_000),
            slow_last: MS(2000),
            offer: MS(1000),
            announced: MS(300),
            hold_max: MS(2000),
            tables_enough: 8,
            silent_max: MS(5000),
            cut_off: MS(10_000),
            cut_off_lost: 3,
            parted_within: MS(1000),
            parted_ratio: 3,
            slow: MS(5000),
            slow_factor: 2,
            slow_rest: MS(30_000),
            turn: MS(2000),
            turn_doublings_max: 3,
            shed_every: MS(300),
            steal_every: MS(250),
            steal_ahead: 2,
            steal_time: MS(2000),
            tail: 4,
            spread_min: MS(1000),
            outdone_percent: 130,
            outdone_times: 3,
            outrun_percent: 160,
            trials_each: 3,
            trial_left: MS(1000),
            trial_room_max: 32,
            stall: MS(15_000),
            stall_unproven: MS(4000),
            pieces_abreast: 2,
            starve: MS(10_000),
            trickle_bytes: 5_000_000,
            lasting: MS(300),
            grows_percent: 115,
            full_percent: 80,
            pace_percent: 70,
            window_max_bytes: 32 << 20,
            window_min_bytes: 8 << 20,
            window_pieces_min: 4,
            taken_lately: MS(2000),
            stuck: MS(1000),
            drain_parts: 3,
            taken_ways: 2,
            coalesce: MS(20),
            sent_every: MS(60),
            sent_at_once: 8,
            full_every: MS(30_000),
            claim_fresh: MS(2000),
            believed: MS(20_000),
        }
    }
}

impl Tuning {
    /// A holder is dead after this long without a heartbeat; for so long what it took may be on its way.
    pub fn dead(&self) -> Duration {
        self.heartbeat * 5
    }

    /// A holder whose heartbeats are missing for so long, and that lets us wait, is about to be dead.
    pub(crate) fn beats_missed(&self) -> Duration {
        self.heartbeat * 11 / 5
    }

    /// A holder's word about itself is up to date for this long.
    pub(crate) fn current(&self) -> Duration {
        self.heartbeat * 3 / 2
    }

    /// A takeover of a slot whose holder spoke this lately is a strike against the new one.
    pub(crate) fn usurp_fresh(&self) -> Duration {
        self.heartbeat * 5 / 2
    }

    /// A table is taken as learned when nobody new came for this long.
    pub(crate) fn quiet(&self) -> Duration {
        self.announced / 2
    }

    /// How many claimants the back-off is made for, at least and at most.
    pub(crate) fn claimants(&self) -> (u32, u32) {
        (self.claimants_each * 4, self.claimants_each * 256)
    }

    /// A lock that was refused for this long, and whose holder gives no sign of life, has leaked.
    pub(crate) fn leaked(&self) -> Duration {
        self.dead() * 2
    }

    /// The turn of a holder whose origins all refuse.
    pub(crate) fn turn_refused(&self) -> Duration {
        self.turn / 4
    }

    /// How much later a machine claims after a turn that brought nothing.
    pub(crate) fn later(&self) -> Duration {
        self.turn / 2
    }

    /// Longest wait for a slow holder that brings something at times.
    pub(crate) fn stall_slow_max(&self) -> Duration {
        self.stall * 3
    }

    /// The wait for a holder that says why it brings nothing.
    pub(crate) fn stall_excused(&self) -> Duration {
        self.stall * 4
    }

    /// How long a link's rate must last to be what it can bring.
    pub(crate) fn sustained(&self) -> Duration {
        self.look * 4
    }

    /// Messages taken from one neighbour: one each so often, with so many at once; more than anyone sends.
    pub(crate) fn taken(&self) -> (Duration, u64) {
        (self.sent_every * 5 / 6, self.sent_at_once * 5)
    }
}
