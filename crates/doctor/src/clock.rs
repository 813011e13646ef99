//! Other machines' clocks, as far as they tell the time.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time for a server to answer.
const TIME: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read.
const ANSWER_MAX: u64 = 4096;

/// How many seconds a server's clock is ahead of ours (negative: behind), by the `Date` of what it answers; `None` if
/// it tells no time. Blocks for some seconds at most.
pub(crate) fn ahead(host: &str, port: u16) -> Option<i64> {
    let mut addrs = (host, port).to_socket_addrs().ok()?;
    let mut stream = TcpStream::connect_timeout(&addrs.next()?, TIME).ok()?;
    stream.set_read_timeout(Some(TIME)).ok()?;
    stream.set_write_timeout(Some(TIME)).ok()?;
    write!(
        stream,
        "HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = Vec::new();
    // a server that says more than its head, or breaks off, has told its time before
    let _ = stream.take(ANSWER_MAX).read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let date = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then_some(value.trim())
    })?;
    let told = httpdate::parse_http_date(date).ok()?;
    Some(since_1970(told).saturating_sub(now()))
}

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    since_1970(SystemTime::now())
}

fn since_1970(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_tells_another_time_is_heard() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 256];
            let _ = stream.read(&mut asked).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nDATE: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n")
                .unwrap();
        });
        let ahead = ahead("127.0.0.1", port).unwrap();
        serving.join().unwrap();
        assert!(ahead < -1_000_000_000, "{ahead}");
    }
}
