//! Reads verified bytes back for peers, on threads that may block.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use swarmcopy_layout::Span;
use swarmcopy_piece_store::Store;
use swarmcopy_swarm::BlockReader;

/// The store as the swarm reads it.
#[derive(Debug)]
pub(crate) struct StoreReader {
    store: Arc<Store>,
}

impl StoreReader {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl BlockReader for StoreReader {
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>> {
        if let Some(parts) = self.store.read_cached(span) {
            return Ok(parts);
        }
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || {
            // pieces of a copy that is only served are verified before they are first sent
            for piece in store.target().layout().pieces_of(span) {
                if !store.verify_piece(piece)? {
                    tracing::warn!(
                        piece = piece.value(),
                        "the copy here differs from the torrent"
                    );
                }
            }
            store.read(span)
        });
        read.await
            .map_err(io::Error::other)?
            .map_err(io::Error::other)
    }
}
