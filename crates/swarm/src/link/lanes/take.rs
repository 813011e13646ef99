//! One lane that brings us blocks: dialled by us, and read until it is not wanted any more.
//!
//! What must stay true: a lane ends as asked only when all that was sent on it has come.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use swarmcopy_bt_wire::peer::{FrameHead, Limits};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::handshake;
use crate::link::Shared;
use crate::link::receive::Receive;
use crate::wire::WireWrite;
use crate::{Encryption, LinkEnd};

/// Time for blocks that are on their way when a lane is given up.
const FAREWELL_TIME: Duration = Duration::from_secs(5);

/// How a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakeEnd {
    /// By our wish; nothing was lost.
    Asked,
    /// It never came about.
    Refused,
    /// It broke; blocks may be lost.
    Lost,
}

/// Dials a lane under `name` and takes blocks from it until `stop`.
pub(super) async fn run(
    shared: Arc<Shared>,
    addr: SocketAddr,
    name: [u8; 20],
    (stop, pulse): (CancellationToken, Arc<AtomicU64>),
) -> TakeEnd {
    let common = &shared.common;
    let ours = handshake::ours(common.info_hash, name);
    let dialled = match handshake::dial(addr, common.bind_ip, &ours, Encryption::Off).await {
        Ok(dialled) if dialled.theirs.peer_id == shared.peer_id => dialled,
        Ok(_) => return TakeEnd::Refused,
        Err(end) => {
            tracing::debug!(%addr, %end, "cannot open a lane");
            return TakeEnd::Refused;
        }
    };
    let _counted = Counted::new(&shared.lanes_in);
    let (read, write) = dialled.wire.into_split();
    let receive = Receive::new(read, Arc::clone(&shared)).with_pulse(pulse);
    take(&shared, receive, write, stop).await
}

async fn take(
    shared: &Arc<Shared>,
    mut receive: Receive,
    write: WireWrite,
    stop: CancellationToken,
) -> TakeEnd {
    let block_len = shared.state().download.block_len();
    let limits = Limits::for_pieces(shared.common.layout.pieces())
        .with_block_len_max(u32::try_from(block_len).unwrap_or(u32::MAX));
    let mut reading = pin!(read_blocks(&mut receive, &limits));
    tokio::select! {
        _ = &mut reading => return TakeEnd::Lost,
        () = stop.cancelled() => {}
    }
    // the peer hears that we say nothing more, sends what it has begun, and closes
    drop(write);
    match timeout(FAREWELL_TIME, reading).await {
        Ok(Ok(())) => TakeEnd::Asked,
        _ => TakeEnd::Lost,
    }
}

/// Reads blocks until the peer closes; an error is a block that is lost, or no block at all.
async fn read_blocks(receive: &mut Receive, limits: &Limits) -> Result<(), LinkEnd> {
    loop {
        match receive.head(limits).await {
            Ok(FrameHead::Block { index, begin, len }) => receive.block(index, begin, len).await?,
            Ok(FrameHead::KeepAlive) => {}
            Ok(_) => return Err(LinkEnd::Violation("a lane carries blocks alone")),
            Err(LinkEnd::ByPeer) if receive.is_empty() => return Ok(()),
            Err(end) => return Err(end),
        }
    }
}

/// Counts a lane for as long as it stands.
pub(super) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    pub(super) fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
