//! Who lied, when a piece was bad and several had sent parts of it.
//!
//! The blocks of a bad piece are remembered as short keyed digests with their senders. When the
//! piece verifies later, whoever sent a block that differs from the right one has lied. What must
//! stay true: an honest sender is never named (a block is compared only with verified bytes); no
//! more than `BAD_PIECES_MAX` bad pieces are remembered.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use swarmcopy_layout::{BLOCK_LEN, PieceIndex, Span};

use crate::assembly::Filled;
use crate::files::{u64_of, usize_of};

/// Bad pieces remembered, the latest ones.
pub(crate) const BAD_PIECES_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Blame {
    /// Keyed, so that nobody can make two blocks with one digest.
    key: RandomState,
    bad: VecDeque<BadPiece>,
}

#[derive(Debug)]
struct BadPiece {
    piece: PieceIndex,
    blocks: Vec<BadBlock>,
}

#[derive(Debug)]
struct BadBlock {
    span: Span,
    sender: u32,
    digest: u64,
}

impl Blame {
    /// Remembers a bad piece; returns who sent it, each once.
    pub(crate) fn handle_bad(&mut self, filled: &Filled) -> Vec<u32> {
        let blocks = filled.senders.iter().flat_map(|(span, sender)| {
            blocks_of(*span).map(|span| BadBlock {
                span,
                sender: *sender,
                digest: self.digest(filled, span),
            })
        });
        let bad = BadPiece {
            piece: filled.piece,
            blocks: blocks.collect(),
        };
        if self.bad.len() >= BAD_PIECES_MAX {
            self.bad.pop_front();
        }
        self.bad.push_back(bad);
        distinct(filled.senders.iter().map(|(_, sender)| *sender))
    }

    /// Compares a verified piece with its bad forerunners; returns who lied, each once.
    pub(crate) fn handle_right(&mut self, filled: &Filled) -> Vec<u32> {
        if !self.bad.iter().any(|bad| bad.piece == filled.piece) {
            return Vec::new();
        }
        let (of_piece, others) = std::mem::take(&mut self.bad)
            .into_iter()
            .partition(|bad| bad.piece == filled.piece);
        self.bad = others;
        let of_piece: VecDeque<BadPiece> = of_piece;
        let blocks = of_piece.iter().flat_map(|bad| &bad.blocks);
        let lies = blocks.filter(|block| self.digest(filled, block.span) != block.digest);
        distinct(lies.map(|block| block.sender))
    }

    fn digest(&self, filled: &Filled, span: Span) -> u64 {
        let within = Span::new(span.start() - filled.span.start(), span.len());
        let mut block = Vec::with_capacity(usize_of(span.len()));
        each_part(&filled.parts, within, |bytes| {
            block.extend_from_slice(bytes);
        });
        self.key.hash_one(block)
    }
}

/// Cuts `span` at the bounds of blocks.
fn blocks_of(span: Span) -> impl Iterator<Item = Span> {
    let len = u64::from(BLOCK_LEN);
    let mut rest = span;
    std::iter::from_fn(move || {
        let block = rest.head(len - rest.start() % len);
        rest = rest.after(block.len());
        (!block.is_empty()).then_some(block)
    })
}

fn each_part(parts: &[Bytes], span: Span, mut each: impl FnMut(&[u8])) {
    let mut at = 0;
    for part in parts {
        let whole = Span::new(at, u64_of(part.len()));
        at = whole.end();
        let wanted = whole.intersection(span);
        let (from, to) = (wanted.start() - whole.start(), wanted.end() - whole.start());
        if let Some(bytes) = part.get(usize_of(from)..usize_of(to)) {
            each(bytes);
        }
    }
}

fn distinct(senders: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut senders: Vec<u32> = senders.collect();
    senders.sort_unstable();
    senders.dedup();
    senders
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Layout, RelPath};

    fn filled(bytes: &[u8], senders: Vec<(Span, u32)>) -> Filled {
        let path = RelPath::parse("f").unwrap();
        let layout = Layout::builder(1 << 20)
            .file(path, 1 << 20)
            .build()
            .unwrap();
        let (a, b) = bytes.split_at(bytes.len() / 3);
        Filled {
            piece: layout.piece(0).unwrap(),
            span: Span::new(0, 40_000),
            parts: vec![Bytes::copy_from_slice(a), Bytes::copy_from_slice(b)],
            senders,
        }
    }

    fn thirds() -> Vec<(Span, u32)> {
        vec![
            (Span::between(0, 16_384), 1),
            (Span::between(16_384, 32_768), 2),
            (Span::between(32_768, 40_000), 3),
        ]
    }

    #[test]
    fn only_the_liar_is_named_when_the_right_bytes_come() {
        let mut blame = Blame::default();
        let right = vec![5; 40_000];
        let mut wrong = right.clone();
        wrong[20_000] = 6;
        assert_eq!(blame.handle_bad(&filled(&wrong, thirds())), [1, 2, 3]);
        let whole = vec![(Span::new(0, 40_000), 9)];
        assert_eq!(blame.handle_right(&filled(&right, whole)), [2]);
        assert_eq!(blame.handle_right(&filled(&right, thirds())), []);
    }

    #[test]
    fn a_lie_within_a_block_that_two_sent_is_charged_to_the_one() {
        let mut blame = Blame::default();
        let right = vec![5; 40_000];
        let mut wrong = right.clone();
        wrong[100] = 6;
        let shared = vec![
            (Span::between(0, 1000), 1),
            (Span::between(1000, 40_000), 2),
        ];
        blame.handle_bad(&filled(&wrong, shared));
        assert_eq!(blame.handle_right(&filled(&right, thirds())), [1]);
    }

    #[test]
    fn no_more_bad_pieces_are_remembered_than_told() {
        let mut blame = Blame::default();
        for _ in 0..BAD_PIECES_MAX + 10 {
            blame.handle_bad(&filled(&[1; 40_000], thirds()));
        }
        assert_eq!(blame.bad.len(), BAD_PIECES_MAX);
    }
}
