//! Socket options that the standard library lacks.
//!
//! What must stay true: an option that the system lacks does nothing, so that a link works everywhere.

use std::io;

#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(windows)]
use std::os::windows::io::AsSocket;

/// Limits the bytes that a TCP socket holds unsent in the kernel to `bytes` (`TCP_NOTSENT_LOWAT`).
///
/// The socket is reported as writable only below the limit, so that a small message never waits behind more
/// bulk than that. Does nothing outside Linux and Android: Windows has no such option, and on Apple's systems
/// it is not wired up here because it could not be tried.
#[cfg(unix)]
pub fn set_notsent_lowat(socket: &impl AsFd, bytes: u32) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return socket2::SockRef::from(socket).set_tcp_notsent_lowat(bytes.min(BYTES_MAX));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (socket, bytes);
        Ok(())
    }
}

/// Does nothing: Windows has no way to limit the bytes that a TCP socket holds unsent.
#[cfg(windows)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature is shared with the platforms that can fail"
)]
pub fn set_notsent_lowat(_socket: &impl AsSocket, _bytes: u32) -> io::Result<()> {
    Ok(())
}

/// The option is a signed number in the kernel.
#[cfg(any(target_os = "linux", target_os = "android"))]
const BYTES_MAX: u32 = u32::MAX >> 1;

#[cfg(all(test, any(target_os = "linux", windows)))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_limit_is_taken_by_a_tcp_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        set_notsent_lowat(&stream, 128 << 10).unwrap();
        #[cfg(target_os = "linux")]
        assert_eq!(
            socket2::SockRef::from(&stream).tcp_notsent_lowat().unwrap(),
            128 << 10
        );
        set_notsent_lowat(&stream, u32::MAX).unwrap();
    }
}
