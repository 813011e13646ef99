//! Reading a rope in the 64-byte blocks that SHA-1 and SHA-256 eat.
//!
//! What must stay true: bytes are copied only where a block straddles two parts.

use crate::rope::Rope;

/// The block length of SHA-1 and SHA-256.
pub(crate) const BLOCK_LEN: usize = 64;

/// One block.
pub(crate) type Block = [u8; BLOCK_LEN];

impl<'a> Rope<'a> {
    /// Returns the next whole blocks without copying, or one block put together in `scratch`.
    ///
    /// Empty only when less than a block is left.
    pub(crate) fn blocks<'s>(&mut self, scratch: &'s mut Block) -> &'s [Block]
    where
        'a: 's,
    {
        let (blocks, _) = self.contiguous().as_chunks();
        if !blocks.is_empty() || self.len() < BLOCK_LEN {
            return blocks;
        }
        let mut ahead = *self;
        ahead.read(scratch);
        std::slice::from_ref(scratch)
    }

    /// Copies the next bytes into `out` and moves on; returns how many there were.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(room) = out.get_mut(done..).filter(|room| !room.is_empty()) {
            let from = self.contiguous();
            let step = from.len().min(room.len());
            if step == 0 {
                break;
            }
            for (to, from) in room.iter_mut().zip(from) {
                *to = *from;
            }
            self.skip(step);
            done += step;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_straddling_block_is_copied() {
        let bytes: Vec<u8> = (0..=255).collect();
        let parts: [&[u8]; 2] = [&bytes[..100], &bytes[100..]];
        let mut rope = Rope::new(&parts);
        let mut scratch = [0; BLOCK_LEN];
        assert_eq!(rope.blocks(&mut scratch).as_ptr().cast(), bytes.as_ptr());
        rope.skip(64);
        assert_eq!(
            rope.blocks(&mut scratch),
            [<Block>::try_from(&bytes[64..128]).unwrap()]
        );
        rope.skip(64);
        assert_eq!(rope.blocks(&mut scratch).len(), 2);
        rope.skip(65);
        assert_eq!(rope.len(), 63);
        assert!(rope.blocks(&mut scratch).is_empty());
    }
}
