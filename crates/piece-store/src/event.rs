//! What a store tells.

use swarmcopy_layout::PieceIndex;

use crate::error::StoreError;

/// What happens to pieces; told from the store's threads, in order for one piece.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreEvent {
    /// The piece is verified and written; it can be read and handed on.
    PieceOk {
        /// Which.
        piece: PieceIndex,
    },
    /// The bytes of the piece were wrong; all of it is missing again.
    PieceBad {
        /// Which.
        piece: PieceIndex,
        /// Who sent parts of it. A single one is to blame; with several, wait for `Liar`.
        senders: Vec<u32>,
    },
    /// This sender sent wrong bytes for a piece that has verified meanwhile.
    Liar {
        /// Who.
        sender: u32,
        /// Which piece.
        piece: PieceIndex,
    },
    /// The disk took no bytes, or did not keep them.
    Failed(StoreError),
}

/// Where a store tells what happens. Called on the store's threads: it should only pass on.
pub type OnEvent = Box<dyn Fn(StoreEvent) + Send + Sync>;
