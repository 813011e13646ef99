//! The sources against the outside world: files, sockets, permits of a real scheduler.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod ftp;
mod http;
#[cfg(test)]
mod share;
#[cfg(test)]
mod support;
