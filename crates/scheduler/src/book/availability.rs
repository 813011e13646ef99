//! Which pieces the connected peers have, and which of those they would really serve.
//!
//! A piece is *available* only from a peer that serves: whoever advertises everything and answers
//! nothing counts for nothing.

use swarmcopy_layout::{PieceIndex, PieceSet};

/// Counts of peers per piece, kept up to date with each word of them.
#[derive(Debug)]
pub(crate) struct Availability {
    serving: Vec<u16>,
    available: PieceSet,
    /// Pieces that were sent to peers, and those of them that a peer then said to have.
    sent: PieceSet,
    copied: PieceSet,
}

fn bump(counts: &mut [u16], piece: PieceIndex, up: bool) -> u16 {
    let at = usize::try_from(piece.value()).unwrap_or(usize::MAX);
    let Some(count) = counts.get_mut(at) else {
        return 0;
    };
    *count = if up {
        count.saturating_add(1)
    } else {
        count.saturating_sub(1)
    };
    *count
}

impl Availability {
    /// No peer has any of `pieces` pieces.
    pub(crate) fn new(pieces: u32) -> Self {
        let len = usize::try_from(pieces).unwrap_or(usize::MAX);
        Self {
            serving: vec![0; len],
            available: PieceSet::empty(pieces),
            sent: PieceSet::empty(pieces),
            copied: PieceSet::empty(pieces),
        }
    }

    /// How many peers that serve have each piece; by piece index.
    pub(crate) fn serving(&self) -> &[u16] {
        &self.serving
    }

    /// Bytes of the piece were sent to a peer.
    pub(crate) fn sends(&mut self, piece: PieceIndex) {
        self.sent.insert(piece);
    }

    /// A peer says that it got the piece: that counts as a copy if it was sent, whether the peer serves or is slow.
    pub(crate) fn copies(&mut self, piece: PieceIndex) {
        if self.sent.contains(piece) {
            self.copied.insert(piece);
        }
    }

    /// Pieces that were sent and that a peer has: they do not die with this machine.
    pub(crate) fn copied(&self) -> &PieceSet {
        &self.copied
    }

    /// How many peers that serve have `piece`.
    pub(crate) fn serving_of(&self, piece: PieceIndex) -> u16 {
        let at = usize::try_from(piece.value()).unwrap_or(usize::MAX);
        self.serving.get(at).copied().unwrap_or(0)
    }

    /// Pieces that some serving peer has.
    pub(crate) fn available(&self) -> &PieceSet {
        &self.available
    }

    /// A peer that has `piece` serves from now on; how many do.
    pub(crate) fn serve(&mut self, piece: PieceIndex) -> u16 {
        self.available.insert(piece);
        bump(&mut self.serving, piece, true)
    }

    /// A peer that has `piece` serves no more.
    pub(crate) fn stop_serving(&mut self, piece: PieceIndex) {
        if bump(&mut self.serving, piece, false) == 0 {
            self.available.remove(piece);
        }
    }
}
