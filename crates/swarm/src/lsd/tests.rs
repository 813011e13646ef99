//! Local discovery between two processes' worth of sockets.

use std::net::Ipv4Addr;

use if_addrs::{IfAddr, IfOperStatus, Ifv4Addr, Interface};
use swarmcopy_bt_wire::lsd::GROUP_V4;
use tokio::sync::mpsc;

use super::sockets::{Adapter, adapters_of};
use super::*;
use crate::testing::{Options, common};

type Machine = (
    Arc<Lsd>,
    Arc<Common>,
    mpsc::Receiver<Command>,
    CancellationToken,
);

/// A machine with a content, and what its hub is told; `None` without multicast here.
fn machine(port: u16) -> Option<Machine> {
    let cancel = CancellationToken::new();
    let options = LsdOptions::on(Some(Ipv4Addr::LOCALHOST.into()));
    let lsd = match Lsd::start(&options, &cancel) {
        Ok(lsd) => lsd,
        Err(error) => {
            eprintln!("skipped: no multicast on loopback: {error}");
            return None;
        }
    };
    let (events, _) = mpsc::channel(1);
    let (hub, commands) = mpsc::channel(64);
    let mut common = common(&Options::default(), events, hub);
    common.listen_port = port;
    // a name of its own, so that tests that run at once don't meet
    common.info_hash[..8].copy_from_slice(&std::process::id().to_be_bytes().repeat(2));
    let common = Arc::new(common);
    lsd.register(&common);
    Some((lsd, common, commands, cancel))
}

#[tokio::test]
async fn two_machines_hear_each_other_and_not_themselves() {
    let (Some(mut one), Some(mut two)) = (machine(7001), machine(7002)) else {
        return;
    };
    let both = async { tokio::join!(first_found(&mut one.2), first_found(&mut two.2)) };
    match tokio::time::timeout(Duration::from_secs(4), both).await {
        Ok((Some(at_one), Some(at_two))) => {
            assert_eq!((at_one.port(), at_two.port()), (7002, 7001));
            assert!(at_one.ip().is_loopback());
        }
        Ok(_) => eprintln!("skipped: multicast can't be sent on loopback here"),
        Err(_) => eprintln!("skipped: multicast is not heard on loopback here"),
    }
    one.3.cancel();
    two.3.cancel();
}

/// The first address that is found; `None` if announcements can't be sent.
async fn first_found(commands: &mut mpsc::Receiver<Command>) -> Option<SocketAddr> {
    loop {
        match commands.recv().await? {
            Command::Addresses { addrs, .. } => return addrs.first().copied(),
            Command::LsdAnnounced { sent: false } => return None,
            _ => {}
        }
    }
}

#[tokio::test]
async fn announcements_are_heard_unless_they_are_our_own() {
    let Some((lsd, common, mut commands, cancel)) = machine(7003) else {
        return;
    };
    let hash = common.info_hash;
    let from = IpAddr::from([10, 0, 0, 7]);
    let own = Announce::new(1, vec![hash]).with_cookie(&lsd.state.cookie);
    lsd.state.heard(&own, from);
    lsd.state.heard(&Announce::new(2, vec![[0; 20]]), from);
    let wire = Announce::new(3, vec![[0; 20], hash]).with_cookie("other");
    let wire = Announce::parse(&wire.encode(SocketAddr::from(GROUP_V4))).unwrap();
    lsd.state.heard(&wire, from);
    assert_eq!(
        first_found(&mut commands).await,
        Some(SocketAddr::from(([10, 0, 0, 7], 3)))
    );
    cancel.cancel();
}

#[tokio::test]
async fn a_lonely_content_is_announced_less_and_less_often() {
    let Some((lsd, common, _commands, cancel)) = machine(7004) else {
        return;
    };
    // the task that announces is stopped: the test is the clock
    cancel.cancel();
    let mut now = Instant::now() + EVERY;
    let mut pauses = Vec::new();
    lsd.register(&common);
    for _ in 0..4 {
        let (announce, next) = lsd.state.due(now);
        assert_eq!(announce.unwrap().info_hashes, [common.info_hash]);
        assert!(lsd.state.due(now).0.is_none());
        pauses.push((next - now).as_millis());
        now = next;
    }
    assert_eq!(pauses, [75, 150, 300, 600]);
    common
        .totals
        .known
        .store(1, std::sync::atomic::Ordering::Relaxed);
    let (_, next) = lsd.state.due(now);
    assert_eq!(next - now, EVERY);
}

#[tokio::test]
async fn who_calls_all_the_time_is_heard_now_and_then() {
    let Some((lsd, common, mut commands, cancel)) = machine(7005) else {
        return;
    };
    cancel.cancel();
    while commands.try_recv().is_ok() {}
    for port in 1..=2000 {
        let call = Announce::new(port, vec![common.info_hash]).with_cookie("other");
        lsd.state.heard(&call, IpAddr::from([10, 0, 0, 7]));
    }
    let other = Announce::new(1, vec![common.info_hash]).with_cookie("other");
    lsd.state.heard(&other, IpAddr::from([10, 0, 0, 8]));
    let heard = std::iter::from_fn(|| commands.try_recv().ok()).count();
    assert!((2..20).contains(&heard), "{heard}");
}

#[tokio::test]
async fn the_callers_that_are_counted_are_limited() {
    let Some((lsd, _common, _commands, cancel)) = machine(7006) else {
        return;
    };
    cancel.cancel();
    let now = Instant::now();
    let ip = |number: u32| IpAddr::from(number.to_be_bytes());
    for number in 0..5000 {
        lsd.state.may_call(ip(number), now);
    }
    assert_eq!(lsd.state.callers.lock().unwrap().len(), CALLERS_MAX);
    assert!(!lsd.state.may_call(ip(9000), now));
    assert!(lsd.state.may_call(ip(9000), now + Duration::from_secs(1)));
}

#[tokio::test]
async fn a_content_without_a_port_is_listened_for_and_not_announced() {
    let Some((lsd, common, mut commands, cancel)) = machine(0) else {
        return;
    };
    cancel.cancel();
    assert!(lsd.state.due(Instant::now() + EVERY).0.is_none());
    assert!(!lsd.register_if_free(&common), "it is there already");
    let call = Announce::new(9, vec![common.info_hash]).with_cookie("other");
    lsd.state.heard(&call, IpAddr::from([10, 0, 0, 7]));
    let found = SocketAddr::from(([10, 0, 0, 7], 9));
    assert_eq!(first_found(&mut commands).await, Some(found));
}

#[test]
fn every_adapter_is_called_by_whichever_the_system_prefers() {
    let interface = |name: &str, ip: [u8; 4], is_p2p| Interface {
        name: name.to_owned(),
        addr: IfAddr::V4(Ifv4Addr {
            ip: ip.into(),
            netmask: [255, 255, 255, 0].into(),
            prefixlen: 24,
            broadcast: None,
        }),
        index: Some(1),
        oper_status: IfOperStatus::Up,
        is_p2p,
        #[cfg(windows)]
        adapter_name: String::new(),
    };
    let found = [
        interface("lo", [127, 0, 0, 1], false),
        interface("vEthernet (Default Switch)", [172, 20, 0, 1], false),
        interface("Ethernet", [10, 0, 0, 7], false),
        interface("tun0", [10, 8, 0, 2], true),
    ];
    let adapters = adapters_of(&found, true);
    let expected = [[172, 20, 0, 1], [10, 0, 0, 7]].map(|ip| Adapter::V4(Ipv4Addr::from(ip)));
    assert_eq!(adapters, expected);
    assert_eq!(adapters_of(&found, false), []);
}

#[tokio::test]
async fn who_only_looks_on_is_heard_as_somebody_that_nobody_waits_for() {
    let Some((lsd, common, mut commands, cancel)) = machine(7009) else {
        return;
    };
    let hashes = vec![common.info_hash];
    let (copies, looks_on) = (cookie(false), cookie(true));
    assert_ne!(looks_on, cookie(true), "each has its own");
    for (cookie, via) in [(copies, Via::Lsd), (looks_on, Via::Pex)] {
        // as it comes by the wire
        let call = Announce::new(9, hashes.clone()).with_cookie(&cookie);
        let call = Announce::parse(&call.encode(SocketAddr::from(GROUP_V4))).unwrap();
        lsd.state.heard(&call, IpAddr::from([10, 0, 0, 9]));
        let found = loop {
            if let Command::Addresses { via, .. } = commands.recv().await.unwrap() {
                break via;
            }
        };
        assert_eq!(found, via);
    }
    cancel.cancel();
}
