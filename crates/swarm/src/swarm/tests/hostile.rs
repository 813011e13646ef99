//! Peers that mean harm, or that harm by accident, and what is left of a swarm for the others.

use std::net::IpAddr;

use swarmcopy_scheduler::Proof;
use tokio::net::TcpSocket;

use super::*;

/// A scripted machine of the loopback network that has dialled.
async fn dial_from(ip: [u8; 4], to: SocketAddr, peer_id: [u8; 20]) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((ip, 0))).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    let ours = handshake::ours(INFO_HASH, peer_id);
    soon(handshake::write(&mut stream, &ours)).await.unwrap();
    soon(handshake::read(&mut stream)).await.unwrap();
    Peer::new(stream, layout(LEN).pieces())
}

/// Waits until the swarm tells of discovery what is wanted; everything else that it tells is given.
async fn until_discovery(machine: &mut Machine, wanted: Discovery) -> Vec<Discovery> {
    let mut said = Vec::new();
    loop {
        match soon(machine.events.recv()).await.unwrap() {
            SwarmEvent::Discovery(news) if news == wanted => return said,
            SwarmEvent::Discovery(news) => said.push(news),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_link_has_one_listen_port_however_often_it_greets() {
    let mut machine = Machine::start([5; 20], |_| {});
    let (mut peer, _) = dial(machine.addr(), [6; 20]).await;
    for port in 1..=2001 {
        peer.greet_from(port, BLOCK, 100).await;
    }
    peer.say(Message::Interested).await;
    while !matches!(machine.event().await, SwarmEvent::Interested { .. }) {}
    pass(Duration::from_secs(1)).await;
    let (mut other, _) = dial(machine.addr(), [7; 20]).await;
    other.greet_from(9, BLOCK, 100).await;
    machine.link_up().await;
    soon(async {
        while machine.swarm.stats().known != 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_knows_one_common_machine_hears_of_the_other_within_a_second() {
    let mut machine = Machine::start([5; 20], |config| config.hello = Some(Hello::default()));
    let start = tokio::time::Instant::now();
    let (mut one, _) = dial(machine.addr(), [10; 20]).await;
    one.greet_from(7010, BLOCK, 100).await;
    machine.link_up().await;
    let (mut two, _) = dial(machine.addr(), [11; 20]).await;
    two.greet_from(7011, BLOCK, 100).await;
    assert_eq!(pex_of(&mut one).await.0, HashSet::from([7011]));
    assert_eq!(pex_of(&mut two).await.0, HashSet::from([7010]));
    assert!(start.elapsed() < Duration::from_secs(1));
    let (mut three, _) = dial(machine.addr(), [12; 20]).await;
    three.greet_from(7012, BLOCK, 100).await;
    assert_eq!(
        pex_of(&mut one).await.0,
        HashSet::from([7012]),
        "then what is new"
    );
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn one_address_does_not_take_all_places() {
    let mut machine = Machine::start([5; 20], |config| config.links_max = 4);
    let mut crowd = Vec::new();
    for id in 10..14 {
        let mut peer = dial_from([127, 0, 0, 2], machine.addr(), [id; 20]).await;
        peer.greet_from(u16::from(id), BLOCK, 100).await;
        peer.say(Message::Interested).await;
        machine.link_up().await;
        crowd.push(peer);
    }
    let mut more = dial_from([127, 0, 0, 2], machine.addr(), [20; 20]).await;
    more.closes().await;
    let mut others = Vec::new();
    for id in 30..32 {
        let mut honest = dial_from([127, 0, 0, id], machine.addr(), [id; 20]).await;
        honest.greet(BLOCK, 100).await;
        assert_eq!(machine.link_up().await.peer_id(), [id; 20]);
        others.push(honest);
    }
    crowd[0].closes().await;
    crowd[1].closes().await;
    assert_eq!(machine.swarm.stats().links, 4);
}

#[tokio::test]
async fn a_peer_that_says_nothing_keeps_nobody_out() {
    let mut machine = Machine::start([5; 20], |config| config.links_max = 1);
    let (mut mute, _) = dial(machine.addr(), [6; 20]).await;
    soon(async {
        while machine.swarm.stats().links != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    pass(Duration::from_secs(10)).await;
    let (mut honest, _) = dial(machine.addr(), [7; 20]).await;
    honest.greet(BLOCK, 100).await;
    mute.closes().await;
    while machine.link_up().await.peer_id() != [7; 20] {}
}

#[tokio::test]
async fn who_finds_no_room_is_told_so_and_where_others_are() {
    let mut machine = Machine::start([5; 20], |config| {
        config.links_max = 1;
        config.hello = Some(Hello::default());
    });
    let (mut first, _) = dial(machine.addr(), [6; 20]).await;
    first.greet_from(7006, BLOCK, 100).await;
    machine.link_up().await;
    let (mut second, _) = dial(machine.addr(), [7; 20]).await;
    let Message::Extended { id: 1, payload } = second.hear().await else {
        panic!("expected addresses");
    };
    let ports = Pex::parse(&payload).unwrap().added;
    assert_eq!(
        ports
            .iter()
            .map(|peer| peer.addr.port())
            .collect::<Vec<_>>(),
        [7006]
    );
    let Message::Extended { id: 0, payload } = second.hear().await else {
        panic!("expected the greeting");
    };
    assert!(
        ExtensionHandshake::parse(&payload)
            .unwrap()
            .own
            .unwrap()
            .full
    );
    second.closes().await;
}

#[tokio::test]
async fn a_liar_stays_out_under_any_name_and_its_neighbours_stay_in() {
    let mut machine = Machine::start([5; 20], |_| {});
    let mut neighbour = dial_from([127, 0, 0, 2], machine.addr(), [9; 20]).await;
    neighbour.greet(BLOCK, 100).await;
    machine.link_up().await;
    let mut liar = dial_from([127, 0, 0, 2], machine.addr(), [6; 20]).await;
    liar.greet_from(7100, BLOCK, 100).await;
    let link = machine.link_up().await;
    let piece = layout(LEN).piece(0).unwrap();
    machine.swarm.ban(link.id(), Proof::Alone(piece));
    let told = "it lied: all of piece 0 came from it, and is wrong; it is left alone for 10 min";
    assert_eq!(machine.link_down().await, told);
    for id in 40..45 {
        let mut again = dial_from([127, 0, 0, 2], machine.addr(), [id; 20]).await;
        again.greet_from(7200, BLOCK, 100).await;
        again.closes().await;
    }
    let mut other = dial_from([127, 0, 0, 3], machine.addr(), [50; 20]).await;
    other.greet(BLOCK, 100).await;
    assert_eq!(machine.link_up().await.peer_id(), [50; 20]);
    neighbour.say(Message::Interested).await;
    while !matches!(machine.event().await, SwarmEvent::Interested { .. }) {}
}

#[tokio::test]
async fn a_liar_that_went_away_before_it_was_proven_stays_out() {
    let mut machine = Machine::start([5; 20], |_| {});
    let mut liar = dial_from([127, 0, 0, 2], machine.addr(), [6; 20]).await;
    liar.greet(BLOCK, 100).await;
    let link = machine.link_up().await;
    drop(liar);
    machine.link_down().await;
    let piece = layout(LEN).piece(0).unwrap();
    machine.swarm.ban(link.id(), Proof::Differs(piece));
    let mut again = dial_from([127, 0, 0, 2], machine.addr(), [7; 20]).await;
    again.greet(BLOCK, 100).await;
    again.closes().await;
}

#[tokio::test]
async fn a_stranger_that_connects_once_leaves_no_trace_in_discovery() {
    let mut machine = Machine::start([5; 20], |_| {});
    until_discovery(&mut machine, Discovery::Off).await;
    let (mut stranger, _) = dial(machine.addr(), [6; 20]).await;
    stranger.greet_from(7006, BLOCK, 100).await;
    let mut pex = Pex::default();
    let addr = SocketAddr::new(IpAddr::from([127, 9, 9, 9]), 9);
    let flags = swarmcopy_bt_wire::extension::PexFlags(0);
    pex.added = vec![swarmcopy_bt_wire::extension::PexPeer { addr, flags }];
    let payload = pex.encode().into();
    stranger.say(Message::Extended { id: 1, payload }).await;
    machine.link_up().await;
    drop(stranger);
    machine.link_down().await;
    pass(Duration::from_secs(30)).await;
    // an honest peer comes: nothing was said about discovery until then
    let (mut honest, _) = dial(machine.addr(), [7; 20]).await;
    honest.greet(BLOCK, 100).await;
    loop {
        match soon(machine.events.recv()).await.unwrap() {
            SwarmEvent::LinkUp { .. } => break,
            SwarmEvent::Discovery(news) => panic!("{news:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_is_not_waited_for() {
    let mut machine = Machine::start([5; 20], |config| {
        config.peers = vec!["nobody.invalid:6881".parse().unwrap()];
    });
    let before = until_discovery(&mut machine, Discovery::Met).await;
    assert!(
        before.iter().all(|news| *news == Discovery::Named),
        "{before:?}"
    );
}

#[tokio::test]
async fn whom_a_person_named_is_dialled_though_others_came_in_crowds() {
    let named = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = named.local_addr().unwrap();
    let machine = Machine::start([5; 20], |config| {
        config.links_max = 6;
        config.peers = vec![addr.into()];
    });
    drop(soon(named.accept()).await.unwrap());
    let mut crowd = Vec::new();
    for name in 10..16 {
        let mut peer = dial_from([127, 0, 0, 2], machine.addr(), [name; 20]).await;
        peer.say(Message::HaveAll).await;
        crowd.push(peer);
    }
    soon(async {
        while machine.swarm.stats().links < 6 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    pass(Duration::from_secs(4)).await;
    soon(named.accept()).await.unwrap();
}
