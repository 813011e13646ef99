//! Reads verified bytes back for peers, on threads that may block.
//!
//! What must stay true: a piece of a copy that is only served is hashed once, whoever asks for it and however often,
//! and whether it is right or wrong.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use swarmcopy_layout::{PieceIndex, PieceSet, Span};
use swarmcopy_piece_store::{Store, StoreError};
use swarmcopy_swarm::BlockReader;
use tokio::sync::Semaphore;

/// Pieces that may be hashed at a time, each in memory: of two in one place the second waits for the first.
const PLACES: usize = 4;

/// Reads at a time: each has a thread, and each thread keeps memory for the next one.
const READS_MAX: usize = 8;

/// The store as the swarm reads it.
#[derive(Debug)]
pub(crate) struct StoreReader {
    store: Arc<Store>,
    turns: Arc<Semaphore>,
    proofs: Arc<Proofs>,
}

/// What is known of a copy that is only served.
#[derive(Debug)]
struct Proofs {
    wrong: Mutex<PieceSet>,
    places: [Mutex<()>; PLACES],
}

impl StoreReader {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        let pieces = store.target().layout().pieces();
        let proofs = Proofs {
            wrong: Mutex::new(PieceSet::empty(pieces)),
            places: std::array::from_fn(|_| Mutex::default()),
        };
        Self {
            store,
            turns: Arc::new(Semaphore::new(READS_MAX)),
            proofs: Arc::new(proofs),
        }
    }
}

impl Proofs {
    /// Whether a piece is right. Blocks.
    fn prove(&self, store: &Store, piece: PieceIndex) -> Result<bool, StoreError> {
        if store.has(piece) {
            return Ok(true);
        }
        let place = usize::try_from(piece.value()).unwrap_or(0) % PLACES;
        let place = self.places.get(place);
        let _alone = place.map(|place| place.lock().unwrap_or_else(PoisonError::into_inner));
        if self.wrong().contains(piece) {
            return Ok(false);
        }
        let right = store.verify_piece(piece)?;
        if !right {
            self.wrong().insert(piece);
            let piece = piece.value();
            tracing::warn!(piece, "the copy here differs from the torrent");
        }
        Ok(right)
    }

    fn wrong(&self) -> MutexGuard<'_, PieceSet> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a span after all its pieces are proven. Blocks.
fn read(store: &Store, proofs: &Proofs, span: Span) -> io::Result<Vec<Bytes>> {
    for piece in store.target().layout().pieces_of(span) {
        if !proofs.prove(store, piece).map_err(io::Error::other)? {
            let message = format!("piece {} is wrong here", piece.value());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
    store.read(span).map_err(io::Error::other)
}

#[async_trait]
impl BlockReader for StoreReader {
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>> {
        if let Some(parts) = self.store.read_cached(span) {
            return Ok(parts);
        }
        let (store, proofs) = (Arc::clone(&self.store), Arc::clone(&self.proofs));
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(io::Error::other)?;
        let reading = tokio::task::spawn_blocking(move || {
            let bytes = read(&store, &proofs, span);
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
    async fn a_wrong_piece_is_hashed_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = || RelPath::parse("it").unwrap();
        let layout = Layout::builder(16_384).file(path(), 32_768);
        let layout = Arc::new(layout.build().unwrap());
        let right = vec![1; 16_384];
        let digest = PieceDigest::Sha1(swarmcopy_digest::sha1(&right));
        let digests = Arc::new(PieceDigests::new(vec![digest, digest]));
        let target = Target::new(path(), Shape::File, layout, digests, [0; 32]).unwrap();
        let mut bytes = [vec![2; 16_384], right].concat();
        std::fs::write(folder.path().join("it"), &bytes).unwrap();
        let store = Store::open_read_only(folder.path(), target, &Options::default()).unwrap();
        let reader = StoreReader::new(Arc::new(store));
        let error = reader.read(Span::new(0, 100)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        assert!(reader.read(Span::new(16_384, 100)).await.is_ok());
        // were it hashed again, it would be right now
        bytes[..16_384].fill(1);
        std::fs::write(folder.path().join("it"), &bytes).unwrap();
        let error = reader.read(Span::new(0, 100)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
}
