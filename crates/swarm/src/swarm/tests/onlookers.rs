//! Who looks on: it sees everybody, and nobody counts it.

use swarmcopy_bt_wire::extension::{
    MachineStatus, SC_STATUS, STATUS_LEN_MAX, StatusMessage, StatusQuestion,
};

use super::*;
use crate::{ONLOOKERS_MAX, Onlooker, Sighting, StatusBoard};

/// An onlooker's name in the handshake.
const LOOKING: [u8; 20] = *b"-SCLOOK-............";

struct Looking {
    onlooker: Onlooker,
    sightings: mpsc::Receiver<Sighting>,
    listener: Arc<Listener>,
    _cancel: tokio_util::sync::DropGuard,
}

impl Looking {
    fn start(change: impl FnOnce(&mut SwarmConfig)) -> Self {
        let cancel = CancellationToken::new();
        let listener = Listener::bind(Some("127.0.0.1:0".parse().unwrap()), &cancel).unwrap();
        let mut config = SwarmConfig::new(INFO_HASH, [77; 20], layout(LEN));
        config.listener = Some(Arc::clone(&listener));
        change(&mut config);
        let (send, sightings) = mpsc::channel(64);
        Self {
            onlooker: Onlooker::start(config, send, &cancel),
            sightings,
            listener,
            _cancel: cancel.drop_guard(),
        }
    }

    fn at(addr: SocketAddr) -> Self {
        Self::start(|config| config.peers = vec![addr.into()])
    }

    async fn sighting(&mut self) -> Sighting {
        loop {
            match soon(self.sightings.recv()).await.expect("it looks no more") {
                Sighting::Known { .. } | Sighting::Tracker { .. } => {}
                sighting => return sighting,
            }
        }
    }

    async fn machine(&mut self) -> (u64, MachineStatus) {
        loop {
            if let Sighting::Machine { id, status } = self.sighting().await {
                return (id, *status);
            }
        }
    }
}

fn board(name: &str) -> Option<Arc<StatusBoard>> {
    let board = StatusBoard::new();
    let mut machine = MachineStatus::default();
    machine.name = name.to_owned();
    board.write(machine, Vec::new(), Vec::new());
    Some(board)
}

fn tells(peer_id: [u8; 20]) -> Machine {
    Machine::start(peer_id, |config| config.status = board("lab-07"))
}

/// Nothing was told of links, and nobody is known.
fn assert_saw_nobody(machine: &mut Machine) {
    let stats = machine.swarm.stats();
    assert_eq!((stats.links, stats.known), (0, 0));
    while let Ok(event) = machine.events.try_recv() {
        let quiet = matches!(event, SwarmEvent::Discovery(_) | SwarmEvent::Named { .. });
        assert!(quiet, "{event:?}");
    }
}

#[tokio::test]
async fn an_onlooker_hears_how_a_machine_does_and_is_none_itself() {
    let mut machine = tells([5; 20]);
    let mut looking = Looking::at(machine.addr());
    let met = looking.sighting().await;
    assert!(matches!(met, Sighting::Met { ours: true, .. }), "{met:?}");
    let (id, status) = looking.machine().await;
    assert_eq!(status.name, "lab-07");
    looking.onlooker.ask(id, StatusQuestion::Sources);
    while !matches!(looking.sighting().await, Sighting::Sources { .. }) {}
    assert_saw_nobody(&mut machine);
    drop(machine);
    while !matches!(looking.sighting().await, Sighting::Gone { .. }) {}
}

#[tokio::test]
async fn an_onlooker_that_a_machine_has_dialled_counts_as_nobody() {
    let mut looking = Looking::start(|_| {});
    let mut machine = tells([5; 20]);
    machine.swarm.add_peer(looking.listener.local_addr());
    assert_eq!(looking.machine().await.1.name, "lab-07");
    assert_saw_nobody(&mut machine);
    drop(looking);
    // its address is forgotten, and so is that a person named it
    soon(until_forgotten(&machine)).await;
}

async fn until_forgotten(machine: &Machine) {
    while machine.swarm.stats().known != 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_machine_that_tells_nothing_sends_onlookers_away() {
    let machine = Machine::start([5; 20], |_| {});
    let (mut peer, theirs) = dial_looking(machine.addr()).await;
    assert!(theirs.is_none(), "not even its name");
    peer.closes().await;
}

/// A scripted onlooker that has dialled, and the machine's handshake if it sends one.
async fn dial_looking(addr: SocketAddr) -> (Peer, Option<Handshake>) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let ours = handshake::ours(INFO_HASH, LOOKING);
    soon(handshake::write(&mut stream, &ours)).await.unwrap();
    let theirs = soon(handshake::read(&mut stream)).await.ok();
    (Peer::new(stream, layout(LEN).pieces()), theirs)
}

/// The same with greetings exchanged; the number by which the machine wants questions.
async fn greet_looking(addr: SocketAddr) -> (Peer, u8) {
    let (mut peer, _) = dial_looking(addr).await;
    let mut words = ExtensionHandshake::default();
    words.extensions.insert(SC_STATUS.to_owned(), 33);
    let payload = words.encode().into();
    peer.say(Message::Extended { id: 0, payload }).await;
    let Message::Extended { id: 0, payload } = peer.hear().await else {
        panic!("no greeting");
    };
    let words = ExtensionHandshake::parse(&payload).unwrap();
    (peer, words.id_of(SC_STATUS).unwrap())
}

fn question(id: u8) -> Message {
    let payload = StatusMessage::Ask(StatusQuestion::Machine).encode().into();
    Message::Extended { id, payload }
}

#[tokio::test]
async fn an_answer_is_short_and_who_asks_too_often_gets_few() {
    let machine = tells([5; 20]);
    let (mut peer, id) = greet_looking(machine.addr()).await;
    for _ in 0..30 {
        peer.say(question(id)).await;
    }
    let mut answers = 0;
    while let Ok(message) = tokio::time::timeout(Duration::from_millis(300), peer.hear()).await {
        let Message::Extended { id: 33, payload } = message else {
            panic!("{message:?}");
        };
        assert!(payload.len() <= STATUS_LEN_MAX);
        assert!(StatusMessage::parse(&payload).is_ok());
        answers += 1;
    }
    assert!((1..=8).contains(&answers), "{answers} answers");
}

#[tokio::test]
async fn who_says_too_much_is_cut_off() {
    let machine = tells([5; 20]);
    let (mut peer, id) = greet_looking(machine.addr()).await;
    let mut out = bytes::BytesMut::new();
    for _ in 0..200 {
        question(id).encode(&mut out);
    }
    peer.say_raw(&out).await;
    peer.closes().await;
}

#[tokio::test]
async fn nonsense_gets_no_answer_and_a_lie_about_its_length_ends_the_talk() {
    let machine = tells([5; 20]);
    let (mut peer, id) = greet_looking(machine.addr()).await;
    for payload in [&b""[..], b"d1:qi9ee", b"i1e", b"d1:mdee", &[0xff; 1025]] {
        let payload = bytes::Bytes::copy_from_slice(payload);
        peer.say(Message::Extended { id, payload }).await;
    }
    peer.say(question(id)).await;
    let answer = peer.hear().await;
    assert!(
        matches!(answer, Message::Extended { id: 33, .. }),
        "{answer:?}"
    );
    peer.say_raw(&[0x00, 0x20, 0x00, 0x00, 20, 5]).await;
    peer.closes().await;
}

#[tokio::test]
async fn a_machine_answers_a_few_onlookers_at_a_time() {
    let machine = tells([5; 20]);
    let mut kept = Vec::new();
    for _ in 0..ONLOOKERS_MAX {
        kept.push(greet_looking(machine.addr()).await);
    }
    let (_, theirs) = dial_looking(machine.addr()).await;
    assert!(theirs.is_none());
    kept.pop();
    soon(async {
        while dial_looking(machine.addr()).await.1.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn onlookers_do_not_look_at_each_other() {
    let machine = tells([5; 20]);
    let mut one = Looking::at(machine.addr());
    let addr = one.listener.local_addr();
    let mut two = Looking::start(|config| config.peers = vec![addr.into(), machine.addr().into()]);
    let met = |looking: &mut Looking| {
        let mut ids = Vec::new();
        while let Ok(sighting) = looking.sightings.try_recv() {
            if let Sighting::Met { peer_id, .. } = sighting {
                ids.push(peer_id);
            }
        }
        ids
    };
    one.machine().await;
    two.machine().await;
    one.machine().await;
    assert!(
        met(&mut one)
            .iter()
            .chain(&met(&mut two))
            .all(|id| *id == [5; 20])
    );
}

#[tokio::test]
async fn another_client_stands_there_with_what_it_shows() {
    let scripted = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut looking = Looking::at(scripted.local_addr().unwrap());
    let mut peer = accept(&scripted, *b"-qB5000-............").await;
    let pieces = layout(LEN).pieces();
    let mut has = PieceSet::empty(pieces);
    has.insert(layout(LEN).piece(3).unwrap());
    peer.say(Message::Bitfield(has.to_bitfield().into())).await;
    let mut words = ExtensionHandshake::default();
    words.client = Some("qBittorrent/5.0".to_owned());
    let payload = words.encode().into();
    peer.say(Message::Extended { id: 0, payload }).await;
    let met = looking.sighting().await;
    assert!(
        matches!(&met, Sighting::Met { client, ours: false, .. } if client == "qBittorrent/5.0"),
        "{met:?}"
    );
    let shows = looking.sighting().await;
    assert!(
        matches!(shows, Sighting::Shows { pieces: 1, .. }),
        "{shows:?}"
    );
    peer.say(Message::Have(4)).await;
    let shows = looking.sighting().await;
    assert!(
        matches!(shows, Sighting::Shows { pieces: 2, .. }),
        "{shows:?}"
    );
}
