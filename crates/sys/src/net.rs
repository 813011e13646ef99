//! Sockets as the standard library can't open them, and options of theirs that it lacks.
//!
//! What must stay true: an option that the system lacks does nothing, so that a link works everywhere.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
#[cfg(windows)]
use std::os::windows::io::AsSocket;

/// Listens at an address of one family, without blocking; `backlog` connections wait at most.
pub fn listen(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = open(addr, Type::STREAM, Protocol::TCP)?;
    // on Windows the option would let two programs share the port
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// Takes datagrams at an address of one family, without blocking.
pub fn bind_udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(addr, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

fn open(addr: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), kind, Some(protocol))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    #[cfg(windows)]
    exclusive(&socket)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Keeps other programs from taking the port too, and our connections with it (`SO_EXCLUSIVEADDRUSE`).
#[cfg(windows)]
fn exclusive(socket: &Socket) -> io::Result<()> {
    use std::os::windows::io::AsRawSocket;
    use windows_sys::Win32::Networking::WinSock::{SO_EXCLUSIVEADDRUSE, SOL_SOCKET, setsockopt};

    let (handle, yes) = (usize::try_from(socket.as_raw_socket()), 1_i32);
    let handle = handle.map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the socket is open while it is borrowed, and the system reads the 4 bytes of `yes`.
    let done = unsafe {
        setsockopt(
            handle,
            SOL_SOCKET,
            SO_EXCLUSIVEADDRUSE,
            (&raw const yes).cast(),
            4,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

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

/// Has a reader of a TCP socket woken only when `bytes` wait to be read (`SO_RCVLOWAT`), or none will come.
///
/// Whoever knows how much is still to come of a long message is woken once for it instead of once for each
/// packet or two. Does nothing outside Linux and Android.
#[cfg(unix)]
pub fn set_receive_lowat(socket: &impl AsFd, bytes: u32) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let bytes = libc::c_int::try_from(bytes.min(BYTES_MAX)).unwrap_or(libc::c_int::MAX);
        let len = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or_default();
        // SAFETY: the descriptor is open while it is borrowed, and the kernel reads `len` bytes of `bytes`.
        let done = unsafe {
            libc::setsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_RCVLOWAT,
                (&raw const bytes).cast(),
                len,
            )
        };
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (socket, bytes);
        Ok(())
    }
}

/// Does nothing: Windows wakes readers for each packet.
#[cfg(windows)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature is shared with the platforms that can fail"
)]
pub fn set_receive_lowat(_socket: &impl AsSocket, _bytes: u32) -> io::Result<()> {
    Ok(())
}

/// The options are signed numbers in the kernel.
#[cfg(any(target_os = "linux", target_os = "android"))]
const BYTES_MAX: u32 = u32::MAX >> 1;

#[cfg(all(test, any(target_os = "linux", windows)))]
mod tests {
    use super::*;
    use std::net::TcpStream;

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

    #[test]
    fn a_port_is_taken_once() {
        let first = listen("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let second = listen(first.local_addr().unwrap(), 1);
        // Windows calls it forbidden, not in use
        assert!(second.is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_reader_is_woken_for_as_much_as_it_wants() {
        use rustix::event::{PollFd, PollFlags, poll};
        use std::io::Write;

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (receiver, _) = listener.accept().unwrap();
        let readable = |wait_ms: i64| {
            let wait = rustix::event::Timespec {
                tv_sec: wait_ms / 1000,
                tv_nsec: wait_ms % 1000 * 1_000_000,
            };
            poll(&mut [PollFd::new(&receiver, PollFlags::IN)], Some(&wait)).unwrap() > 0
        };
        set_receive_lowat(&receiver, 1000).unwrap();
        sender.write_all(&[0; 999]).unwrap();
        assert!(!readable(50));
        sender.write_all(&[0]).unwrap();
        assert!(readable(10_000));
    }
}
