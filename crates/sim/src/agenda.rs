//! What will happen, in order: by time, and at the same time in the order in which it was put down.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use swarmcopy_scheduler::Instant;

use crate::link::Way;

/// A word of one machine to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// What it has at that moment.
    Bitfield,
    Unchoke,
    Choke,
    /// A piece that the other should take first.
    Suggest(u32),
    Interested,
    NotInterested,
    /// It asks for the span of this job.
    Request(u32),
    /// It wants this job's bytes no more.
    Withdraw(u32),
    /// A slot message, kept under this number.
    Slots(u32),
}

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coming {
    Join(usize),
    /// A machine looks for others.
    Dial(usize),
    LinkUp(usize, usize),
    Timeout(usize),
    /// A word arrives at this end.
    Word(Way, Word),
    /// An end that had to wait may send again.
    Turn(Way),
    /// Turns of a machine's uplink may have lasted too long.
    TurnsEnd(usize),
    /// A machine's link has sent what it was sending.
    Sent(usize),
    /// So many bytes of a job have arrived; sent from this end.
    Arrived(Way, u32, u32),
    /// The scheduler hears that a job has ended.
    JobEnd(u32),
    /// A piece was hashed.
    Checked(usize, u32),
    /// All neighbours hear that the machine has a piece.
    Have(usize, u32),
    /// A machine takes in the HAVEs that have come.
    Haves(usize),
    /// A machine is refused where it calls another back.
    Refused(usize, usize),
    Trouble(usize),
    /// A liar claims all slots.
    Lie(usize),
    /// The asker of this job hears of the origin's refusal.
    Fate(u32),
    /// What a frozen machine was told meanwhile.
    Told(usize, u32),
    /// A process that ends in order has said all.
    Gone(usize),
    /// A complete machine looks whether it is needed.
    Linger(usize),
    /// A link to a machine without power is given up.
    GivenUp(usize),
    /// All that a machine was told of are met or out of reach.
    Met(usize),
    /// Promises are looked at.
    Watch,
}

#[derive(Debug)]
struct Entry {
    at: Instant,
    number: u64,
    coming: Coming,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The heap gives its greatest first: that is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// All that will happen.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    number: u64,
}

impl Agenda {
    pub(crate) fn put(&mut self, at: Instant, coming: Coming) {
        self.number += 1;
        let number = self.number;
        self.heap.push(Entry { at, number, coming });
    }

    pub(crate) fn next(&mut self) -> Option<(Instant, Coming)> {
        let entry = self.heap.pop()?;
        Some((entry.at, entry.coming))
    }
}
