//! Recycled memory for pieces and reads.
//!
//! Memory comes in *segments*: powers of two from 16 KiB to 1 MiB, aligned to pages where they are
//! that long. A segment that nobody uses any more goes back to its pool, so that the way of a byte
//! never allocates. What must stay true: a segment is handed to one user at a time (ownership says
//! so), and a pool never keeps more than its `kept_bytes_max`.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

/// Shortest segment in bytes.
pub const SEGMENT_LEN_MIN: usize = 16 * 1024;
/// Longest segment in bytes.
pub const SEGMENT_LEN_MAX: usize = 1024 * 1024;

const PAGE_LEN: usize = 4096;
/// Shorter segments are not worth a page more.
const ALIGNED_LEN_MIN: usize = 256 * 1024;
const CLASSES: usize = 7;

/// The length of the shortest segment that holds `len` bytes, or the longest segment there is.
pub(crate) fn class_len(len: usize) -> usize {
    if len >= SEGMENT_LEN_MAX {
        return SEGMENT_LEN_MAX;
    }
    len.next_power_of_two().max(SEGMENT_LEN_MIN)
}

fn class_index(len: usize) -> usize {
    usize::try_from((len / SEGMENT_LEN_MIN).trailing_zeros()).unwrap_or(usize::MAX)
}

/// Keeps segments for the next user.
///
/// ```
/// use swarmcopy_piece_store::Pool;
///
/// let pool = Pool::new(1 << 20);
/// let mut segment = pool.take(20_000);
/// segment.as_mut_slice().fill(7);
/// let bytes = segment.freeze();
/// let tail = bytes.slice(19_990..);
/// drop(bytes);
/// assert_eq!(pool.kept_bytes(), 0); // a view of the segment is still about
/// drop(tail);
/// assert_eq!(pool.kept_bytes(), 32 * 1024);
/// ```
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    kept_bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    classes: [Vec<BytesMut>; CLASSES],
    bytes: usize,
}

impl Pool {
    /// Makes an empty pool that keeps at most so many unused bytes.
    pub fn new(kept_bytes_max: usize) -> Self {
        let shared = Shared {
            kept_bytes_max,
            kept: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes memory of `len` bytes, at most [`SEGMENT_LEN_MAX`]; its content is arbitrary.
    pub fn take(&self, len: usize) -> Segment {
        let len = len.min(SEGMENT_LEN_MAX);
        let memory = self.take_memory(class_len(len));
        Segment {
            memory,
            len,
            pool: self.clone(),
        }
    }

    /// Takes a whole segment of the class `class_len`.
    pub(crate) fn take_memory(&self, class_len: usize) -> BytesMut {
        let kept = {
            let mut kept = self.lock();
            let found = kept
                .classes
                .get_mut(class_index(class_len))
                .and_then(Vec::pop);
            if found.is_some() {
                kept.bytes -= class_len;
            }
            found
        };
        kept.unwrap_or_else(|| allocate(class_len))
    }

    /// Wraps a whole segment that [`Pool::take_memory`] gave, of which `len` bytes count.
    pub(crate) fn adopt(&self, memory: BytesMut, len: usize) -> Segment {
        Segment {
            memory,
            len,
            pool: self.clone(),
        }
    }

    /// Takes a segment back; it must be whole, as it was handed out.
    pub(crate) fn give_back(&self, memory: BytesMut) {
        let len = memory.len();
        let mut kept = self.lock();
        if kept.bytes.saturating_add(len) > self.shared.kept_bytes_max {
            return;
        }
        if let Some(class) = kept.classes.get_mut(class_index(len)) {
            class.push(memory);
            kept.bytes += len;
        }
    }

    /// Unused bytes that wait for the next user.
    pub fn kept_bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.shared
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("kept_bytes", &self.kept_bytes())
            .field("kept_bytes_max", &self.shared.kept_bytes_max)
            .finish()
    }
}

fn allocate(len: usize) -> BytesMut {
    if len < ALIGNED_LEN_MIN {
        return BytesMut::zeroed(len);
    }
    let mut memory = BytesMut::zeroed(len + PAGE_LEN);
    let skip = memory.as_ptr().align_offset(PAGE_LEN).min(PAGE_LEN);
    let mut aligned = memory.split_off(skip);
    let _behind = aligned.split_off(len);
    aligned
}

/// Memory of a [`Pool`] with one owner; goes back to the pool when dropped.
#[derive(Debug)]
pub struct Segment {
    memory: BytesMut,
    len: usize,
    pool: Pool,
}

impl Segment {
    /// The memory.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.len).unwrap_or_default()
    }

    /// Makes it readable by many; the memory goes back to the pool with the last view of it.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Segment {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or_default()
    }
}

impl Deref for Segment {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_comes_back_whole_and_is_used_again() {
        let pool = Pool::new(4 << 20);
        let mut segment = pool.take(SEGMENT_LEN_MAX);
        let place = segment.as_mut_slice().as_ptr();
        assert_eq!(place.align_offset(PAGE_LEN), 0);
        drop(segment);
        assert_eq!(pool.kept_bytes(), SEGMENT_LEN_MAX);
        assert_eq!(pool.take(SEGMENT_LEN_MAX).as_ptr(), place);
    }

    #[test]
    fn a_pool_keeps_no_more_than_told() {
        let pool = Pool::new(100_000);
        let segments: Vec<_> = (0..10).map(|_| pool.take(10_000)).collect();
        drop(segments);
        assert_eq!(pool.kept_bytes(), 6 * SEGMENT_LEN_MIN);
    }

    #[test]
    fn every_length_gets_the_least_class_that_holds_it() {
        for (len, class) in [
            (0, 16),
            (1, 16),
            (16 << 10, 16),
            (16_385, 32),
            (1 << 19, 512),
        ] {
            assert_eq!(class_len(len), class << 10);
        }
        assert_eq!(class_len((1 << 19) + 1), SEGMENT_LEN_MAX);
        assert_eq!(class_index(SEGMENT_LEN_MAX) + 1, CLASSES);
    }
}
