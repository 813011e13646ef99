//! What one machine of the small world knows of the pieces around it.

use swarmcopy_layout::{PieceIndex, PieceSet};

use super::world::Machine;
use crate::Instant;
use crate::{Mode, View};

impl Machine {
    pub(super) fn gain(&mut self, piece: PieceIndex) {
        self.serving[piece.value() as usize] += 1;
        self.available.insert(piece);
    }

    pub(super) fn forget(&mut self, piece: PieceIndex) {
        let count = &mut self.serving[piece.value() as usize];
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.available.remove(piece);
        }
    }

    pub(super) fn pass_time(&mut self, now: Instant) {
        let view = view(
            &self.missing,
            &self.available,
            &self.serving,
            &self.have,
            self.peers.len(),
        );
        if self.liar {
            return;
        }
        self.gate.timeout(now, &view);
    }

    pub(super) fn mode(&self) -> Mode {
        self.gate.holder().access().config().mode
    }
}

pub(super) fn view<'a>(
    missing: &'a PieceSet,
    available: &'a PieceSet,
    serving: &'a [u16],
    have: &PieceSet,
    peers: usize,
) -> View<'a> {
    View {
        narrowed: false,
        wrong: None,
        missing,
        available,
        serving,
        copied: available,
        pieces_left: have.capacity() - have.len(),
        peers: peers as u32,
        peers_slow: false,
        last: None,
        way: std::time::Duration::ZERO,
        link_goodput: 100 << 20,
    }
}
