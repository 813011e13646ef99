//! Reads verified bytes back for peers, on threads that may block.
//!
//! What must stay true: no byte is read that was not proven; of a copy that is only served, [`prove`](super::prove)
//! proves what is right.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use swarmcopy_layout::Span;
use swarmcopy_piece_store::Store;
use swarmcopy_swarm::BlockReader;
use tokio::sync::Semaphore;

/// Reads at a time: each has a thread, and each thread keeps memory for the next one.
const READS_MAX: usize = 8;

/// The store as the swarm reads it.
#[derive(Debug)]
pub(crate) struct StoreReader {
    store: Arc<Store>,
    turns: Arc<Semaphore>,
}

impl StoreReader {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            turns: Arc::new(Semaphore::new(READS_MAX)),
        }
    }
}

#[async_trait]
impl BlockReader for StoreReader {
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>> {
        if let Some(parts) = self.store.read_cached(span) {
            return Ok(parts);
        }
        let store = Arc::clone(&self.store);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(io::Error::other)?;
        let reading = tokio::task::spawn_blocking(move || {
            let bytes = store.read(span).map_err(io::Error::other);
            drop(turn);
            bytes
        });
        reading.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, RelPath};
    use swarmcopy_piece_store::{Options, Shape, Target};

    use super::*;

    #[tokio::test]
    async fn what_was_not_proven_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = || RelPath::parse("it").unwrap();
        let layout = Layout::builder(16_384).file(path(), 32_768);
        let layout = Arc::new(layout.build().unwrap());
        let right = vec![1; 16_384];
        let digest = PieceDigest::Sha1(swarmcopy_digest::sha1(&right));
        let digests = Arc::new(PieceDigests::new(vec![digest, digest]));
        let target = Target::new(path(), Shape::File, layout, digests, [0; 32]).unwrap();
        let bytes = [vec![2; 16_384], right].concat();
        std::fs::write(folder.path().join("it"), &bytes).unwrap();
        let store = Store::open_read_only(folder.path(), target, &Options::default()).unwrap();
        let store = Arc::new(store);
        let reader = StoreReader::new(Arc::clone(&store));
        assert!(reader.read(Span::new(16_384, 100)).await.is_err());
        let report = store.check(&|_, _| Ok(())).unwrap();
        assert_eq!(report.damaged, [path()]);
        assert!(reader.read(Span::new(0, 100)).await.is_err());
        assert!(reader.read(Span::new(16_384, 100)).await.is_ok());
    }
}
