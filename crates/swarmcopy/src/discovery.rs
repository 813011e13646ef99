//! A way to find peers of the embedder's own.
//!
//! What must stay true: whatever it does (hang, panic, tell the same again), copies go on.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use swarmcopy_swarm::PeerName;
use tokio::sync::mpsc;

use crate::ContentId;
use crate::copy::Way;
use crate::engine::Note;

/// Time between two questions.
const EVERY: Duration = Duration::from_secs(30);
/// Time for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(20);
/// Addresses of one answer that are taken.
const PEERS_MAX: usize = 200;

/// Finds peers: an inventory of machines, a service of the site.
///
/// It is asked when a copy begins and then every 30 s, one question at a time. An answer is waited for 20 s, 200
/// addresses of it are taken. Private torrents (BEP 27) are never told of.
#[async_trait]
pub trait Discovery: Debug + Send + Sync {
    /// The addresses at which machines that copy or serve this content listen. May be dropped at any await.
    async fn peers(&self, id: ContentId) -> Vec<SocketAddr>;
}

/// Asks for the peers of a content until the copy ends.
pub(crate) async fn run(discovery: Arc<dyn Discovery>, id: ContentId, notes: mpsc::Sender<Note>) {
    let mut every = tokio::time::interval(EVERY);
    let mut known = Vec::new();
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = notes.closed() => return,
        }
        let asking = AssertUnwindSafe(discovery.peers(id)).catch_unwind();
        let peers = tokio::select! {
            answer = tokio::time::timeout(ANSWER_TIME, asking) => match answer {
                Ok(Ok(peers)) => peers,
                Ok(Err(_)) => {
                    tracing::warn!(?discovery, "a way to find peers panicked");
                    continue;
                }
                Err(_) => {
                    tracing::warn!(?discovery, "a way to find peers does not answer");
                    continue;
                }
            },
            () = notes.closed() => return,
        };
        for peer in peers.into_iter().take(PEERS_MAX) {
            if known.contains(&peer) {
                continue;
            }
            if known.len() < PEERS_MAX {
                known.push(peer);
            }
            let way = Way::Peer(PeerName::from(peer));
            if notes.send(Note::Way(way)).await.is_err() {
                return;
            }
        }
    }
}
