//! The numbers of the slots: each with its unit, what it is for, and what goes wrong without it.
//!
//! What all machines must agree on (how a content is divided, limits of messages) is not here: those are constants
//! beside the code that they bound. Numbers that follow from others are methods.

use std::time::Duration;

use crate::numbers;

const MS: fn(u64) -> Duration = Duration::from_millis;

numbers! {
    /// Every number that may be tuned. The defaults hold in rooms of 2 to 1,000 machines; machines of one room may differ.
    pub struct Tuning {
        /// How often a holder tells that it lives. Rarer, and the death of a holder is seen late; more often, and a large
        /// room is busy with heartbeats. What is known of holders ages by it.
        heartbeat: Duration = MS(1000);
        /// The same at first, for [`young`](Self::young). Without it others learn late how fast a new holder reads.
        first_beat: Duration = MS(300);
        /// For so long after its first slot a holder is new. Without it a slow reader shows late.
        young: Duration = MS(2000);
        /// A machine whose link broke may come back within this time, and others may still pass on what it said. Without
        /// it a short break costs a slot, or what a dead holder read is read again.
        lost: Duration = MS(1500);
        /// For so long strikes, excuses, tales and what a link can do are remembered. Without it a liar begins anew after
        /// each lie.
        memory: Duration = MS(60_000);
        /// A number of a term that jumps far ahead is believed after this, if one machine says so. Without it a liar takes
        /// every slot, or a room that was parted for long never agrees.
        far_patience: Duration = MS(10_000);
        /// How long a banned holder can't claim. Without it a liar comes again and again.
        ban: Duration = MS(600_000);
        /// Takeovers of living holders' slots after which a machine is banned.
        strikes_max: u32 = 3;
        /// So many slots may a neighbour tell to have changed hands while their holders live. Without it one liar makes
        /// every holder give up.
        tales_max: u32 = 2;

        /// Time that word to others takes at least. Without it two machines read the same while their claims cross.
        notice: Duration = MS(100);
        /// How often it is looked what is to be read. Each look costs O(missing pieces).
        look: Duration = MS(100);
        /// How often slow things are looked at, and refused locks asked for.
        tick: Duration = MS(500);
        /// Time between the first and the second of many claims, on the average. Without it many claim at once.
        back_step: Duration = MS(60);
        /// How many claimants the back-off is made for, for each machine that is known: one knows some of its room only.
        claimants_each: u32 = 16;
        /// Machines by radio or from afar wait this long while one by cable is known. Without it they read for the room; one by
        /// cable that does not read makes the room wait as long.
        wired_first: Duration = MS(2000);
        /// A machine whose link is known to be slow lets others go first for so long.
        slow_last: Duration = MS(2000);
        /// A slot that was offered is claimed without a back-off within this time.
        offer: Duration = MS(1000);

        /// After a local announcement others need this long to answer. Without it two machines that start together read
        /// the same.
        announced: Duration = MS(300);
        /// Longest wait for machines that were named. Without it who is named and never comes stops the copy.
        hold_max: Duration = MS(2000);
        /// So many tables are enough to know the room's.
        tables_enough: u32 = 8;
        /// A silent tracker restrains this machine for this long.
        silent_max: Duration = MS(5000);
        /// Who lost all others is cut off after, or for, this long. Without it both parts of a network read everything.
        cut_off: Duration = MS(10_000);
        /// So many that were lost together: not they are gone, this machine is cut off.
        cut_off_lost: usize = 3;
        /// Links that break within this time break at once.
        parted_within: Duration = MS(1000);
        /// Of so many links one must break at once for the network to have fallen apart.
        parted_ratio: u32 = 3;

        /// A holder that is slow for this long gives back.
        slow: Duration = MS(5000);
        /// A holder is slow when it brings less than this part of what others do.
        slow_factor: u64 = 2;
        /// Who was slow, or passed on too slowly, does not claim for so long, if others do.
        slow_rest: Duration = MS(30_000);
        /// A holder to which no origin brings anything gives way after this. Without it a holder whose way to the server
        /// is broken stops the room.
        turn: Duration = MS(2000);
        /// That doubles with each such turn, up to so many times: a first answer may take long.
        turn_doublings_max: u32 = 3;
        /// Slots that others could hold are given back so long one after another.
        shed_every: Duration = MS(300);
        /// How often a holder without work looks for some.
        steal_every: Duration = MS(250);
        /// A live holder keeps the extents up to so many places ahead. Without it two read the same extent.
        steal_ahead: u32 = 2;
        /// Work is taken from others for so long at most.
        steal_time: Duration = MS(2000);
        /// With so few extents ahead a holder tells at once where it is.
        tail: u32 = 4;
        /// Least time for which the last pieces of a slot that was read to its end are waited for.
        spread_min: Duration = MS(1000);

        /// A machine gives way to one that takes in so many percent of what it can itself.
        outdone_percent: u64 = 130;
        /// Or so many times what this one takes in while it is behind, if it never read.
        outdone_times: u64 = 3;
        /// Who takes work from a slot gets all of it, if its link is so many percent of its holder's.
        outrun_percent: u64 = 160;
        /// So many machines for each slot are tried as readers where nobody knows who is fast.
        trials_each: usize = 3;
        /// They are tried only while more is left to read than this takes.
        trial_left: Duration = MS(1000);
        /// In rooms of more machines than this nobody is tried: word of a change takes longer than the change.
        trial_room_max: u32 = 32;

        /// A holder that brings nothing for this long is none. Without it who holds slots and reads none stops the room.
        stall: Duration = MS(15_000);
        /// The same, besides the time of four pieces, of a holder of whose slot nothing came yet.
        stall_unproven: Duration = MS(4000);
        /// So many pairs of pieces may be read side by side before the first is whole.
        pieces_abreast: u32 = 2;
        /// Who lacks pieces, reads none and gets none for this long starves: it is unchoked by others.
        starve: Duration = MS(10_000);
        /// Bytes a second that an isolated machine, or one whose lock has leaked, may read.
        trickle_bytes: u64 = 5_000_000;

        /// What each look of so long a time showed of the link is believed.
        lasting: Duration = MS(300);
        /// What the link takes in grows while it is more than this percentage of what it was a moment ago.
        grows_percent: u64 = 115;
        /// A link is full when it brings this percentage of the best that it was seen to bring for a while.
        full_percent: u64 = 80;
        /// A machine that takes in less than this percentage of what another does is held up by more than the reading.
        pace_percent: u64 = 70;

        /// Bytes that only this machine may have, at most, by the share of the content. Without it much is read again when
        /// a reader dies.
        window_max_bytes: u64 = 32 << 20;
        /// The same where the content is small, if that is no more than a 64th of it. Without it a reader waits for the
        /// first copies of what it read, and the origin idles.
        window_min_bytes: u64 = 8 << 20;
        /// Pieces that only this machine may have in any case.
        window_pieces_min: u64 = 4;
        /// The window binds while a peer took a block this lately.
        taken_lately: Duration = MS(2000);
        /// A window that is full for this long without draining doubles. Without it who takes nothing stops a holder.
        stuck: Duration = MS(1000);
        /// It drains too slowly when less than this part of the link goes.
        drain_parts: u64 = 3;
        /// There is always room for so many times the shortest time that a piece took to reach another.
        taken_ways: u32 = 2;

        /// Changes of this long are told in one message.
        coalesce: Duration = MS(20);
        /// Messages to one neighbour: one each so often. Receivers take in a fifth more.
        sent_every: Duration = MS(60);
        /// So many messages at once. Receivers take in five times as many.
        sent_at_once: u64 = 8;
        /// The full table is told again after this. Without it a lost message is never made good.
        full_every: Duration = MS(30_000);
        /// A reader's word that it reads a piece counts for this long.
        claim_fresh: Duration = MS(2000);
        /// A piece is not read for this long after enough machines said that an origin has it wrong.
        believed: Duration = MS(20_000);
    }
}

/// A wait that doubles more often than this is as good as for ever.
const DOUBLINGS_MAX: u32 = 16;
/// So many pieces of the greatest length are a number that is still counted.
const PIECES_MAX: u64 = 1 << 16;

impl Tuning {
    /// The nearest numbers that a gate can go by: none is nothing, and waits that bound another are longer.
    #[must_use]
    pub fn bounded(self) -> Self {
        let mut own = self.each_within();
        own.turn_doublings_max = own.turn_doublings_max.min(DOUBLINGS_MAX);
        own.notice = own.notice.min(own.heartbeat);
        own.spread_min = own.spread_min.min(own.dead());
        own.window_pieces_min = own.window_pieces_min.min(PIECES_MAX);
        own
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_numbers_are_within_bounds_and_others_come_within_them() {
        assert_eq!(Tuning::default().bounded(), Tuning::default());
        for percent in [0, u32::MAX] {
            let mut other = Tuning::default();
            for name in Tuning::NAMES {
                other.scale(name, percent);
            }
            let bounded = other.bounded();
            assert_eq!(bounded.bounded(), bounded);
            assert!(bounded.notice <= bounded.heartbeat);
            assert!(bounded.parted_ratio >= 1 && bounded.look > Duration::ZERO);
        }
    }
}
