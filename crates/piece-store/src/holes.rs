//! Which bytes need space on a disk: long runs of zeros can be holes.
//!
//! What must stay true: what is left out is zeros, whole blocks of the file only.

use std::io::IoSlice;

use swarmcopy_layout::Span;

/// The block of a file that is a hole or not; common file systems have this or smaller ones.
const BLOCK_LEN: u64 = 4096;

/// The runs of bytes that are not zeros, by blocks; as spans of the file, in which `bytes` begin at `offset`.
pub(crate) fn data(bytes: &[IoSlice<'_>], offset: u64) -> Vec<Span> {
    let mut runs: Vec<Span> = Vec::new();
    let mut at = offset;
    for part in bytes {
        let mut rest: &[u8] = part;
        while !rest.is_empty() {
            let room = BLOCK_LEN - at % BLOCK_LEN;
            let len = usize::try_from(room).unwrap_or(usize::MAX).min(rest.len());
            let (block, after) = rest.split_at(len);
            let span = Span::new(at, u64::try_from(len).unwrap_or(u64::MAX));
            if block.iter().any(|byte| *byte != 0) {
                match runs.last_mut() {
                    Some(run) if run.end() == span.start() => {
                        *run = Span::between(run.start(), span.end());
                    }
                    _ => runs.push(span),
                }
            }
            at = span.end();
            rest = after;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_zeros_are_left_out_by_blocks() {
        let mut bytes = vec![0; 20_000];
        bytes[0] = 1;
        bytes[9000] = 1;
        bytes[12_287] = 1;
        let (a, b) = bytes.split_at(9500);
        let slices = [IoSlice::new(a), IoSlice::new(b)];
        assert_eq!(
            data(&slices, 0),
            [Span::new(0, 4096), Span::between(8192, 12_288)]
        );
        assert_eq!(
            data(&slices, 100),
            [
                Span::between(100, 4096),
                Span::between(8192, 9600),
                Span::between(12_288, 16_384)
            ]
        );
        assert_eq!(data(&[IoSlice::new(&[0; 5000])], 7), []);
    }
}
