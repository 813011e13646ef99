//! One connection to one peer: a source of pieces, and a place to serve them.
//!
//! A link is one task: a reader, a writer, a feeder that reads ahead what the peer asks for, and a
//! watch over time. [`PeerLink`] is the handle to it; none of its methods waits, except `fetch`.

mod allowance;
mod block;
mod core;
mod download;
pub(crate) mod extension;
mod feeder;
mod handle;
mod lacking;
pub(crate) mod lane_name;
mod lanes;
mod outbox;
mod quotas;
mod reader;
mod receive;
mod run;
mod sending;
#[cfg(any(test, fuzzing))]
pub(crate) mod sequences;
mod setup;
mod shared;
#[cfg(test)]
mod tests;
mod upload;
mod watch;
mod writer;

pub use handle::{LinkStats, PeerLink};
pub(crate) use reader::readable;
pub(crate) use run::start;
pub(crate) use setup::{Direction, Setup};
pub(crate) use shared::Shared;
