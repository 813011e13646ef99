//! The local network: is multicast heard from oneself and from others.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use swarmcopy_bt_wire::lsd::{Announce, DATAGRAM_LEN_MAX, GROUP_V4};
use swarmcopy_sys::{multicast, random};

use crate::Finding;

/// How long others are listened for.
const LISTEN: Duration = Duration::from_secs(3);
/// Time between two calls of our own.
const CALL_EVERY: Duration = Duration::from_millis(700);
/// The port that our call names: nobody can be reached there, and nobody has the content either.
const PORT: u16 = 9;

/// Who was heard.
#[derive(Debug, Default)]
struct Heard {
    ourselves: Option<IpAddr>,
    others: Vec<IpAddr>,
}

pub(crate) fn multicast() -> Vec<Finding> {
    findings(listen())
}

fn findings(heard: std::io::Result<Heard>) -> Vec<Finding> {
    let heard = match heard {
        Ok(heard) => heard,
        Err(error) => {
            let told = format!("no multicast here: {error}");
            let todo = "name a tracker (--tracker) or other machines (--peer)";
            return vec![Finding::ill("multicast", told, todo)];
        }
    };
    let own = if let Some(ip) = heard.ourselves {
        Finding::well(
            "multicast",
            format!("this machine ({ip}) hears its own calls"),
        )
    } else {
        let told = "this machine does not hear its own calls";
        let todo = "let UDP port 6771 through the firewall, or name a tracker (--tracker)";
        Finding::ill("multicast", told, todo)
    };
    let others = match heard.others.len() {
        0 => {
            let told = "nobody else was heard within three seconds";
            let todo = "no harm if nobody else copies now; else name a tracker (--tracker): the network may \
                        keep multicast, or machines, apart";
            Finding::unclear("multicast-others", told, todo)
        }
        count => Finding::well(
            "multicast-others",
            format!("{count} other addresses were heard"),
        ),
    };
    vec![own, others]
}

/// Calls and listens for a while.
fn listen() -> std::io::Result<Heard> {
    let (group, port) = GROUP_V4;
    let receiver = multicast::hear_v4(group, port)?;
    let sender = UdpSocket::bind("0.0.0.0:0")?;
    sender.set_multicast_loop_v4(true)?;
    let cookie = format!("{:016x}", random::seed());
    let (one, other) = (random::seed().to_be_bytes(), random::seed().to_be_bytes());
    // a content that nobody has
    let mut hash = [0; 20];
    hash.iter_mut()
        .zip(one.iter().chain(&other))
        .for_each(|(to, from)| *to = *from);
    let call = Announce::new(PORT, vec![hash]).with_cookie(&cookie);
    let call = call.encode(SocketAddr::from((group, port)));
    let mut heard = Heard::default();
    let mut froms: Vec<IpAddr> = Vec::new();
    let mut buffer = vec![0; DATAGRAM_LEN_MAX + 1];
    let end = Instant::now() + LISTEN;
    let mut call_at = Instant::now();
    while Instant::now() < end {
        if Instant::now() >= call_at {
            sender.send_to(&call, (group, port))?;
            call_at = Instant::now() + CALL_EVERY;
        }
        receiver.set_read_timeout(Some(Duration::from_millis(200)))?;
        let Ok((len, from)) = receiver.recv_from(&mut buffer) else {
            continue;
        };
        let Ok(announce) = Announce::parse(buffer.get(..len).unwrap_or_default()) else {
            continue;
        };
        if announce.cookie.as_deref() == Some(cookie.as_str()) {
            heard.ourselves = Some(from.ip());
        } else if !froms.contains(&from.ip()) {
            froms.push(from.ip());
        }
    }
    // another program on this machine is nobody else
    froms.retain(|ip| Some(*ip) != heard.ourselves);
    heard.others = froms;
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    fn verdicts(heard: std::io::Result<Heard>) -> Vec<(&'static str, Verdict)> {
        let all = findings(heard).into_iter();
        all.map(|it| (it.check, it.verdict)).collect()
    }

    #[test]
    fn who_hears_not_even_itself_is_ill_and_who_hears_nobody_else_can_not_tell() {
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        let heard = |own, others| {
            Ok(Heard {
                ourselves: own,
                others,
            })
        };
        let (own, others) = ("multicast", "multicast-others");
        assert_eq!(
            verdicts(heard(Some(ip(1)), vec![ip(2)])),
            [(own, Verdict::Well), (others, Verdict::Well)]
        );
        assert_eq!(
            verdicts(heard(None, Vec::new())),
            [(own, Verdict::Ill), (others, Verdict::Unclear)]
        );
        let none = Err(std::io::Error::other("no network"));
        assert_eq!(verdicts(none), [(own, Verdict::Ill)]);
    }
}
