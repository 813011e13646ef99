//! Pieces that origins were found to have wrong.
//!
//! What this machine found itself is not read again by it; what two machines found is not read by
//! anyone. A machine passes on what it found and what two told it, so one liar's word stays one.

use std::collections::BTreeMap;

use crate::{NodeId, OriginTag};

/// Most marks that are remembered; later ones are dropped.
const MARKS_MAX: usize = 4096;
/// Machines whose word is enough.
const WITNESSES: usize = 2;

/// All marks, by origin and piece.
#[derive(Debug, Default)]
pub(super) struct Marks {
    marks: BTreeMap<(OriginTag, u32), Mark>,
    /// Marks that are passed on, in the order in which they came to be.
    told: Vec<(OriginTag, u32)>,
}

#[derive(Debug, Default)]
struct Mark {
    mine: bool,
    witnesses: Vec<NodeId>,
}

impl Mark {
    fn counts(&self) -> bool {
        self.mine || self.witnesses.len() >= WITNESSES
    }
}

impl Marks {
    fn entry(&mut self, key: (OriginTag, u32)) -> Option<&mut Mark> {
        if self.marks.len() >= MARKS_MAX && !self.marks.contains_key(&key) {
            return None;
        }
        Some(self.marks.entry(key).or_default())
    }

    /// This machine found it.
    pub(super) fn found(&mut self, tag: OriginTag, piece: u32) {
        let Some(mark) = self.entry((tag, piece)) else {
            return;
        };
        let passed_on = mark.counts();
        mark.mine = true;
        if !passed_on {
            self.told.push((tag, piece));
        }
    }

    /// A machine says so.
    pub(super) fn heard(&mut self, node: NodeId, tag: OriginTag, piece: u32) {
        let Some(mark) = self.entry((tag, piece)) else {
            return;
        };
        if mark.witnesses.len() >= WITNESSES || mark.witnesses.contains(&node) {
            return;
        }
        let passed_on = mark.counts();
        mark.witnesses.push(node);
        if !passed_on && mark.counts() {
            self.told.push((tag, piece));
        }
    }

    /// Whether the piece is not to be read from that origin.
    pub(super) fn is_bad(&self, tag: OriginTag, piece: u32) -> bool {
        !self.marks.is_empty() && self.marks.get(&(tag, piece)).is_some_and(Mark::counts)
    }

    /// Whether there is any mark.
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
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

    #[test]
    fn one_witness_is_not_enough_two_are() {
        let (tag, mut marks) = (OriginTag([1; 8]), Marks::default());
        marks.heard(NodeId([1; 8]), tag, 5);
        marks.heard(NodeId([1; 8]), tag, 5);
        assert!(!marks.is_bad(tag, 5));
        assert_eq!(marks.told_len(), 0);
        marks.heard(NodeId([2; 8]), tag, 5);
        assert!(marks.is_bad(tag, 5));
        assert!(!marks.is_bad(OriginTag([2; 8]), 5));
        assert_eq!(marks.told(0, 8), vec![(tag, 5)]);
    }

    #[test]
    fn what_was_found_here_is_not_read_again_here() {
        let (tag, mut marks) = (OriginTag([1; 8]), Marks::default());
        marks.found(tag, 7);
        assert!(marks.is_bad(tag, 7));
        assert_eq!(marks.told(0, 8), vec![(tag, 7)]);
    }
}
