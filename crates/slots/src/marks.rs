//! Pieces that origins were found to have wrong, by the word of others.
//!
//! What this machine found itself is known to the scheduler, and only told from here. What two machines found that
//! bring us pieces is not read for a while: their word may order, it never forbids for long. A machine passes on
//! what it found and what two told it, so one liar's word stays one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Instant, NodeId, OriginTag};

/// Most marks that are remembered, and most by the word of one machine; later ones are dropped.
const MARKS_MAX: usize = 4096;
const MARKS_EACH_MAX: usize = 512;
/// Machines whose word is enough.
const WITNESSES: usize = 2;

/// All marks, by origin and piece.
#[derive(Debug)]
pub(super) struct Marks {
    /// A piece is not read for this long after enough machines said that it is wrong; told again changes nothing.
    believed: Duration,
    by_piece: BTreeMap<(OriginTag, u32), Mark>,
    /// Marks that are passed on, in the order in which they came to be.
    told: Vec<(OriginTag, u32)>,
    /// How many marks each machine began.
    begun: BTreeMap<NodeId, usize>,
}

#[derive(Debug, Default)]
struct Mark {
    mine: bool,
    witnesses: Vec<NodeId>,
    believed_until: Option<Instant>,
}

impl Mark {
    fn is_told(&self) -> bool {
        self.mine || self.believed_until.is_some()
    }
}

impl Marks {
    /// None yet; those of others are believed for so long.
    pub(super) fn new(believed: Duration) -> Self {
        Self {
            believed,
            by_piece: BTreeMap::new(),
            told: Vec::new(),
            begun: BTreeMap::new(),
        }
    }

    fn entry(&mut self, key: (OriginTag, u32)) -> Option<&mut Mark> {
        if self.by_piece.len() >= MARKS_MAX && !self.by_piece.contains_key(&key) {
            return None;
        }
        Some(self.by_piece.entry(key).or_default())
    }

    /// This machine found it.
    pub(super) fn found(&mut self, tag: OriginTag, piece: u32) {
        let Some(mark) = self.entry((tag, piece)) else {
            return;
        };
        let passed_on = mark.is_told();
        mark.mine = true;
        if !passed_on {
            self.told.push((tag, piece));
        }
    }

    /// A machine that brings us pieces says so.
    pub(super) fn heard(&mut self, now: Instant, node: NodeId, (tag, piece): (OriginTag, u32)) {
        if !self.by_piece.contains_key(&(tag, piece)) {
            let begun = self.begun.entry(node).or_default();
            *begun += 1;
            if *begun > MARKS_EACH_MAX {
                return;
            }
        }
        let until = now + self.believed;
        let Some(mark) = self.entry((tag, piece)) else {
            return;
        };
        if mark.witnesses.len() >= WITNESSES || mark.witnesses.contains(&node) {
            return;
        }
        let passed_on = mark.is_told();
        mark.witnesses.push(node);
        if mark.witnesses.len() >= WITNESSES {
            mark.believed_until = Some(until);
            if !passed_on {
                self.told.push((tag, piece));
            }
        }
    }

    /// Whether the piece is not to be read from that origin now, by the word of others.
    pub(super) fn is_bad(&self, now: Instant, tag: OriginTag, piece: u32) -> bool {
        let mark = || self.by_piece.get(&(tag, piece));
        !self.by_piece.is_empty()
            && mark().is_some_and(|it| it.believed_until.is_some_and(|until| now < until))
    }

    /// How many marks are passed on.
    pub(super) fn told_len(&self) -> usize {
        self.told.len()
    }

    /// The marks to pass on from the `from`th, at most `max`.
    pub(super) fn told(&self, from: usize, max: usize) -> Vec<(OriginTag, u32)> {
        self.told.iter().skip(from).take(max).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BELIEVED: Duration = Duration::from_secs(20);
    const START: Instant = Instant::from_micros(1_000_000);

    #[test]
    fn one_witness_is_not_enough_two_are() {
        let (tag, mut marks) = (OriginTag([1; 8]), Marks::new(BELIEVED));
        marks.heard(START, NodeId([1; 8]), (tag, 5));
        marks.heard(START, NodeId([1; 8]), (tag, 5));
        assert!(!marks.is_bad(START, tag, 5));
        assert_eq!(marks.told_len(), 0);
        marks.heard(START, NodeId([2; 8]), (tag, 5));
        assert!(marks.is_bad(START, tag, 5));
        assert!(!marks.is_bad(START, OriginTag([2; 8]), 5));
        assert_eq!(marks.told(0, 8), vec![(tag, 5)]);
    }

    #[test]
    fn the_word_of_others_forbids_for_a_while_however_often_it_is_said() {
        let (tag, mut marks) = (OriginTag([1; 8]), Marks::new(BELIEVED));
        for second in 0..60 {
            let now = START + Duration::from_secs(second);
            marks.heard(now, NodeId([1; 8]), (tag, 5));
            marks.heard(now, NodeId([2; 8]), (tag, 5));
            marks.heard(now, NodeId([3; 8]), (tag, 5));
            assert_eq!(marks.is_bad(now, tag, 5), second < BELIEVED.as_secs());
        }
    }

    #[test]
    fn one_machine_fills_a_part_of_the_table_only() {
        let (tag, mut marks) = (OriginTag([1; 8]), Marks::new(BELIEVED));
        (0..10_000).for_each(|piece| marks.heard(START, NodeId([1; 8]), (tag, piece)));
        assert_eq!(marks.by_piece.len(), MARKS_EACH_MAX);
    }

    #[test]
    fn what_was_found_here_is_passed_on_once() {
        let (tag, mut marks) = (OriginTag([1; 8]), Marks::new(BELIEVED));
        marks.found(tag, 7);
        marks.found(tag, 7);
        assert_eq!(marks.told(0, 8), vec![(tag, 7)]);
        assert!(!marks.is_bad(START, tag, 7));
    }
}
