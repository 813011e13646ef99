//! Hashes of whole files and of their own pieces, while the pieces of the torrent are hashed.
//!
//! Runs of pieces are read by several threads, but a file is hashed from its first byte to its last. What must
//! stay true: a run that ends within a file hands the file's hasher to the next run, which waits for it; as
//! runs are begun in order, the one that is waited for is under way or done, or has failed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use swarmcopy_digest::Sha256;

/// Longest file whose pieces are not listed, and the shortest pieces, in bytes.
const PIECE_LEN_MIN: u64 = 1 << 20;
/// Most pieces of a file that are listed, unless its pieces would be longer than `PIECE_LEN_MAX`.
const PIECES_MAX: u64 = 2048;
/// The longest pieces in bytes.
const PIECE_LEN_MAX: u64 = 64 << 20;

/// The SHA-256 hashes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileHashes {
    pub(super) whole: [u8; 32],
    pub(super) piece_len: u64,
    /// One after the other; none if the file is one piece.
    pub(super) pieces: Vec<u8>,
}

/// Hashes one file from its beginning.
#[derive(Debug)]
pub(super) struct Hasher {
    whole: Sha256,
    piece: Sha256,
    piece_len: u64,
    /// Bytes that the piece lacks.
    left: u64,
    pieces: Vec<u8>,
}

impl Hasher {
    /// Begins a file of `len` bytes.
    pub(super) fn new(len: u64) -> Self {
        let piece_len = piece_len_of(len);
        Self {
            whole: Sha256::new(),
            piece: Sha256::new(),
            piece_len,
            left: piece_len,
            pieces: Vec::new(),
        }
    }

    /// Adds the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let len = usize::try_from(self.left)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            let (part, behind) = rest.split_at(len);
            self.piece.update(part);
            self.left = self
                .left
                .saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
            rest = behind;
            if self.left == 0 {
                self.end_piece();
            }
        }
    }

    fn end_piece(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        self.pieces.extend_from_slice(&piece.finish());
        self.left = self.piece_len;
    }

    /// The hashes of all bytes.
    pub(super) fn finish(mut self) -> FileHashes {
        if self.left < self.piece_len {
            self.end_piece();
        }
        if self.pieces.len() <= size_of::<[u8; 32]>() {
            self.pieces.clear();
        }
        FileHashes {
            whole: self.whole.finish(),
            piece_len: self.piece_len,
            pieces: self.pieces,
        }
    }
}

/// How long the pieces of a file are: as short as keeps their number in bounds.
fn piece_len_of(len: u64) -> u64 {
    let wanted = len.div_ceil(PIECES_MAX).next_power_of_two();
    wanted.clamp(PIECE_LEN_MIN, PIECE_LEN_MAX)
}

/// Hands hashers from run to run.
#[derive(Debug, Default)]
pub(super) struct Relay {
    /// By the run that goes on with it.
    passed: Mutex<BTreeMap<usize, Hasher>>,
    changed: Condvar,
}

impl Relay {
    /// Leaves a hasher for `run`.
    pub(super) fn pass(&self, run: usize, hasher: Hasher) {
        self.locked().insert(run, hasher);
        self.changed.notify_all();
    }

    /// Waits for the hasher that was left for `run`; `None` once something failed.
    pub(super) fn take(&self, run: usize, failed: &AtomicBool) -> Option<Hasher> {
        let waits = |passed: &mut BTreeMap<usize, Hasher>| {
            !passed.contains_key(&run) && !failed.load(Ordering::Relaxed)
        };
        let passed = self.changed.wait_while(self.locked(), waits);
        passed.unwrap_or_else(PoisonError::into_inner).remove(&run)
    }

    /// Something failed, and nobody shall wait any longer.
    pub(super) fn fail(&self, failed: &AtomicBool) {
        let _passed = self.locked();
        failed.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<usize, Hasher>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_digest::sha256;

    #[test]
    fn pieces_get_longer_with_the_file_and_their_number_stays_small() {
        for (len, want) in [
            (1, 1 << 20),
            (2 << 30, 1 << 20),
            ((2 << 30) + 1, 2 << 20),
            (1 << 50, 64 << 20),
        ] {
            assert_eq!(piece_len_of(len), want, "{len}");
        }
    }

    fn hashed(bytes: &[u8], step: usize) -> FileHashes {
        let mut hasher = Hasher::new(bytes.len() as u64);
        bytes.chunks(step).for_each(|part| hasher.update(part));
        hasher.finish()
    }

    #[test]
    fn a_file_is_hashed_whole_and_in_pieces_however_it_comes() {
        let bytes: Vec<u8> = (0..2_500_000_u32).map(|at| (at % 251) as u8).collect();
        let want: Vec<u8> = bytes.chunks(1 << 20).flat_map(sha256).collect();
        for step in [1000, 1 << 20, 1_500_000, 2_500_000] {
            let hashes = hashed(&bytes, step);
            assert_eq!((hashes.whole, &hashes.pieces), (sha256(&bytes), &want));
        }
        for short in [&b""[..], b"x", &bytes[..1 << 20]] {
            let hashes = hashed(short, 1 << 20);
            assert_eq!((hashes.whole, hashes.pieces), (sha256(short), Vec::new()));
        }
    }

    #[test]
    fn a_hasher_is_waited_for_until_it_comes_or_something_fails() {
        let (relay, failed) = (Relay::default(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| (relay.take(7, &failed), relay.take(8, &failed)));
            relay.pass(7, Hasher::new(1));
            // whether it waits already or not: it gets the one and ends without the other
            relay.fail(&failed);
            let (_, second) = waiting.join().unwrap();
            assert!(second.is_none());
        });
        relay.pass(9, Hasher::new(1));
        assert!(relay.take(9, &failed).is_some());
    }
}
