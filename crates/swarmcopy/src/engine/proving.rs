//! Proves a copy that is only served, while it is served already.
//!
//! What must stay true: each piece is hashed once, whoever asks for it.

use std::sync::Arc;

use swarmcopy_piece_store::{Store, StoreError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::note::Note;

/// Begins to hash the copy, on threads of its own, until `stop` is cancelled. What is returned is cancelled
/// when all is hashed.
pub(crate) fn prove(
    store: Arc<Store>,
    notes: mpsc::Sender<Note>,
    stop: CancellationToken,
) -> CancellationToken {
    let ended = CancellationToken::new();
    let done = ended.clone().drop_guard();
    tokio::task::spawn_blocking(move || {
        let checked = store.check(&|_, _| {
            if stop.is_cancelled() {
                Err(StoreError::Closed { action: "go on" })
            } else {
                Ok(())
            }
        });
        if !stop.is_cancelled() {
            let checked = Box::new(checked);
            // the engine is gone when nobody listens
            let _ = notes.blocking_send(Note::Checked { checked });
        }
        drop(done);
    });
    ended
}
