//! The window of bytes that only this machine has (W_u of the design).
//!
//! A reader that runs ahead of replication takes with it, when it dies, what must be read again. So
//! it reads no further while too much of what it read is nowhere else. The window binds only while
//! someone takes blocks from us, and grows when it does not drain: it never stalls a holder.

use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex};

use crate::Instant;

const WINDOW_LEN_MAX: u64 = 32 << 20;
const WINDOW_PIECES_MIN: u64 = 4;
/// The window of a small content, if that is no larger part of it than this: with less, a reader waits
/// for the first copies of what it read, and the origin idles.
const WINDOW_LEN_MIN: u64 = 8 << 20;
const WINDOW_PARTS_MIN: u64 = 64;
/// The window binds while a peer took a block from us this lately.
const TAKEN_LATELY: Duration = Duration::from_secs(2);
/// A window that is full for this long without draining doubles.
const STUCK: Duration = Duration::from_secs(1);

/// Pieces that this machine read and nobody else has yet.
#[derive(Debug)]
pub(super) struct Window {
    piece_len: u64,
    base: u64,
    limit: u64,
    only_mine: Vec<PieceIndex>,
    full_since: Option<Instant>,
    taken_at: Option<Instant>,
}

impl Window {
    /// An empty window for the content.
    pub(super) fn new(layout: &Layout) -> Self {
        let piece_len = layout.piece_len().max(1);
        let base = (layout.len() / 128)
            .min(WINDOW_LEN_MAX)
            .max((layout.len() / WINDOW_PARTS_MIN).min(WINDOW_LEN_MIN))
            .max(WINDOW_PIECES_MIN * piece_len);
        Self {
            piece_len,
            base,
            limit: base,
            only_mine: Vec::new(),
            full_since: None,
            taken_at: None,
        }
    }

    /// A piece came from the origin.
    pub(super) fn read(&mut self, piece: PieceIndex) {
        self.only_mine.push(piece);
    }

    /// A peer took a block from us.
    pub(super) fn taken(&mut self, now: Instant) {
        self.taken_at = Some(now);
    }

    fn len(&self) -> u64 {
        self.piece_len
            .saturating_mul(u64::try_from(self.only_mine.len()).unwrap_or(u64::MAX))
    }

    fn binds(&self, now: Instant) -> bool {
        self.taken_at
            .is_some_and(|at| now.since(at) <= TAKEN_LATELY)
    }

    /// Whether it is full as last looked at, of what is here: what is still on its way tells of this machine's own
    /// pace, which is no excuse for a slow holder.
    pub(super) fn was_full(&self, now: Instant) -> bool {
        self.binds(now) && self.len() >= self.limit
    }

    /// Whether it is full, with so many more pieces on their way from the origin; `serving` tells how
    /// many peers that serve have each piece. Looks through its pieces only when it seems full: O(pieces in it).
    pub(super) fn is_full(&mut self, now: Instant, serving: &[u16], coming: usize) -> bool {
        let coming = u64::try_from(coming).unwrap_or(u64::MAX);
        let coming = self.piece_len.saturating_mul(coming);
        let has_room = |window: &Self| window.len().saturating_add(coming) < window.limit;
        if has_room(self) {
            return false;
        }
        let before = self.only_mine.len();
        self.only_mine.retain(|piece| {
            let at = usize::try_from(piece.value()).unwrap_or(usize::MAX);
            serving.get(at).is_some_and(|count| *count == 0)
        });
        if has_room(self) {
            self.full_since = None;
            if self.len() < self.base {
                self.limit = self.base;
            }
            return false;
        }
        if !self.binds(now) {
            self.full_since = None;
            return false;
        }
        let drained = self.only_mine.len() < before;
        let since = *self.full_since.get_or_insert(now);
        if drained {
            self.full_since = Some(now);
        } else if now.since(since) >= STUCK {
            self.limit = self.limit.saturating_mul(2);
            self.full_since = Some(now);
        }
        !has_room(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::RelPath;

    fn window() -> (Layout, Window) {
        let file = RelPath::parse("f").unwrap();
        let layout = Layout::builder(1 << 20)
            .file(file, 256 << 20)
            .build()
            .unwrap();
        let window = Window::new(&layout);
        (layout, window)
    }

    const MS: fn(u64) -> Instant = |ms| Instant::from_micros(ms * 1000);

    #[test]
    fn it_binds_only_while_somebody_takes() {
        let (layout, mut window) = window();
        let serving = vec![0; 256];
        layout
            .piece_indexes()
            .take(4)
            .for_each(|piece| window.read(piece));
        assert!(!window.is_full(MS(0), &serving, 0));
        window.taken(MS(0));
        assert!(window.is_full(MS(10), &serving, 0));
        assert!(!window.is_full(MS(2100), &serving, 0));
    }

    #[test]
    fn what_is_on_its_way_fills_it() {
        let (layout, mut window) = window();
        let serving = vec![0; 256];
        let mut pieces = layout.piece_indexes();
        window.read(pieces.next().unwrap());
        window.taken(MS(0));
        assert!(!window.is_full(MS(1), &serving, 2));
        assert!(window.is_full(MS(1), &serving, 3));
    }

    #[test]
    fn others_having_a_piece_drains_it() {
        let (layout, mut window) = window();
        let mut serving = vec![0; 256];
        layout
            .piece_indexes()
            .take(4)
            .for_each(|piece| window.read(piece));
        window.taken(MS(0));
        assert!(window.is_full(MS(1), &serving, 0));
        serving[2] = 1;
        assert!(!window.is_full(MS(2), &serving, 0));
    }

    #[test]
    fn a_window_that_does_not_drain_doubles_each_second() {
        let (layout, mut window) = window();
        let serving = vec![0; 256];
        layout
            .piece_indexes()
            .take(6)
            .for_each(|piece| window.read(piece));
        let mut opened = None;
        for step in 0..300u64 {
            window.taken(MS(step * 10));
            if !window.is_full(MS(step * 10), &serving, 0) {
                opened = opened.or(Some(step * 10));
            }
        }
        assert_eq!(opened, Some(1000));
    }
}
