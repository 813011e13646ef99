//! What the tests of this crate share: permits from a real scheduler, contents, a scripted server.
//!
//! What must stay true: everything that waits has a deadline.

pub(crate) mod content;
pub(crate) mod ftp;
pub(crate) mod permit;
pub(crate) mod server;
