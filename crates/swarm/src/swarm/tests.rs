//! Whole swarms on loopback: who is linked, and how they find each other.

use std::collections::HashSet;

use swarmcopy_bt_wire::extension::{ExtensionHandshake, Pex};
use swarmcopy_bt_wire::peer::{Handshake, Message};
use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::{Discovery, Hello, NodeId};
use swarmcopy_sources::{MemorySink, PieceSource, SpanSink};
use swarmcopy_tracker::{TrackerOptions, TrackerServer};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;
use crate::testing::{BLOCK, Memory, PIECE_LEN, Peer, content, layout, soon};
use crate::{LinkEnd, PeerLink};

mod hostile;
mod onlookers;
#[cfg(feature = "encryption")]
mod sealed;
#[cfg(feature = "dht")]
mod table;

const INFO_HASH: [u8; 20] = [7; 20];
const LEN: u64 = PIECE_LEN * 20 + 7;

struct Machine {
    swarm: Swarm,
    events: mpsc::Receiver<SwarmEvent>,
    listener: Arc<Listener>,
    _cancel: tokio_util::sync::DropGuard,
}

impl Machine {
    fn start(peer_id: [u8; 20], change: impl FnOnce(&mut SwarmConfig)) -> Self {
        let cancel = CancellationToken::new();
        let listener = Listener::bind(Some("127.0.0.1:0".parse().unwrap()), &cancel).unwrap();
        let mut config = SwarmConfig::new(INFO_HASH, peer_id, layout(LEN));
        config.listener = Some(Arc::clone(&listener));
        change(&mut config);
        let (send, events) = mpsc::channel(64);
        let store = Arc::new(Memory(content(usize::try_from(LEN).unwrap())));
        let swarm = Swarm::start(config, store, send, &cancel);
        Self {
            swarm,
            events,
            listener,
            _cancel: cancel.drop_guard(),
        }
    }

    fn addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// The next event that is not about discovery.
    async fn event(&mut self) -> SwarmEvent {
        loop {
            match soon(self.events.recv())
                .await
                .expect("the swarm has stopped")
            {
                SwarmEvent::Discovery(_) | SwarmEvent::TrackerNote { .. } => {}
                event => return event,
            }
        }
    }

    async fn link_up(&mut self) -> Arc<PeerLink> {
        loop {
            if let SwarmEvent::LinkUp { link, .. } = self.event().await {
                return link;
            }
        }
    }

    async fn link_down(&mut self) -> String {
        loop {
            if let SwarmEvent::LinkDown { why, .. } = self.event().await {
                return why;
            }
        }
    }
}

/// A scripted machine that has dialled.
async fn dial(addr: SocketAddr, peer_id: [u8; 20]) -> (Peer, Handshake) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    soon(handshake::write(
        &mut stream,
        &handshake::ours(INFO_HASH, peer_id),
    ))
    .await
    .unwrap();
    let theirs = soon(handshake::read(&mut stream)).await.unwrap();
    (Peer::new(stream, layout(LEN).pieces()), theirs)
}

/// A scripted machine that is dialled.
async fn accept(listener: &TcpListener, peer_id: [u8; 20]) -> Peer {
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    soon(handshake::read(&mut stream)).await.unwrap();
    soon(handshake::write(
        &mut stream,
        &handshake::ours(INFO_HASH, peer_id),
    ))
    .await
    .unwrap();
    Peer::new(stream, layout(LEN).pieces())
}

#[tokio::test]
async fn a_process_that_ends_is_told_to_be_dead() {
    let hello = |name: u8| {
        Some(Hello {
            node: NodeId([name; 8]),
            ..Hello::default()
        })
    };
    let mut stays = Machine::start([5; 20], |config| config.hello = hello(5));
    let mut ends = Machine::start([6; 20], |config| {
        config.hello = hello(6);
        config.peers = vec![stays.addr().into()];
    });
    stays.link_up().await;
    ends.link_up().await;
    drop(ends);
    stays.link_down().await;
    let event = stays.event().await;
    assert!(
        matches!(event, SwarmEvent::Dead { node } if node == NodeId([6; 8])),
        "{event:?}"
    );
}

#[tokio::test]
async fn of_two_links_the_one_dialled_by_the_smaller_id_stays() {
    for (theirs, outgoing_stays) in [([9; 20], true), ([1; 20], false)] {
        let scripted = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut machine = Machine::start([5; 20], |config| {
            config.peers = vec![scripted.local_addr().unwrap().into()];
        });
        let mut dialled = accept(&scripted, theirs).await;
        dialled.greet(BLOCK, 100).await;
        machine.link_up().await;
        let (mut incoming, ours) = dial(machine.addr(), theirs).await;
        assert_eq!(ours.peer_id, [5; 20]);
        if outgoing_stays {
            incoming.closes().await;
            dialled.say(Message::Interested).await;
            assert!(matches!(
                machine.event().await,
                SwarmEvent::Interested { .. }
            ));
        } else {
            assert_eq!(machine.link_down().await, LinkEnd::Duplicate.to_string());
            dialled.closes().await;
            incoming.greet(BLOCK, 100).await;
            machine.link_up().await;
        }
        assert_eq!(machine.swarm.stats().links, 1);
    }
}

#[tokio::test]
async fn an_unknown_content_is_hung_up_on() {
    let machine = Machine::start([5; 20], |_| {});
    let mut stream = TcpStream::connect(machine.addr()).await.unwrap();
    soon(handshake::write(
        &mut stream,
        &handshake::ours([8; 20], [1; 20]),
    ))
    .await
    .unwrap();
    assert!(soon(handshake::read(&mut stream)).await.is_err());
    let mut stream = TcpStream::connect(machine.addr()).await.unwrap();
    soon(tokio::io::AsyncWriteExt::write_all(
        &mut stream,
        &[b'x'; 100],
    ))
    .await
    .unwrap();
    assert!(soon(handshake::read(&mut stream)).await.is_err());
}

#[tokio::test]
async fn a_machine_does_not_link_to_itself() {
    let mut machine = Machine::start([5; 20], |_| {});
    machine.swarm.add_peer(machine.addr());
    // an ordinary peer still comes through
    let (mut peer, _) = dial(machine.addr(), [6; 20]).await;
    peer.greet(BLOCK, 100).await;
    assert_eq!(machine.link_up().await.peer_id(), [6; 20]);
    // only the scripted peer's address counts once the other is seen to be ours
    soon(async {
        while machine.swarm.stats().known != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(machine.swarm.stats().links, 1);
}

#[tokio::test]
async fn a_malicious_peer_is_not_let_in_again() {
    let mut machine = Machine::start([5; 20], |_| {});
    let (mut peer, _) = dial(machine.addr(), [6; 20]).await;
    peer.greet(BLOCK, 100).await;
    machine.link_up().await;
    peer.say_raw(&[0, 0, 0, 2, 5, 0]).await;
    assert!(machine.link_down().await.contains("length"));
    peer.closes().await;
    let (mut again, _) = dial(machine.addr(), [6; 20]).await;
    again.closes().await;
    let (mut other, _) = dial(machine.addr(), [8; 20]).await;
    other.greet(BLOCK, 100).await;
    assert_eq!(machine.link_up().await.peer_id(), [8; 20]);
}

#[tokio::test]
async fn links_beyond_the_limit_are_refused() {
    let mut machine = Machine::start([5; 20], |config| config.links_max = 2);
    let mut peers = Vec::new();
    for id in 10..12 {
        let (mut peer, _) = dial(machine.addr(), [id; 20]).await;
        peer.greet(BLOCK, 100).await;
        machine.link_up().await;
        peers.push(peer);
    }
    dial(machine.addr(), [12; 20]).await.0.closes().await;
    drop(peers.pop());
    machine.link_down().await;
    let (mut peer, _) = dial(machine.addr(), [12; 20]).await;
    peer.greet(BLOCK, 100).await;
    machine.link_up().await;
}

#[tokio::test]
async fn machines_meet_by_a_tracker_and_one_feeds_the_other() {
    let cancel = CancellationToken::new();
    let server = TrackerServer::bind("127.0.0.1:0".parse().unwrap(), TrackerOptions::default());
    let server = server.unwrap();
    let url = Url::parse(&format!("http://{}/announce", server.local_addr())).unwrap();
    let serving = cancel.clone();
    tokio::spawn(async move { server.serve(serving).await });

    let mut seed = Machine::start([1; 20], |config| {
        config.have = PieceSet::full(layout(LEN).pieces());
        config.trackers = vec![vec![url.clone()]];
    });
    loop {
        match soon(seed.events.recv()).await.unwrap() {
            SwarmEvent::Discovery(Discovery::Nobody) => break,
            SwarmEvent::Discovery(Discovery::Waiting) | SwarmEvent::TrackerNote { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let mut leech = Machine::start([2; 20], |config| config.trackers = vec![vec![url]]);
    tokio::spawn(async move {
        let mut links = Vec::new();
        while let Some(event) = seed.events.recv().await {
            match event {
                SwarmEvent::LinkUp { link, .. } => links.push(link),
                SwarmEvent::Interested { .. } => links.iter().for_each(|link| link.unchoke()),
                _ => {}
            }
        }
    });
    let link = leech.link_up().await;
    link.interested();
    while !matches!(leech.event().await, SwarmEvent::Unchoked { .. }) {}
    let len = usize::try_from(LEN).unwrap();
    let sink = Arc::new(MemorySink::new(len, PIECE_LEN));
    let span_sink = SpanSink::new(sink.clone());
    soon(link.fetch(Span::new(0, LEN), &span_sink))
        .await
        .unwrap();
    assert_eq!(sink.to_vec(), content(len));
    let stats = leech.swarm.stats();
    assert_eq!((stats.bytes_down, stats.wasted), (LEN, 0));
    soon(leech.swarm.shutdown()).await;
    cancel.cancel();
}

#[tokio::test]
async fn peers_are_told_of_each_other() {
    let mut machine = Machine::start([5; 20], |_| {});
    let mut peers = Vec::new();
    for (id, port) in [(10, 7010), (11, 7011), (12, 7012)] {
        let (mut peer, _) = dial(machine.addr(), [id; 20]).await;
        peer.greet_from(port, BLOCK, 100).await;
        machine.link_up().await;
        peers.push(peer);
    }
    let mut first = peers.remove(0);
    let mut told = HashSet::new();
    // a greeting may be read after its link was told of: then the next message names that peer
    while told != HashSet::from([7011, 7012]) {
        pass(Duration::from_secs(10)).await;
        let (added, dropped) = pex_of(&mut first).await;
        assert!(dropped.is_empty());
        told.extend(added);
    }
    drop(peers.pop());
    machine.link_down().await;
    pass(Duration::from_secs(10)).await;
    assert_eq!(
        pex_of(&mut first).await,
        (HashSet::new(), HashSet::from([7012]))
    );
}

/// Lets time pass at once; sockets go on in real time before and after.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// The ports that the next message of peer exchange adds and drops.
async fn pex_of(peer: &mut Peer) -> (HashSet<u16>, HashSet<u16>) {
    loop {
        if let Message::Extended { id: 11, payload } = peer.hear().await {
            let pex = Pex::parse(&payload).unwrap();
            let added = pex.added.iter().map(|peer| peer.addr.port()).collect();
            return (added, pex.dropped.iter().map(SocketAddr::port).collect());
        }
    }
}

#[tokio::test]
async fn a_private_content_exchanges_no_addresses() {
    offers_no_exchange(|config| config.private = true).await;
}

#[tokio::test]
async fn who_exchanges_no_addresses_tells_none() {
    offers_no_exchange(|config| config.pex = false).await;
}

/// Greets a machine, and looks at what it can do.
async fn offers_no_exchange(change: impl FnOnce(&mut SwarmConfig)) {
    let machine = Machine::start([5; 20], change);
    let (mut peer, _) = dial(machine.addr(), [6; 20]).await;
    match peer.hear().await {
        Message::Extended { id: 0, payload } => {
            let words = swarmcopy_bt_wire::extension::ExtensionHandshake::parse(&payload).unwrap();
            assert_eq!(words.id_of("ut_pex"), None);
            assert!(words.id_of("ut_metadata").is_some());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_metadata_of_a_running_swarm_is_found() {
    use sha1::Digest;
    let info = content(50_000);
    let seed = Machine::start([1; 20], |config| {
        config.info_hash = sha1::Sha1::digest(&info).into();
        config.info_bytes = Some(info.clone());
    });
    let mut config = SwarmConfig::new(
        sha1::Sha1::digest(&info).into(),
        [2; 20],
        Arc::new(swarmcopy_layout::Layout::builder(1).build().unwrap()),
    );
    config.peers = vec![seed.addr().into()];
    assert_eq!(
        soon(fetch_metadata(config, &Inquiry::default())).await,
        info
    );
}

#[tokio::test]
async fn a_lane_under_an_unknown_name_is_let_go_without_a_word() {
    let machine = Machine::start([5; 20], |_| {});
    let mut stream = TcpStream::connect(machine.addr()).await.unwrap();
    let ours = handshake::ours(INFO_HASH, *b"-SCLANE-nobody-knows");
    soon(handshake::write(&mut stream, &ours)).await.unwrap();
    let answer = soon(handshake::read(&mut stream)).await;
    assert_eq!(answer, Err(LinkEnd::ByPeer));
    assert_eq!(machine.swarm.stats().links, 0);
}

#[tokio::test]
async fn each_link_offers_lanes_by_a_name_of_its_own() {
    let mut machine = Machine::start([5; 20], |config| config.hello = Some(Hello::default()));
    let mut names = Vec::new();
    for id in [[6; 20], [7; 20]] {
        let (mut peer, _) = dial(machine.addr(), id).await;
        let Message::Extended { payload, .. } = peer.hear().await else {
            panic!("expected the greeting");
        };
        names.push(
            ExtensionHandshake::parse(&payload)
                .unwrap()
                .own
                .unwrap()
                .lane,
        );
        peer.greet(BLOCK, 100).await;
        machine.link_up().await;
    }
    assert!(names[0].is_some() && names[1].is_some() && names[0] != names[1]);
}
