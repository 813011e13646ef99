//! What a .torrent file may hold at most.

/// Largest .torrent file and largest `info` dictionary.
pub const METADATA_LEN_MAX: usize = 32 * 1024 * 1024;
/// Most files, pad files included.
pub const FILES_MAX: usize = 500_000;
/// Longest piece.
pub const PIECE_LEN_MAX: u32 = 256 * 1024 * 1024;
/// Most levels of folders.
pub const PATH_DEPTH_MAX: usize = 128;
/// Most names in the paths of all files together: what a deep tree multiplies must stay in memory.
pub const PATH_NAMES_MAX: usize = 6_000_000;
/// Most clashes of file names that are solved by renaming, and most tries for one.
pub const RENAMES_MAX: usize = 50;
/// Most values in one .torrent file.
pub(super) const NODE_MAX: usize = 6_000_000;
