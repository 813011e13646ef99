//! Extents: the fixed division of a content among the slots.
//!
//! An extent is a run of whole pieces. Extents are ranked by a hash of the content and their index;
//! the slot of an extent is its rank modulo the number of slots. Nothing here depends on who is
//! there, so machines with different views still never share work.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use swarmcopy_layout::{Layout, PieceIndex};

/// Longest extent in bytes, unless one piece is longer.
const EXTENT_LEN_MAX: u64 = 64 << 20;
/// Extents that each slot has at least, where the pieces allow it: the last reader is alone with what
/// is left of one or two.
const EXTENTS_PER_SLOT: u64 = 16;

/// Most extents that a machine takes from another's slot at once.
pub(super) const TAKEN_MAX: u32 = 32;

/// Which extent and slot each piece belongs to, and in what order a slot is read.
#[derive(Debug)]
pub(super) struct Extents {
    layout: Arc<Layout>,
    extent_pieces: u32,
    slot_of: Vec<u32>,
    /// Where an extent stands in its slot's order.
    place_of: Vec<u32>,
    /// The extents of each slot by rank.
    orders: Vec<Vec<u32>>,
}

fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn rank_key(content: &[u8; 32], extent: u32) -> [u8; 32] {
    Sha256::new()
        .chain_update(content)
        .chain_update(extent.to_be_bytes())
        .finalize()
        .into()
}

impl Extents {
    /// Divides the content among `slots` slots. O(extents log extents).
    pub(super) fn new(layout: Arc<Layout>, content: &[u8; 32], slots: u32) -> Self {
        let slots = slots.max(1);
        let piece_len = layout.piece_len().max(1);
        let share = layout.len() / (EXTENTS_PER_SLOT * u64::from(slots));
        let len = share.min(EXTENT_LEN_MAX).max(piece_len);
        let extent_pieces = u32::try_from(len / piece_len).unwrap_or(u32::MAX).max(1);
        let count = layout.pieces().div_ceil(extent_pieces);
        let mut ranked: Vec<([u8; 32], u32)> = (0..count)
            .map(|extent| (rank_key(content, extent), extent))
            .collect();
        ranked.sort_unstable();
        let mut extents = Self {
            layout,
            extent_pieces,
            slot_of: vec![0; at(count)],
            place_of: vec![0; at(count)],
            orders: vec![Vec::new(); at(slots)],
        };
        let slots_round = (0..slots).cycle();
        for ((_, extent), slot) in ranked.into_iter().zip(slots_round) {
            let Some(order) = extents.orders.get_mut(at(slot)) else {
                continue;
            };
            let place = u32::try_from(order.len()).unwrap_or(u32::MAX);
            order.push(extent);
            extents
                .slot_of
                .get_mut(at(extent))
                .into_iter()
                .for_each(|of| *of = slot);
            extents
                .place_of
                .get_mut(at(extent))
                .into_iter()
                .for_each(|of| *of = place);
        }
        extents
    }

    /// The same content divided among fewer slots.
    pub(super) fn shrunk(&self, content: &[u8; 32], slots: u32) -> Self {
        Self::new(Arc::clone(&self.layout), content, slots)
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The piece with this number.
    pub(super) fn piece(&self, piece: u32) -> Option<PieceIndex> {
        self.layout.piece(piece)
    }

    /// Bytes of a piece.
    pub(super) fn piece_len(&self) -> u64 {
        self.layout.piece_len()
    }

    /// Bytes of an extent at most.
    pub(super) fn len_bytes(&self) -> u64 {
        u64::from(self.extent_pieces) * self.layout.piece_len()
    }

    /// The extent of a piece.
    pub(super) fn extent_of(&self, piece: u32) -> u32 {
        piece / self.extent_pieces
    }

    /// The slot of a piece.
    pub(super) fn slot_of_piece(&self, piece: u32) -> u32 {
        self.slot_of(self.extent_of(piece))
    }

    /// The slot of an extent; 0 for one that does not exist.
    pub(super) fn slot_of(&self, extent: u32) -> u32 {
        self.slot_of.get(at(extent)).copied().unwrap_or(0)
    }

    /// The pieces of an extent, as a half-open range; empty for one that does not exist.
    pub(super) fn pieces_of(&self, extent: u32) -> (u32, u32) {
        let pieces = self.layout.pieces();
        let first = extent.saturating_mul(self.extent_pieces).min(pieces);
        (first, first.saturating_add(self.extent_pieces).min(pieces))
    }

    /// So many extents of one slot's order, from this one on.
    pub(super) fn run(&self, extent: u32, count: u32) -> impl Iterator<Item = u32> + '_ {
        let slot = self.slot_of(extent);
        let place = self.place_in(slot, extent).unwrap_or(u32::MAX);
        let places = place..place.saturating_add(count);
        places.map_while(move |place| self.nth(slot, place))
    }

    /// How many extents a slot has.
    pub(super) fn count(&self, slot: u32) -> u32 {
        let len = self.orders.get(at(slot)).map_or(0, Vec::len);
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    /// The extent at this place of a slot's order.
    pub(super) fn nth(&self, slot: u32, place: u32) -> Option<u32> {
        self.orders.get(at(slot))?.get(at(place)).copied()
    }

    /// Where an extent stands in the order of `slot`; `None` if it belongs to another.
    pub(super) fn place_in(&self, slot: u32, extent: u32) -> Option<u32> {
        let place = self.place_of.get(at(extent)).copied()?;
        (self.slot_of(extent) == slot).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use swarmcopy_layout::RelPath;

    fn layout(len: u64, piece_len: u64) -> Arc<Layout> {
        let file = RelPath::parse("f").unwrap();
        Arc::new(Layout::builder(piece_len).file(file, len).build().unwrap())
    }

    proptest! {
        #[test]
        fn every_piece_has_one_extent_and_slots_are_balanced(
            pieces in 1u64..2000, slots in 1u32..65, shift in 14u32..27
        ) {
            let layout = layout(pieces << shift, 1 << shift);
            let extents = Extents::new(layout, &[7; 32], slots);
            let mut seen = vec![0; usize::try_from(pieces).unwrap()];
            let mut counts = Vec::new();
            for slot in 0..slots {
                counts.push(extents.count(slot));
                for place in 0..extents.count(slot) {
                    let extent = extents.nth(slot, place).unwrap();
                    prop_assert_eq!(extents.place_in(slot, extent), Some(place));
                    let (first, end) = extents.pieces_of(extent);
                    for piece in first..end {
                        seen[piece as usize] += 1;
                        prop_assert_eq!(extents.slot_of_piece(piece), slot);
                    }
                }
            }
            prop_assert!(seen.iter().all(|times| *times == 1));
            let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
            prop_assert!(spread <= 1);
        }
    }

    #[test]
    fn extents_of_a_large_content_are_64_mib() {
        let extents = Extents::new(layout(4 << 30, 4 << 20), &[1; 32], 3);
        assert_eq!(extents.pieces_of(1), (16, 32));
    }
}
