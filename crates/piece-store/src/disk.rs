//! The narrow seam between a store and the outside world: files below one folder.
//!
//! Paths are relative and made of plain names. What must stay true of every implementation: nothing
//! outside the folder is ever touched, calls may run side by side, and an error leaves files that
//! were not named in the call as they were. The contract suite in the tests runs on all of them.

mod faulty;
mod flush;
mod folder;
mod handles;
mod known;
mod memory;
mod seam;
mod system;

pub use faulty::{Fault, FaultyDisk};
pub use folder::{FolderDisk, Links};
pub use memory::MemoryDisk;
pub(crate) use seam::read_exact;
pub use seam::{Disk, DiskLock, Entry, FileStat};

#[cfg(test)]
mod tests;
