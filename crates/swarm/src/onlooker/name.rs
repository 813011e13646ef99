//! What an onlooker is called in its handshake.

use swarmcopy_bt_wire::extension::ONLOOKER_PREFIX;

/// Whether a name in a handshake is one of an onlooker.
pub(crate) fn is_name(name: &[u8; 20]) -> bool {
    name.starts_with(ONLOOKER_PREFIX)
}

/// The same name as an onlooker's: its random part is kept.
pub(super) fn onlooker_name(mut peer_id: [u8; 20]) -> [u8; 20] {
    let prefix = peer_id.iter_mut().zip(ONLOOKER_PREFIX);
    prefix.for_each(|(to, from)| *to = *from);
    peer_id
}
