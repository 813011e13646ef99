//! The log of completed pieces: appended to by one, read by every link at its own speed.
//!
//! What must stay true: pieces are told once, and a link's cursor is taken together with the set that its bitfield
//! is made of, so that no HAVE is lost between them. A piece that turns out to be wrong is taken out for good.

use std::sync::{Mutex, MutexGuard, PoisonError};

use swarmcopy_layout::{PieceIndex, PieceSet};
use tokio::sync::Notify;

/// Pieces that this machine has verified, in the order in which they came.
#[derive(Debug)]
pub struct HaveLog {
    state: Mutex<State>,
    grown: Notify,
}

#[derive(Debug)]
struct State {
    set: PieceSet,
    order: Vec<PieceIndex>,
    withdrawn: PieceSet,
}

/// How far one reader has come in a [`HaveLog`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HaveCursor(usize);

impl HaveLog {
    /// Starts with these pieces; the log itself begins behind them.
    pub fn new(set: PieceSet) -> Self {
        Self {
            state: Mutex::new(State {
                withdrawn: PieceSet::empty(set.capacity()),
                set,
                order: Vec::new(),
            }),
            grown: Notify::new(),
        }
    }

    /// Adds a piece; one that is there already is not told again.
    pub fn append(&self, piece: PieceIndex) {
        let mut state = self.lock();
        if !state.withdrawn.contains(piece) && state.set.insert(piece) {
            state.order.push(piece);
            drop(state);
            self.grown.notify_waiters();
        }
    }

    /// Takes a piece out; false if it was not in.
    pub fn withdraw(&self, piece: PieceIndex) -> bool {
        let mut state = self.lock();
        state.withdrawn.insert(piece);
        state.set.remove(piece)
    }

    /// The pieces so far, and the place behind them.
    pub fn snapshot(&self) -> (PieceSet, HaveCursor) {
        let state = self.lock();
        (state.set.clone(), HaveCursor(state.order.len()))
    }

    /// At most `max` pieces that came since `cursor`, which moves behind them.
    pub fn since(&self, cursor: &mut HaveCursor, max: usize) -> Vec<PieceIndex> {
        let state = self.lock();
        let news = state.order.get(cursor.0..).unwrap_or_default();
        let news: Vec<_> = news.iter().take(max).copied().collect();
        cursor.0 = cursor.0.saturating_add(news.len());
        let right = news.into_iter();
        right
            .filter(|piece| !state.withdrawn.contains(*piece))
            .collect()
    }

    /// Whether this piece is in.
    pub fn contains(&self, piece: PieceIndex) -> bool {
        self.lock().set.contains(piece)
    }

    /// How many pieces are in.
    pub fn len(&self) -> u32 {
        self.lock().set.len()
    }

    /// Whether no piece is in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every piece is in.
    pub fn is_full(&self) -> bool {
        self.lock().set.is_full()
    }

    /// Waits until there is something behind `cursor`. May be dropped at any await.
    pub async fn grown(&self, cursor: HaveCursor) {
        loop {
            let grown = self.grown.notified();
            tokio::pin!(grown);
            // registered before the look, so that an append between look and wait is not missed
            grown.as_mut().enable();
            if self.lock().order.len() > cursor.0 {
                return;
            }
            grown.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PIECE_LEN, layout, soon};

    #[tokio::test]
    async fn a_cursor_misses_no_piece_and_hears_none_twice() {
        let layout = layout(PIECE_LEN * 10);
        let pieces: Vec<_> = layout.piece_indexes().collect();
        let log = HaveLog::new(PieceSet::empty(10));
        log.append(pieces[3]);
        let (set, mut cursor) = log.snapshot();
        assert!(set.contains(pieces[3]) && set.len() == 1);
        assert_eq!(log.since(&mut cursor, 9), []);
        let waiting = async {
            log.grown(cursor).await;
            log.since(&mut cursor, 9)
        };
        let appending = async {
            tokio::task::yield_now().await;
            log.append(pieces[3]);
            log.append(pieces[7]);
        };
        assert_eq!(tokio::join!(soon(waiting), appending).0, [pieces[7]]);
        for piece in &pieces {
            log.append(*piece);
        }
        assert!(log.withdraw(pieces[9]) && !log.withdraw(pieces[9]));
        log.append(pieces[9]);
        assert!(!log.is_full() && !log.contains(pieces[9]), "it stays out");
        assert_eq!(log.since(&mut cursor, 3).len(), 3);
        assert_eq!(log.since(&mut cursor, 99).len(), 4);
    }
}
