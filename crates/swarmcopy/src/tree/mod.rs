//! What besides bytes belongs to a copy: times, modes, flags, folders, links.
//!
//! A [`Plan`] says what a torrent tells of it, [`apply`] does it to a copy whose bytes are complete.
//! What must stay true: nothing outside the copy's own folder is touched, and no link in it is
//! followed; what the system can't do is counted and told once, never an error.

mod apply;
mod applying;
mod compare;
mod disk;
mod extras;
mod folders;
mod links;
mod plan;
mod preview;
mod switch;
mod tally;

pub(crate) use apply::{Applied, Extent, Job, apply, prepare};
pub(crate) use compare::differences;
pub(crate) use disk::{attributes_of, link_text};
pub(crate) use plan::Plan;
pub use preview::Preview;
pub(crate) use preview::preview;
pub(crate) use switch::{clear, recover};
