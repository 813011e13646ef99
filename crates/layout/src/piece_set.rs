//! A set of piece indexes as a bitmap, with the wire form of BEP 3's bitfield.
//!
//! The set knows how many pieces there can be; indexes beyond that are never in it.

use crate::PieceIndex;

/// Why bytes are no bitfield for so many pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PieceSetError {
    /// The length is not `ceil(pieces / 8)`.
    #[error("bitfield of {got} bytes where {want} are due")]
    Length {
        /// Bytes received.
        got: usize,
        /// Bytes due.
        want: usize,
    },
    /// A bit behind the last piece is set.
    #[error("bitfield with a spare bit set")]
    SpareBit,
}

/// A set of pieces out of `0..capacity`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PieceSet {
    words: Vec<u64>,
    capacity: u32,
    len: u32,
}

const WORD_BITS: u32 = 64;

fn place(index: u32) -> (usize, u64) {
    let word = usize::try_from(index / WORD_BITS).unwrap_or(usize::MAX);
    (word, 1 << (index % WORD_BITS))
}

impl PieceSet {
    /// An empty set for a content of `capacity` pieces.
    pub fn empty(capacity: u32) -> Self {
        let words = usize::try_from(capacity.div_ceil(WORD_BITS)).unwrap_or(usize::MAX);
        Self {
            words: vec![0; words],
            capacity,
            len: 0,
        }
    }

    /// The set of all `capacity` pieces.
    pub fn full(capacity: u32) -> Self {
        let mut set = Self::empty(capacity);
        set.words.fill(u64::MAX);
        set.clear_spare();
        set.len = capacity;
        set
    }

    fn clear_spare(&mut self) {
        let used = self.capacity % WORD_BITS;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }

    /// How many pieces the content has.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// How many pieces are in the set.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no piece is in the set.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether every piece is in the set.
    pub fn is_full(&self) -> bool {
        self.len == self.capacity
    }

    /// Whether `piece` is in the set.
    pub fn contains(&self, piece: PieceIndex) -> bool {
        let (word, bit) = place(piece.value());
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Puts `piece` in; tells whether it was new. A piece beyond the capacity is not taken.
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        let (word, bit) = place(piece.value());
        if piece.value() >= self.capacity {
            return false;
        }
        let Some(bits) = self.words.get_mut(word) else {
            return false;
        };
        let new = *bits & bit == 0;
        *bits |= bit;
        self.len += u32::from(new);
        new
    }

    /// Takes `piece` out; tells whether it was there.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        let (word, bit) = place(piece.value());
        let Some(bits) = self.words.get_mut(word) else {
            return false;
        };
        let there = *bits & bit != 0;
        *bits &= !bit;
        self.len -= u32::from(there);
        there
    }

    /// The pieces, in order.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        (0u32..).zip(&self.words).flat_map(|(at, word)| Bits {
            rest: *word,
            base: at * WORD_BITS,
        })
    }

    /// The first piece at or after `from` that is in the set and passes `other` with the words of
    /// both combined: in `self`, not in `except`.
    pub fn next_without(&self, from: u32, except: &Self) -> Option<PieceIndex> {
        let (first, bit) = place(from);
        let mut mask = !(bit - 1);
        for (at, word) in self.words.iter().enumerate().skip(first) {
            let other = except.words.get(at).copied().unwrap_or(0);
            let rest = word & !other & mask;
            if rest != 0 {
                let base = u32::try_from(at)
                    .unwrap_or(u32::MAX)
                    .saturating_mul(WORD_BITS);
                return Some(PieceIndex::from_raw(base + rest.trailing_zeros()));
            }
            mask = u64::MAX;
        }
        None
    }

    /// Whether some piece is in `self` and not in `except`.
    pub fn any_without(&self, except: &Self) -> bool {
        self.next_without(0, except).is_some()
    }

    /// Whether some piece is in both.
    pub fn intersects(&self, other: &Self) -> bool {
        let mut words = self.words.iter().zip(&other.words);
        words.any(|(mine, theirs)| mine & theirs != 0)
    }

    /// Adds all pieces of `other`.
    pub fn union_with(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine |= theirs;
        }
        self.recount();
    }

    /// Keeps only the pieces that `other` has too.
    pub fn intersect_with(&mut self, other: &Self) {
        for (at, mine) in self.words.iter_mut().enumerate() {
            *mine &= other.words.get(at).copied().unwrap_or(0);
        }
        self.recount();
    }

    /// Takes all pieces of `other` out.
    pub fn subtract(&mut self, other: &Self) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= !theirs;
        }
        self.recount();
    }

    fn recount(&mut self) {
        self.clear_spare();
        self.len = self.words.iter().map(|word| word.count_ones()).sum();
    }

    /// The bitfield of BEP 3: `ceil(capacity / 8)` bytes, the first piece in the highest bit.
    pub fn to_bitfield(&self) -> Vec<u8> {
        let len = usize::try_from(self.capacity.div_ceil(8)).unwrap_or(usize::MAX);
        self.words
            .iter()
            .flat_map(|word| word.reverse_bits().to_be_bytes())
            .take(len)
            .collect()
    }

    /// Reads a bitfield of BEP 3 for `capacity` pieces: its length must fit and no spare bit be set.
    pub fn from_bitfield(capacity: u32, bytes: &[u8]) -> Result<Self, PieceSetError> {
        let want = usize::try_from(capacity.div_ceil(8)).unwrap_or(usize::MAX);
        if bytes.len() != want {
            return Err(PieceSetError::Length {
                got: bytes.len(),
                want,
            });
        }
        let mut set = Self::empty(capacity);
        for (word, chunk) in set.words.iter_mut().zip(bytes.chunks(8)) {
            for (at, byte) in (0u32..).zip(chunk) {
                *word |= u64::from(byte.reverse_bits()) << (8 * at);
            }
        }
        let before: u32 = set.words.iter().map(|word| word.count_ones()).sum();
        set.recount();
        if set.len == before {
            Ok(set)
        } else {
            Err(PieceSetError::SpareBit)
        }
    }
}

struct Bits {
    rest: u64,
    base: u32,
}

impl Iterator for Bits {
    type Item = PieceIndex;

    fn next(&mut self) -> Option<PieceIndex> {
        if self.rest == 0 {
            return None;
        }
        let at = self.rest.trailing_zeros();
        self.rest &= self.rest - 1;
        Some(PieceIndex::from_raw(self.base + at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn piece(index: u32) -> PieceIndex {
        PieceIndex::from_raw(index)
    }

    proptest! {
        #[test]
        fn a_piece_set_behaves_as_a_set(
            capacity in 0u32..300,
            steps in prop::collection::vec((any::<bool>(), 0u32..320), 0..100)
        ) {
            let mut set = PieceSet::empty(capacity);
            let mut model = BTreeSet::new();
            for (add, index) in steps {
                if add {
                    prop_assert_eq!(set.insert(piece(index)), index < capacity && model.insert(index));
                } else {
                    prop_assert_eq!(set.remove(piece(index)), model.remove(&index));
                }
            }
            prop_assert_eq!(set.len() as usize, model.len());
            let listed: Vec<u32> = set.iter().map(PieceIndex::value).collect();
            prop_assert_eq!(listed, model.iter().copied().collect::<Vec<_>>());
            let back = PieceSet::from_bitfield(capacity, &set.to_bitfield());
            prop_assert_eq!(back, Ok(set.clone()));
            let full = PieceSet::full(capacity);
            for from in [0, 1, 63, 64, 65, 200] {
                let want = (from..capacity).find(|index| !model.contains(index));
                prop_assert_eq!(full.next_without(from, &set).map(PieceIndex::value), want);
            }
        }

        #[test]
        fn any_bytes_make_a_bitfield_or_an_error(capacity in 0u32..100, bytes: Vec<u8>) {
            if let Ok(set) = PieceSet::from_bitfield(capacity, &bytes) {
                prop_assert_eq!(set.to_bitfield(), bytes);
            }
        }
    }

    #[test]
    fn a_spare_bit_is_refused() {
        assert!(
            PieceSet::from_bitfield(11, &[0xff, 0xe0])
                .unwrap()
                .is_full()
        );
        assert_eq!(
            PieceSet::from_bitfield(11, &[0xff, 0xf0]),
            Err(PieceSetError::SpareBit)
        );
        let short = PieceSetError::Length { got: 2, want: 3 };
        assert_eq!(PieceSet::from_bitfield(17, &[0xff, 0xe0]), Err(short));
    }

    #[test]
    fn set_operations_keep_the_count() {
        let mut odd = PieceSet::empty(130);
        for index in (1..130).step_by(2) {
            odd.insert(piece(index));
        }
        let mut even = PieceSet::full(130);
        even.subtract(&odd);
        assert_eq!((odd.len(), even.len()), (65, 65));
        even.union_with(&odd);
        assert!(even.is_full());
        even.intersect_with(&odd);
        assert_eq!(even, odd);
    }
}
