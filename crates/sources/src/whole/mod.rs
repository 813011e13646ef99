//! Files of servers that send each from its beginning alone: web servers that ignore ranges, FTP servers
//! without REST.
//!
//! What must stay true: each file is read once, however many fetches want parts of it.

mod sequence;
mod spool;
mod turns;
mod wanted;

pub(crate) use sequence::{Lead, Line, Sequences, Stream, Version};
pub(crate) use turns::{NoFrame, Whole, take_turns};
pub(crate) use wanted::{SKIP_LEN_MAX, Wanted};
