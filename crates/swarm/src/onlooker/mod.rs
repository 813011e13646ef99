//! Onlookers: who sees a whole room and takes no part in it.
//!
//! An onlooker finds the peers of a content as any machine does, and calls itself by a name of its own kind in the
//! handshake. So machines of ours know one before it is a link: it has none of their places, their scheduler never
//! hears of it, and all it gets is answers to `sc_status` and addresses of others. To other people's clients it
//! is a peer that has nothing and wants nothing.
//!
//! What must stay true: an onlooker costs a machine at most [`ONLOOKERS_MAX`] connections and a few answers a
//! second, and learns nothing that [`StatusBoard`] does not hold.

mod answer;
mod board;
mod links;
mod look;
mod name;
mod see;
mod sighting;

pub(crate) use answer::serve;
pub use board::{ONLOOKERS_MAX, StatusBoard};
pub use look::Onlooker;
pub(crate) use name::is_name;
pub use sighting::Sighting;
