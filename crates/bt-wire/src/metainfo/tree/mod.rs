//! The table `tree` in our own key: what besides bytes belongs to a copy.
//!
//! Times, flags and modes stand in compact columns in the order of the files; folders, symbolic
//! links and hard links have lists of their own. What must stay true: a [`Tree`] that was read fits
//! the files of its torrent; each path in it is plain and lies where neither a file nor a link is
//! in the way; each link stays inside the tree, step by step, and leads through no other link.

mod check;
mod columns;
mod fault;
mod read;
mod resolve;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use columns::plain_path;
pub use resolve::{LinkFault, resolve};
pub use table::{
    Access, Attributes, Flags, Folder, HardLink, Link, LinkKind, ModeOf, Origin, TARGET_LEN_MAX,
    Tree,
};
