//! The newest pieces, kept in memory for peers that ask for them at once.
//!
//! What must stay true: it never holds more than `bytes_max` bytes of pieces, and none while nobody
//! wants them: memory that comes back at once is still in the processor's cache. The views it gives
//! out share the memory the pieces were received in.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use swarmcopy_layout::{PieceIndex, Span};

use crate::files::{u64_of, usize_of};

/// Verified pieces, first in, first out.
#[derive(Debug)]
pub struct HotCache {
    bytes_max: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pieces: HashMap<PieceIndex, (Span, Vec<Bytes>)>,
    order: VecDeque<PieceIndex>,
    bytes: u64,
    wanted: bool,
}

impl HotCache {
    /// Makes an empty cache that takes nothing yet.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
        }
    }

    #[cfg(test)]
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Takes pieces from now on, or drops all and takes none.
    pub fn set_wanted(&self, wanted: bool) {
        let mut state = self.lock();
        if !wanted {
            *state = State::default();
        }
        state.wanted = wanted;
    }

    /// Puts the bytes of a verified piece in, and the oldest pieces out. A piece that alone is too
    /// long is not taken.
    pub fn insert(&self, piece: PieceIndex, span: Span, parts: Vec<Bytes>) {
        let mut state = self.lock();
        if !state.wanted || span.len() > self.bytes_max {
            return;
        }
        if state.pieces.insert(piece, (span, parts)).is_none() {
            state.order.push_back(piece);
            state.bytes = state.bytes.saturating_add(span.len());
        }
        while state.bytes > self.bytes_max
            && let Some(oldest) = state.order.pop_front()
        {
            if let Some((span, _)) = state.pieces.remove(&oldest) {
                state.bytes = state.bytes.saturating_sub(span.len());
            }
        }
    }

    /// The bytes of `span`, a part of `piece`, if they are here.
    pub fn find(&self, piece: PieceIndex, span: Span) -> Option<Vec<Bytes>> {
        let state = self.lock();
        let (whole, parts) = state.pieces.get(&piece)?;
        if !whole.contains(span) {
            return None;
        }
        let mut found = Vec::new();
        let mut at = whole.start();
        for part in parts {
            let lies = Span::new(at, u64_of(part.len()));
            at = lies.end();
            let wanted = lies.intersection(span);
            if !wanted.is_empty() {
                let from = usize_of(wanted.start() - lies.start());
                found.push(part.slice(from..from.saturating_add(usize_of(wanted.len()))));
            }
        }
        Some(found)
    }

    /// Bytes of the pieces that are here.
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Layout, RelPath};

    #[test]
    fn the_oldest_pieces_make_room() {
        let path = RelPath::parse("f").unwrap();
        let layout = Layout::builder(10).file(path, 100).build().unwrap();
        let cache = HotCache::new(25);
        cache.set_wanted(true);
        for piece in layout.piece_indexes() {
            let bytes = Bytes::from(vec![u8::try_from(piece.value()).unwrap(); 10]);
            let parts = vec![bytes.slice(..4), bytes.slice(4..)];
            cache.insert(piece, layout.piece_span(piece), parts);
            assert!(cache.bytes() <= 25);
        }
        let piece = |index| layout.piece(index).unwrap();
        assert!(cache.find(piece(7), Span::new(70, 1)).is_none());
        let found = cache.find(piece(9), Span::new(92, 6)).unwrap();
        assert_eq!(found, [Bytes::from(vec![9; 2]), Bytes::from(vec![9; 4])]);
        assert!(cache.find(piece(9), Span::new(85, 10)).is_none());
    }

    #[test]
    fn what_nobody_wants_is_not_kept() {
        let path = RelPath::parse("f").unwrap();
        let layout = Layout::builder(10).file(path, 100).build().unwrap();
        let cache = HotCache::new(25);
        let piece = layout.piece(0).unwrap();
        let insert = || {
            cache.insert(
                piece,
                layout.piece_span(piece),
                vec![Bytes::from_static(&[0; 10])],
            );
            cache.bytes()
        };
        assert_eq!(insert(), 0);
        cache.set_wanted(true);
        assert_eq!(insert(), 10);
        cache.set_wanted(false);
        assert_eq!((cache.bytes(), insert()), (0, 0));
    }
}
