//! How pieces spread: what peers gain, whose turn it is, who is asked to be the first.

mod climb;
pub mod connections;
pub(crate) mod counting;
pub mod depth;
pub mod letters;
pub mod requests;
pub(crate) mod suggest;
mod throughput;
pub(crate) mod turns;
pub mod uplink;

use swarmcopy_layout::PieceIndex;

use crate::NodeId;

/// The place of a machine among those that want a piece: the same wherever it is asked, and
/// another one for each piece.
fn order_key(piece: PieceIndex, node: NodeId) -> u64 {
    let mut key =
        u64::from_le_bytes(node.0) ^ u64::from(piece.value()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}
