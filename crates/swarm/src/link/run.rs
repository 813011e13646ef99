//! A link from its handshake to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use swarmcopy_sys::net::set_notsent_lowat;
use tokio::time::timeout;

use super::lanes::Lanes;
use super::reader::Reader;
use super::writer::Writer;
use super::{Setup, Shared, feeder, watch};
use crate::common::Common;
use crate::wire::Wire;
use crate::{LinkEnd, SwarmEvent};

/// Bytes that may lie unsent in the kernel: what lies there can't be taken back, and control messages
/// wait behind it.
const UNSENT_MAX: u32 = 64 * 1024;
/// Time for the owner to take the last event of a link when the swarm is being stopped.
const LAST_WORD_TIME: Duration = Duration::from_secs(2);

/// Makes the link of a connection whose handshakes are done, and the future that runs it.
pub(crate) fn start(
    common: &Arc<Common>,
    wire: Wire,
    setup: Setup,
) -> (Arc<Shared>, impl Future<Output = LinkEnd> + use<>) {
    let (shared, lanes) = Shared::new(Arc::clone(common), setup);
    let lanes = Lanes::new(Arc::clone(&shared), lanes);
    let running = run(Arc::clone(&shared), wire, lanes);
    (shared, running)
}

async fn run(shared: Arc<Shared>, wire: Wire, mut lanes: Lanes) -> LinkEnd {
    // both only make the link quicker
    let _ = wire.stream().set_nodelay(true);
    let _ = set_notsent_lowat(wire.stream(), UNSENT_MAX);
    let (read, write) = wire.into_split();
    let mut reader = Reader::new(Arc::clone(&shared), read);
    let mut writer = Writer::new(Arc::clone(&shared), write);
    let end = tokio::select! {
        () = shared.close.cancelled() => shared.why(),
        end = reader.run() => end,
        end = writer.run() => end,
        end = feeder::run(&shared) => end,
        end = watch::run(&shared) => end,
        end = lanes.run() => end,
    };
    lanes.end().await;
    // the halves go first, so that the connection is closed before anybody hears of it
    drop((reader, writer));
    shared.close.cancel();
    shared.state().download.end();
    shared.place.give_back();
    if shared.up.load(Ordering::Acquire) {
        let down = SwarmEvent::LinkDown {
            id: shared.id,
            how: end.how(),
            why: end.to_string(),
        };
        let told = shared.common.events.send(down);
        if shared.common.cancel.is_cancelled() {
            // an owner that stops the swarm may not listen to the end
            let _ = timeout(LAST_WORD_TIME, told).await;
        } else {
            let _ = told.await;
        }
    }
    tracing::debug!(addr = %shared.addr, %end, "link ended");
    end
}
