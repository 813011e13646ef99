//! What one peer has asked for and is not being sent yet, in the order in which it will be.
//!
//! A piece that nobody asked this machine for before goes first: whoever gets it passes it on,
//! while what is asked for again can be had elsewhere, too. What must stay true: all other requests
//! keep the order in which they came, and so do those for first copies.

use std::collections::VecDeque;

use swarmcopy_layout::PieceIndex;

use super::uplink::{Uplink, Urgency};

/// Pieces of which it is remembered that the peer was the first to ask for them.
const FIRSTS_MAX: usize = 8;

/// Requests of one peer; `T` is what the caller knows of each.
#[derive(Debug)]
pub struct Requests<T> {
    waiting: VecDeque<(PieceIndex, T)>,
    /// Pieces that the peer asked for before anybody else did, the latest first.
    firsts: VecDeque<PieceIndex>,
}

impl<T> Default for Requests<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            firsts: VecDeque::new(),
        }
    }
}

impl<T> Requests<T> {
    /// Takes a request for a part of a piece, before those for pieces that others asked for first.
    pub fn put(&mut self, uplink: &mut Uplink, piece: PieceIndex, request: T) {
        if uplink.asked(piece) {
            self.firsts.truncate(FIRSTS_MAX - 1);
            self.firsts.push_front(piece);
        }
        let mut at = self.waiting.len();
        if self.is_first(piece) {
            let later = self.waiting.iter().rev();
            let later = later.take_while(|(other, _)| !self.is_first(*other));
            at = at.saturating_sub(later.count());
        }
        self.waiting.insert(at, (piece, request));
    }

    /// How urgent it is to send to the peer, which also waits for parts of the pieces `taken`.
    pub fn urgency(&self, mut taken: impl Iterator<Item = PieceIndex>) -> Urgency {
        let next = self.waiting.front();
        let is_next = next.is_some_and(|(piece, _)| self.is_first(*piece));
        let urgent = !self.firsts.is_empty() && (is_next || taken.any(|it| self.is_first(it)));
        if urgent {
            Urgency::FirstCopy
        } else {
            Urgency::Rest
        }
    }

    /// The request that comes next.
    pub fn front(&self) -> Option<&T> {
        self.waiting.front().map(|(_, request)| request)
    }

    /// Takes the request that comes next.
    pub fn pop(&mut self) -> Option<T> {
        self.waiting.pop_front().map(|(_, request)| request)
    }

    /// Takes the first request out that is meant.
    pub fn remove(&mut self, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.waiting.iter().position(|(_, it)| is_meant(it))?;
        self.waiting.remove(at).map(|(_, request)| request)
    }

    /// Takes all requests out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.waiting.drain(..).map(|(_, request)| request)
    }

    /// All requests, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter().map(|(_, request)| request)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn is_first(&self, piece: PieceIndex) -> bool {
        self.firsts.contains(&piece)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use swarmcopy_layout::{Layout, RelPath};

    use super::*;

    fn layout(pieces: u32) -> Arc<Layout> {
        let path = RelPath::parse("tool.bin").unwrap();
        let file = Layout::builder(16 * 1024).file(path, u64::from(pieces) * 16 * 1024);
        Arc::new(file.build().unwrap())
    }

    /// Puts requests for parts of these pieces, numbered in order.
    fn put(requests: &mut Requests<usize>, uplink: &mut Uplink, pieces: &[u32]) {
        let layout = layout(200);
        for (number, piece) in pieces.iter().enumerate() {
            requests.put(uplink, layout.piece(*piece).unwrap(), number);
        }
    }

    #[test]
    fn a_piece_that_nobody_asked_for_goes_before_those_that_others_have() {
        let mut uplink = Uplink::new(4);
        let (mut one, mut other) = (Requests::default(), Requests::default());
        put(&mut one, &mut uplink, &[0]);
        put(&mut other, &mut uplink, &[0]);
        assert_eq!(one.urgency(std::iter::empty()), Urgency::FirstCopy);
        assert_eq!(other.urgency(std::iter::empty()), Urgency::Rest);
        other.drain().for_each(drop);
        put(&mut other, &mut uplink, &[0, 0, 2, 2, 0]);
        assert_eq!(other.urgency(std::iter::empty()), Urgency::FirstCopy);
        assert_eq!(other.drain().collect::<Vec<_>>(), [2, 3, 0, 1, 4]);
    }

    #[test]
    fn a_first_copy_that_is_being_sent_is_urgent_to_its_end() {
        let mut uplink = Uplink::new(4);
        let mut requests = Requests::default();
        put(&mut requests, &mut uplink, &[3]);
        requests.pop();
        let taken = layout(4).piece(3);
        assert_eq!(requests.urgency(taken.into_iter()), Urgency::FirstCopy);
        assert_eq!(requests.urgency(std::iter::empty()), Urgency::Rest);
    }

    proptest! {
        #[test]
        fn first_copies_and_the_rest_each_keep_their_order(
            known in prop::collection::vec(0u32..12, 0..8),
            pieces in prop::collection::vec(0u32..12, 1..60),
        ) {
            let mut uplink = Uplink::new(12);
            put(&mut Requests::default(), &mut uplink, &known);
            let mut requests = Requests::default();
            put(&mut requests, &mut uplink, &pieces);
            let order: Vec<usize> = requests.drain().collect();
            // more than FIRSTS_MAX pieces are not remembered
            let mut fresh: Vec<u32> = pieces.clone();
            fresh.retain(|piece| !known.contains(piece));
            fresh.sort_unstable();
            fresh.dedup();
            prop_assume!(fresh.len() <= FIRSTS_MAX);
            let mut expected: Vec<usize> = (0..pieces.len()).collect();
            expected.sort_by_key(|at| known.contains(&pieces[*at]));
            prop_assert_eq!(order, expected);
        }
    }
}
