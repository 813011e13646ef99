//! One lane that brings the peer blocks: dialled by the peer, and written as its socket takes them.
//!
//! What must stay true: once the peer says that it wants no more, what has been taken for it is
//! still sent; then the lane closes.

use std::pin::pin;
use std::sync::Arc;

use swarmcopy_sys::net::set_notsent_lowat;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio_util::sync::CancellationToken;

use super::take::Counted;
use crate::handshake;
use crate::link::Shared;
use crate::link::allowance::Allowance;
use crate::link::core::Sharing;
use crate::link::sending::{Sending, Step, take_frames};
use crate::wire::Wire;

/// Bytes that may lie unsent in the kernel: what lies there no other lane can bring.
const UNSENT_MAX: u32 = 128 * 1024;

/// Sends blocks over a connection that the peer has dialled, until it wants no more of them.
pub(super) async fn run(shared: Arc<Shared>, stream: TcpStream) {
    // both only make the lane quicker
    let _ = stream.set_nodelay(true);
    let _ = set_notsent_lowat(&stream, UNSENT_MAX);
    let (read, write) = Wire::from(stream).into_split();
    let read = read.half;
    let _counted = Counted::new(&shared.lanes_out);
    let mut sending = Sending::new(Arc::clone(&shared), write);
    let ours = handshake::ours(shared.common.info_hash, shared.common.peer_id);
    sending.outbox.control.extend_from_slice(&ours.encode());
    let over = CancellationToken::new();
    let hearing = async {
        hear_end(&read).await;
        over.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = write_blocks(&shared, &mut sending, &over) => {}
        () = hearing => {}
    }
}

async fn write_blocks(shared: &Shared, sending: &mut Sending, over: &CancellationToken) {
    let mut serving = Allowance::new(shared.common.limit_up(shared.addr.ip()));
    loop {
        let mut woken = pin!(shared.lanes_wake.notified());
        // registered before the look, so that a block that becomes ready in between is not missed
        woken.as_mut().enable();
        if !over.is_cancelled() {
            let mut state = shared.state();
            take_frames(
                &mut state,
                (&mut serving, &shared.place),
                &mut sending.outbox,
                Sharing::Shared,
            );
            if state.upload.has_run() {
                shared.feeder.notify_one();
            }
        }
        match sending.step().await {
            Ok(Step::Wrote) => continue,
            Ok(Step::Full) if sending.writable().await.is_ok() => continue,
            Ok(Step::Idle) if !over.is_cancelled() => {}
            // where the lane broke, the peer finds out as we did, and asks again
            Ok(Step::Idle | Step::Full) | Err(_) => return,
        }
        tokio::select! {
            () = woken => {}
            () = over.cancelled() => {}
            () = serving.more() => {}
            () = shared.place.come() => {}
        }
    }
}

/// Waits until the peer has said its last; it has nothing else to say.
async fn hear_end(read: &OwnedReadHalf) {
    let mut nothing = [0; 1];
    loop {
        if read.readable().await.is_err() {
            return;
        }
        match read.try_read(&mut nothing) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}
