//! Pieces that an origin does not bring: it said to lack them, or had them with wrong bytes.
//!
//! Both are beliefs with an end. What it lacked is asked for again every two seconds while nobody else has it, each
//! time something else; the first such piece that comes right ends all of that belief. What it had wrong is tried
//! again after a wait that doubles, because each try costs the server a piece, and one piece after another, so that
//! most of a slow line is left to what is right; the first that comes right ends all of that belief, too.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};

use crate::{Instant, Tuning};

#[derive(Debug, Clone, Copy)]
struct Wrong {
    times: u32,
    again_at: Instant,
    state: Try,
}

/// How far the next try of a wrong piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    Waits,
    /// It may be asked for.
    Open,
    Asked,
}

/// What one origin does not bring.
#[derive(Debug)]
pub(crate) struct Gaps {
    /// What it lacked is asked for again after this.
    absent_again: Duration,
    /// A wrong piece is tried again after this, and each time after twice as long, up to so often.
    wrong_again: Duration,
    wrong_doublings: u32,
    /// Each try of one is followed by a pause of so many times its length.
    wrong_pause: u32,
    /// Pieces that are not asked for now.
    shut: PieceSet,
    absent: PieceSet,
    wrong: BTreeMap<PieceIndex, Wrong>,
    /// Lacking pieces that were asked for again in vain; when all were, each may be again.
    tried: PieceSet,
    /// The others are open.
    probing: bool,
    probe_at: Instant,
    wrong_at: Option<Instant>,
    /// When a wrong piece was last let be tried again.
    opened_at: Instant,
}

impl Gaps {
    /// None of `pieces` pieces.
    pub(crate) fn new(pieces: u32, tuning: &Tuning) -> Self {
        Self {
            absent_again: tuning.retry,
            wrong_again: tuning.retry_wrong,
            wrong_doublings: tuning.doublings * 4,
            wrong_pause: tuning.pause_wrong,
            shut: PieceSet::empty(pieces),
            absent: PieceSet::empty(pieces),
            wrong: BTreeMap::new(),
            tried: PieceSet::empty(pieces),
            probing: false,
            probe_at: Instant::ZERO,
            wrong_at: None,
            opened_at: Instant::ZERO,
        }
    }

    /// It says what it has.
    pub(crate) fn said(&mut self, now: Instant, has: &PieceSet) {
        let mut absent = PieceSet::full(has.capacity());
        absent.subtract(has);
        self.absent = absent;
        self.probing = false;
        self.probe_at = now + self.absent_again;
        self.close();
    }

    /// It says to lack this piece.
    pub(crate) fn lacks(&mut self, now: Instant, piece: PieceIndex) {
        self.absent.insert(piece);
        self.shut.insert(piece);
        self.tried.insert(piece);
        self.probe_at = now + self.absent_again;
        if std::mem::take(&mut self.probing) {
            self.close();
        }
    }

    /// It alone brought this piece, with wrong bytes.
    pub(crate) fn wrong(&mut self, now: Instant, piece: PieceIndex) {
        self.shut.insert(piece);
        let known = self.wrong.get(&piece);
        let was_tried = known.is_some_and(|wrong| wrong.state != Try::Waits);
        let times = known.map_or(0, |wrong| wrong.times);
        let again_at = now + self.wrong_again * (1 << times.min(self.wrong_doublings));
        let wrong = Wrong {
            times: times + 1,
            again_at,
            state: Try::Waits,
        };
        self.wrong.insert(piece, wrong);
        let pause = now.since(self.opened_at) * self.wrong_pause;
        self.wrong_at = if was_tried {
            Some(now + pause.min(self.wrong_again))
        } else {
            self.wrong_at.into_iter().chain([again_at]).min()
        };
    }

    /// A piece that was asked of it is right.
    pub(crate) fn brought(&mut self, piece: PieceIndex) {
        let was_wrong = self.wrong.remove(&piece).is_some();
        let was_absent = self.absent.contains(piece);
        if was_absent {
            // it lacks things no more; what it still lacks it will say again
            self.absent = PieceSet::empty(self.absent.capacity());
            self.tried = self.absent.clone();
            self.probing = false;
        }
        if was_wrong {
            // what it still has wrong will be found again
            self.wrong.clear();
            self.wrong_at = None;
        }
        if was_wrong || was_absent {
            self.close();
        }
    }

    /// This piece is asked of it from now on, or no more.
    pub(crate) fn asked(&mut self, piece: PieceIndex, asked: bool) {
        if let Some(wrong) = self.wrong.get_mut(&piece)
            && wrong.state != Try::Waits
        {
            wrong.state = if asked { Try::Asked } else { Try::Open };
        }
    }

    fn close(&mut self) {
        self.shut = self.absent.clone();
        if self.probing {
            self.shut.intersect_with(&self.tried);
        }
        let shut = self.wrong.iter().filter(|(_, it)| it.state == Try::Waits);
        shut.for_each(|(piece, _)| {
            self.shut.insert(*piece);
        });
    }

    /// Pieces that it is not asked for now.
    pub(crate) fn shut(&self) -> &PieceSet {
        &self.shut
    }

    /// Pieces that it is believed not to bring, those that are tried again included.
    pub(crate) fn all(&self) -> PieceSet {
        let mut all = self.absent.clone();
        self.wrong.keys().for_each(|piece| {
            all.insert(*piece);
        });
        all
    }

    /// Wrong pieces that are tried again.
    pub(crate) fn wrong_again(&self) -> impl Iterator<Item = PieceIndex> {
        let open = self.wrong.iter().filter(|(_, it)| it.state != Try::Waits);
        open.map(|(piece, _)| *piece)
    }

    /// Pieces whose bytes were wrong and are not tried again yet.
    pub(crate) fn wrong_now(&self) -> impl Iterator<Item = PieceIndex> {
        let shut = self
            .wrong
            .keys()
            .filter(|piece| self.shut.contains(**piece));
        shut.copied()
    }

    /// Lets what it lacked be asked for again, and a wrong piece whose wait is over; `wanted` are those
    /// that nobody else brings. Whether anything was opened.
    pub(crate) fn doubt(&mut self, now: Instant, wanted: &PieceSet) -> bool {
        let mut opened = false;
        if self.wrong_at.is_some_and(|at| now >= at) {
            opened |= self.open_next(now, wanted);
            let shut = self.wrong.values().filter(|it| it.state == Try::Waits);
            let later = shut.map(|wrong| {
                let is_due = wrong.again_at <= now;
                if is_due {
                    now + self.wrong_again
                } else {
                    wrong.again_at
                }
            });
            self.wrong_at = later.min();
        }
        if now >= self.probe_at && !self.absent.is_empty() {
            self.probe_at = now + self.absent_again;
            let mut open = self.absent.clone();
            open.intersect_with(wanted);
            if !open.is_empty() {
                // what is open and was not asked for can't be read here
                if self.probing || !open.any_without(&self.tried) {
                    self.tried = PieceSet::empty(open.capacity());
                }
                self.probing = true;
                self.close();
                opened = true;
            }
        }
        opened
    }

    /// Lets one more wrong piece be tried again, if none is asked for. One that was open and not asked for makes room:
    /// others may hold its slot, or there is better to read.
    fn open_next(&mut self, now: Instant, wanted: &PieceSet) -> bool {
        if self.wrong.values().any(|wrong| wrong.state == Try::Asked) {
            return false;
        }
        for (piece, wrong) in &mut self.wrong {
            if wrong.state == Try::Open {
                wrong.state = Try::Waits;
                wrong.again_at = now + self.wrong_again;
                self.shut.insert(*piece);
            }
        }
        let due = self.wrong.iter_mut();
        let due = due.filter(|(piece, it)| now >= it.again_at && wanted.contains(**piece));
        let Some((piece, wrong)) = due.min_by_key(|(_, wrong)| wrong.again_at) else {
            return false;
        };
        wrong.state = Try::Open;
        self.opened_at = now;
        self.shut.remove(*piece)
    }

    /// When `doubt` is worth calling again.
    pub(crate) fn next_doubt(&self) -> Option<Instant> {
        let absent = (!self.absent.is_empty()).then_some(self.probe_at);
        absent.into_iter().chain(self.wrong_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Layout, RelPath};

    const START: Instant = Instant::from_micros(1_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn pieces(count: u32) -> Vec<PieceIndex> {
        let file = RelPath::parse("f").unwrap();
        let builder = Layout::builder(16 << 10).file(file, u64::from(count) << 14);
        builder.build().unwrap().piece_indexes().collect()
    }

    #[test]
    fn what_it_lacked_is_asked_for_again_each_time_something_else() {
        let (pieces, wanted) = (pieces(3), PieceSet::full(3));
        let mut gaps = Gaps::new(3, &Tuning::default());
        pieces.iter().for_each(|piece| gaps.lacks(START, *piece));
        assert!(!gaps.doubt(START + SECOND / 2, &wanted));
        let (mut now, mut tried) = (START, Vec::new());
        for _ in 0..6 {
            now = now + SECOND;
            assert!(gaps.doubt(now, &wanted));
            let is_open = |piece: &&PieceIndex| !gaps.shut().contains(**piece);
            let piece = *pieces.iter().find(is_open).unwrap();
            tried.push(piece.value());
            gaps.lacks(now, piece);
            assert!(gaps.shut().is_full());
        }
        assert_eq!(tried, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn the_first_piece_that_comes_right_ends_the_belief_that_it_lacks_things() {
        let (pieces, wanted) = (pieces(3), PieceSet::full(3));
        let mut gaps = Gaps::new(3, &Tuning::default());
        pieces.iter().for_each(|piece| gaps.lacks(START, *piece));
        gaps.doubt(START + SECOND, &wanted);
        gaps.brought(pieces[0]);
        assert!(gaps.shut().is_empty() && gaps.all().is_empty());
    }

    #[test]
    fn nothing_is_tried_again_that_others_bring() {
        let (pieces, wanted) = (pieces(3), PieceSet::empty(3));
        let mut gaps = Gaps::new(3, &Tuning::default());
        pieces.iter().for_each(|piece| gaps.lacks(START, *piece));
        assert!(!gaps.doubt(START + SECOND, &wanted));
    }

    #[test]
    fn a_wrong_piece_is_tried_again_and_each_time_later() {
        let (pieces, wanted) = (pieces(2), PieceSet::full(2));
        let (mut gaps, mut now) = (Gaps::new(2, &Tuning::default()), START);
        for wait in [3, 6, 12] {
            gaps.wrong(now, pieces[1]);
            assert!(!gaps.doubt(now + SECOND * (wait - 1), &wanted), "{wait}");
            now = now + SECOND * wait;
            assert!(gaps.doubt(now, &wanted), "{wait}");
            assert!(gaps.shut().is_empty());
        }
        assert!(gaps.all().contains(pieces[1]));
        gaps.brought(pieces[1]);
        assert!(gaps.all().is_empty());
    }

    /// Four pieces that were wrong, when the first is tried again.
    fn four_wrong() -> (Gaps, Instant, PieceSet) {
        let mut gaps = Gaps::new(4, &Tuning::default());
        pieces(4).iter().for_each(|piece| gaps.wrong(START, *piece));
        let (now, wanted) = (START + 3 * SECOND, PieceSet::full(4));
        assert!(gaps.doubt(now, &wanted));
        (gaps, now, wanted)
    }

    fn open(gaps: &Gaps) -> Vec<u32> {
        let all = pieces(4).into_iter().map(PieceIndex::value);
        all.filter(|it| gaps.wrong_again().any(|piece| piece.value() == *it))
            .collect()
    }

    #[test]
    fn wrong_pieces_are_tried_again_one_after_another_with_pauses() {
        let (mut gaps, mut now, wanted) = four_wrong();
        for piece in pieces(4) {
            assert_eq!(open(&gaps), [piece.value()]);
            gaps.asked(piece, true);
            now = now + SECOND / 10;
            assert!(!gaps.doubt(now + 60 * SECOND, &wanted), "one is asked for");
            gaps.asked(piece, false);
            gaps.wrong(now, piece);
            assert!(!gaps.doubt(now + SECOND / 4, &wanted), "a pause");
            now = now + SECOND / 2;
            assert_eq!(gaps.doubt(now, &wanted), piece.value() < 3);
        }
    }

    #[test]
    fn a_wrong_piece_that_is_not_asked_for_makes_room_for_the_next() {
        let (mut gaps, mut now, wanted) = four_wrong();
        for index in [0, 1, 2, 3, 0] {
            assert_eq!(open(&gaps), [index]);
            now = now + 3 * SECOND;
            assert!(gaps.doubt(now, &wanted));
        }
    }

    #[test]
    fn the_first_wrong_piece_that_comes_right_lets_all_be_asked_for() {
        let (mut gaps, ..) = four_wrong();
        gaps.brought(pieces(4)[0]);
        assert!(gaps.shut().is_empty() && gaps.all().is_empty());
    }

    #[test]
    fn a_wrong_piece_stays_open_beside_pieces_that_are_lacking() {
        let (pieces, wanted) = (pieces(2), PieceSet::full(2));
        let mut gaps = Gaps::new(2, &Tuning::default());
        gaps.wrong(START, pieces[1]);
        gaps.lacks(START, pieces[0]);
        assert!(gaps.doubt(START + 3 * SECOND, &wanted));
        gaps.lacks(START + 3 * SECOND, pieces[0]);
        assert!(!gaps.shut().contains(pieces[1]));
    }
}
