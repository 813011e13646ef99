//! Who was linked lately: a peer may be found to have lied after it went away.

use std::collections::VecDeque;
use std::net::SocketAddr;

use swarmcopy_scheduler::SourceId;

/// Links that ended and are remembered, the latest ones.
pub const GONE_MAX: usize = 256;

/// The peers of the last links that ended.
#[derive(Debug, Default)]
pub(super) struct Gone(VecDeque<(SourceId, SocketAddr, [u8; 20])>);

impl Gone {
    /// Remembers a link that ended: where its peer can be met again, and the peer's name.
    pub(super) fn add(&mut self, id: SourceId, (addr, peer_id): (SocketAddr, [u8; 20])) {
        self.0.truncate(GONE_MAX - 1);
        self.0.push_front((id, addr, peer_id));
    }

    /// Whose link that was.
    pub(super) fn who(&self, id: SourceId) -> Option<(SocketAddr, [u8; 20])> {
        let found = self.0.iter().find(|(gone, ..)| *gone == id);
        found.map(|(_, addr, peer_id)| (*addr, *peer_id))
    }
}
