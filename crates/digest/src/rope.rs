//! A cursor over bytes that lie in several parts.
//!
//! What must stay true: nothing is copied; a cursor never leaves its `len` bytes, and its parts hold at least
//! that many.

/// A run of bytes over the parts of a rope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rope<'a> {
    /// What is left of the part that the cursor stands in.
    head: &'a [u8],
    /// The parts behind it.
    rest: &'a [&'a [u8]],
    /// Bytes left in `head` and `rest` that belong to the run.
    len: usize,
}

impl<'a> Rope<'a> {
    pub(crate) fn new(parts: &'a [&'a [u8]]) -> Self {
        // a slice of slices may name one part many times, so the sum could exceed the address space
        let len = parts
            .iter()
            .fold(0, |len: usize, part| len.saturating_add(part.len()));
        Self {
            head: &[],
            rest: parts,
            len,
        }
    }

    /// Returns how many bytes are left.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Cuts off the next `len` bytes (or what is left, if that is less) as a run of their own.
    pub(crate) fn split_front(&mut self, len: usize) -> Self {
        let front = Self {
            len: len.min(self.len),
            ..*self
        };
        self.skip(front.len);
        front
    }

    /// Returns the next bytes that lie in one piece; empty only at the end.
    pub(crate) fn contiguous(&mut self) -> &'a [u8] {
        while self.head.is_empty() {
            let Some((head, rest)) = self.rest.split_first() else {
                break;
            };
            (self.head, self.rest) = (head, rest);
        }
        self.head.get(..self.len).unwrap_or(self.head)
    }

    /// Moves on by `len` bytes.
    pub(crate) fn skip(&mut self, mut len: usize) {
        while len > 0 {
            let step = self.contiguous().len().min(len);
            if step == 0 {
                return;
            }
            self.head = self.head.get(step..).unwrap_or_default();
            self.len -= step;
            len -= step;
        }
    }

    /// Calls `each` with all bytes, run by run.
    pub(crate) fn for_each(mut self, mut each: impl FnMut(&[u8])) {
        loop {
            let run = self.contiguous();
            if run.is_empty() {
                return;
            }
            each(run);
            self.skip(run.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(rope: Rope<'_>) -> Vec<u8> {
        let mut all = Vec::new();
        rope.for_each(|run| all.extend_from_slice(run));
        all
    }

    #[test]
    fn parts_of_any_length_read_as_one() {
        let parts: [&[u8]; 5] = [b"", b"ab", b"", b"cde", b""];
        let rope = Rope::new(&parts);
        assert_eq!((rope.len(), whole(rope)), (5, b"abcde".to_vec()));
        assert_eq!(whole(Rope::new(&[])), b"");
    }

    #[test]
    fn a_front_ends_where_it_was_cut() {
        let parts: [&[u8]; 2] = [b"abc", b"def"];
        let mut rope = Rope::new(&parts);
        assert_eq!(whole(rope.split_front(4)), b"abcd");
        assert_eq!(whole(rope.split_front(100)), b"ef");
        assert_eq!(rope.len(), 0);
    }
}
