//! The window of bytes that only this machine has (W_u of the design).
//!
//! A reader that runs ahead of replication takes with it, when it dies, what must be read again. So
//! it reads no further while too much of what it read is nowhere else. The window binds only while
//! someone takes blocks from us, and grows when it does not drain, or far more slowly than this machine's link
//! could bring more: it never stalls a holder.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet};

use crate::Instant;
use crate::rate::Rate;
use crate::tuning::Tuning;

const WINDOW_PARTS_MIN: u64 = 64;

/// What the window is seen against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Others<'a> {
    /// How many peers that serve have each piece.
    pub(super) serving: &'a [u16],
    /// Pieces that were sent to peers and that a peer has.
    pub(super) copied: &'a PieceSet,
    /// What this machine's link can bring, bytes a second; 0 = unknown.
    pub(super) link_goodput: u64,
}

/// Pieces that this machine read and nobody else has yet.
#[derive(Debug)]
pub(super) struct Window {
    tuning: Arc<Tuning>,
    piece_len: u64,
    base: u64,
    limit: u64,
    /// When each was read.
    only_mine: Vec<(PieceIndex, Instant)>,
    full_since: Option<Instant>,
    /// Pieces that others got since then.
    drained: u64,
    taken_at: Option<Instant>,
    /// How fast others get what only this machine had.
    pace: Rate,
    /// The shortest time from when a piece was read until another had it.
    way: Option<Duration>,
}

impl Window {
    /// An empty window for the content.
    pub(super) fn new(tuning: &Arc<Tuning>, layout: &Layout) -> Self {
        let piece_len = layout.piece_len().max(1);
        let base = (layout.len() / (2 * WINDOW_PARTS_MIN))
            .min(tuning.window_max_bytes)
            .max((layout.len() / WINDOW_PARTS_MIN).min(tuning.window_min_bytes))
            .max(tuning.window_pieces_min * piece_len);
        Self {
            tuning: Arc::clone(tuning),
            piece_len,
            base,
            limit: base,
            only_mine: Vec::new(),
            full_since: None,
            drained: 0,
            taken_at: None,
            pace: Rate::default(),
            way: None,
        }
    }

    /// A piece came from the origin.
    pub(super) fn read(&mut self, now: Instant, piece: PieceIndex) {
        self.only_mine.push((piece, now));
    }

    /// A peer took a block from us. What was read while nobody took anything would die with this machine anyhow:
    /// only what is read from now on counts.
    pub(super) fn taken(&mut self, now: Instant) {
        if !self.binds(now) {
            self.only_mine.clear();
        }
        self.taken_at = Some(now);
    }

    fn len(&self) -> u64 {
        self.piece_len
            .saturating_mul(u64::try_from(self.only_mine.len()).unwrap_or(u64::MAX))
    }

    fn binds(&self, now: Instant) -> bool {
        let taken_lately = self.tuning.taken_lately;
        self.taken_at
            .is_some_and(|at| now.since(at) <= taken_lately)
    }

    /// Whether it is full as last looked at, of what is here: what is still on its way tells of this machine's own
    /// pace, which is no excuse for a slow holder.
    pub(super) fn was_full(&self, now: Instant) -> bool {
        self.binds(now) && self.len() >= self.limit()
    }

    fn limit(&self) -> u64 {
        let pace = self.pace.value().unwrap_or(0);
        let tuning = &self.tuning;
        let ways = self.way.unwrap_or_default() * tuning.taken_ways;
        let time = (tuning.stuck / 2).max(ways);
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.limit.max(pace.saturating_mul(millis) / 1000)
    }

    /// Whether it is full, with so many more pieces on their way from the origin. Looks through its pieces only
    /// when it seems full: O(pieces in it).
    pub(super) fn is_full(&mut self, now: Instant, others: Others<'_>, coming: usize) -> bool {
        let coming = u64::try_from(coming).unwrap_or(u64::MAX);
        let coming = self.piece_len.saturating_mul(coming);
        let has_room = |window: &Self| window.len().saturating_add(coming) < window.limit();
        if has_room(self) {
            return false;
        }
        let before = self.only_mine.len();
        let way = &mut self.way;
        self.only_mine.retain(|(piece, since)| {
            let at = usize::try_from(piece.value()).unwrap_or(usize::MAX);
            let has_none = others.serving.get(at).is_some_and(|count| *count == 0);
            let stays = has_none && !others.copied.contains(*piece);
            if !stays {
                let took = now.since(*since);
                *way = Some(way.map_or(took, |least| least.min(took)));
            }
            stays
        });
        let gone = before.saturating_sub(self.only_mine.len());
        if gone > 0 && self.drained == 0 {
            // the first took its time for the way: from now on the rate tells
            self.full_since = Some(now);
        }
        let gone = u64::try_from(gone).unwrap_or(u64::MAX);
        self.drained += gone;
        self.pace.add(now, gone.saturating_mul(self.piece_len));
        if gone > 0 && self.len() < self.base {
            self.limit = self.base;
        }
        // room for a few pieces comes and goes while it is full
        if !self.binds(now) || self.len() < self.limit() / 2 {
            (self.full_since, self.drained) = (None, 0);
            return self.binds(now) && !has_room(self);
        }
        self.grow(now, others.link_goodput);
        !has_room(self)
    }

    /// Makes room where those who take are too slow for this machine.
    fn grow(&mut self, now: Instant, link: u64) {
        let stuck_for = self.tuning.stuck;
        let passed = now.since(*self.full_since.get_or_insert(now));
        let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let least = link.saturating_mul(millis) / 1000 / self.tuning.drain_parts;
        let drained = self.drained.saturating_mul(self.piece_len);
        let is_known = least >= self.piece_len;
        let slow = drained > 0 && passed >= stuck_for / 4 && is_known && drained < least;
        let stuck = drained == 0 && passed >= stuck_for;
        if slow || stuck {
            let room = self.len().saturating_add(link);
            self.limit = self.limit.saturating_mul(2).max(room);
        } else if passed < stuck_for || !is_known {
            return;
        }
        (self.full_since, self.drained) = (Some(now), 0);
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
        let window = Window::new(&Arc::default(), &layout);
        (layout, window)
    }

    static NONE: std::sync::LazyLock<PieceSet> = std::sync::LazyLock::new(|| PieceSet::empty(256));

    /// Others, beside a link whose rate is not known.
    fn of(serving: &[u16]) -> Others<'_> {
        Others {
            serving,
            copied: &NONE,
            link_goodput: 0,
        }
    }

    const MS: fn(u64) -> Instant = |ms| Instant::from_micros(ms * 1000);

    #[test]
    fn it_binds_only_while_somebody_takes() {
        let (layout, mut window) = window();
        let serving = vec![0; 256];
        let mut pieces = layout.piece_indexes();
        let mut read = |window: &mut Window| {
            let four = pieces.by_ref().take(4);
            four.for_each(|piece| window.read(MS(0), piece));
        };
        read(&mut window);
        assert!(!window.is_full(MS(0), of(&serving), 0));
        window.taken(MS(0));
        assert!(
            !window.is_full(MS(10), of(&serving), 0),
            "it was read before"
        );
        read(&mut window);
        assert!(window.is_full(MS(10), of(&serving), 0));
        assert!(!window.is_full(MS(2100), of(&serving), 0));
    }

    #[test]
    fn what_is_on_its_way_fills_it() {
        let (layout, mut window) = window();
        let serving = vec![0; 256];
        let mut pieces = layout.piece_indexes();
        window.taken(MS(0));
        window.read(MS(0), pieces.next().unwrap());
        assert!(!window.is_full(MS(1), of(&serving), 2));
        assert!(window.is_full(MS(1), of(&serving), 3));
    }

    #[test]
    fn others_having_a_piece_drains_it() {
        let (layout, mut window) = window();
        let mut serving = vec![0; 256];
        window.taken(MS(0));
        layout
            .piece_indexes()
            .take(4)
            .for_each(|piece| window.read(MS(0), piece));
        assert!(window.is_full(MS(1), of(&serving), 0));
        serving[2] = 1;
        assert!(!window.is_full(MS(2), of(&serving), 0));
    }

    #[test]
    fn a_window_that_does_not_drain_doubles_each_second() {
        let (layout, mut window) = window();
        let serving = vec![0; 256];
        window.taken(MS(0));
        layout
            .piece_indexes()
            .take(6)
            .for_each(|piece| window.read(MS(0), piece));
        let mut opened = None;
        for step in 0..300u64 {
            window.taken(MS(step * 10));
            if !window.is_full(MS(step * 10), of(&serving), 0) {
                opened = opened.or(Some(step * 10));
            }
        }
        assert_eq!(opened, Some(1000));
    }

    /// The bytes that this machine may have read after ten seconds in which others took this much a second.
    fn read_beside(taken_a_second: u64, link_goodput: u64) -> u64 {
        let (layout, mut window) = window();
        let mut serving = vec![0; 256];
        let mut pieces = layout.piece_indexes();
        let (mut read, mut taken) = (0, 0);
        for step in 0..1000u64 {
            window.taken(MS(step * 10));
            while taken < read && (taken + 1) << 20 <= taken_a_second * step / 100 {
                serving[usize::try_from(taken).unwrap()] = 1;
                taken += 1;
            }
            let may_read = (read << 20) <= link_goodput * step / 100;
            let others = Others {
                serving: &serving,
                copied: &NONE,
                link_goodput,
            };
            if may_read && !window.is_full(MS(step * 10), others, 0) {
                let next = pieces.next();
                next.into_iter().for_each(|piece| window.read(MS(0), piece));
                read += 1;
            }
        }
        read << 20
    }

    #[test]
    fn who_takes_little_holds_a_fast_link_up_for_a_moment() {
        let link = 12_500_000;
        let read = read_beside(link / 20, link);
        assert!(read >= 90_000_000, "{read}");
    }

    #[test]
    fn who_takes_a_good_part_of_the_link_is_waited_for() {
        let link = 12_500_000;
        let read = read_beside(link / 2, link);
        assert!(read <= 80_000_000, "{read}");
    }
}
