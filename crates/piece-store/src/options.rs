//! What can be set for a store.

use crate::placement::Placement;

/// How a store works.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where the content lies until it is complete.
    pub placement: Placement,
    /// Whether runs of zeros become holes, where the disk has holes; else space is reserved for all.
    pub sparse: bool,
    /// Threads that verify and write; 0 = as many as the machine has cores, at least 2.
    pub threads: usize,
    /// Bytes of the newest pieces kept in memory for reads.
    pub cache_bytes_max: u64,
    /// Bytes of pieces in assembly at most; beyond that nothing is handed out.
    pub assembly_bytes_max: u64,
    /// Bytes of unused memory kept for the next piece.
    pub pool_bytes_max: usize,
    /// By file: whether the caller knows that it is right, and that nothing was done to it since. Empty: of
    /// none.
    pub vouched: Vec<bool>,
    /// Whether everything that lies there is hashed, whatever an earlier run has recorded.
    pub distrust: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            placement: Placement::InPlace,
            sparse: false,
            threads: 0,
            cache_bytes_max: 32 << 20,
            assembly_bytes_max: 256 << 20,
            pool_bytes_max: 64 << 20,
            vouched: Vec::new(),
            distrust: false,
        }
    }
}

impl Options {
    /// How many threads that is.
    pub(crate) fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2)),
            threads => threads,
        }
    }
}
