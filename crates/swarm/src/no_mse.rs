//! The encrypted handshake in a build without it: nobody is answered, and nobody asked.

use std::future::{Ready, ready};
use std::time::Duration;

use swarmcopy_bt_wire::peer::Handshake;
use tokio::net::TcpStream;

use crate::wire::Wire;
use crate::{Encryption, LinkEnd};

/// Encrypted handshakes that are answered at once, and the time in which one more is.
pub(crate) const ANSWERS: (u32, Duration) = (1, Duration::from_secs(1));

/// Hangs up.
pub(crate) fn answer(
    _stream: TcpStream,
    _read: &[u8],
    _contents: &[[u8; 20]],
    _wish: Encryption,
) -> Ready<Result<Wire, LinkEnd>> {
    ready(Err(LinkEnd::Closed))
}

/// Hangs up.
pub(crate) fn ask(_stream: TcpStream, _ours: &Handshake) -> Ready<Result<Wire, LinkEnd>> {
    ready(Err(LinkEnd::Closed))
}
