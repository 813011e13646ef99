//! The sources against the outside world: files, sockets, permits of a real scheduler.

mod contract;
mod http;
mod share;
mod support;
