//! What one machine of the small world knows of the pieces around it.

use swarmcopy_layout::PieceIndex;

use super::world::{Machine, view};
use crate::Instant;
use crate::origin::Mode;

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
        self.gate.config.mode
    }
}
