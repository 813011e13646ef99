//! What a table answers, and what it keeps of hosts that ask for too much.

use super::*;

fn options() -> TrackerOptions {
    TrackerOptions {
        interval: Duration::from_mins(1),
        torrents_max: 10,
        torrents_per_address_max: 5,
        peers_max: 300,
        peers_per_address_max: 20,
        ..TrackerOptions::default()
    }
}

fn addr(host: u16) -> SocketAddr {
    let [high, low] = host.to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 6881))
}

fn request(left: u64) -> AnnounceRequest {
    let mut request = AnnounceRequest::new([7; 20], [1; 20], 6881);
    request.left = left;
    request
}

fn request_for(info_hash: u8) -> AnnounceRequest {
    AnnounceRequest::new([info_hash; 20], [1; 20], 6881)
}

/// A table under test, and what it answers.
struct Rig(Table, Instant);

impl Rig {
    fn new() -> Self {
        let now = Instant::now();
        Self(Table::new(options(), now), now)
    }

    fn ask(
        &mut self,
        request: &AnnounceRequest,
        addr: SocketAddr,
    ) -> Result<AnnounceReply, &'static str> {
        self.0.announce(request, addr, Families::Both, self.1)
    }

    fn peers(&mut self, request: &AnnounceRequest, addr: SocketAddr) -> Vec<SocketAddr> {
        let reply = self.ask(request, addr).unwrap();
        reply.peers.iter().map(|peer| peer.addr).collect()
    }
}

#[test]
fn who_says_to_lack_nothing_is_given_the_leeches_and_then_the_seeds() {
    let mut rig = Rig::new();
    rig.ask(&request(0), addr(1)).unwrap();
    for host in 2..=4 {
        rig.ask(&request(9), addr(host)).unwrap();
    }
    let mut few = request(0);
    few.numwant = Some(3);
    let mut leeches = rig.peers(&few, addr(5));
    leeches.sort_unstable();
    assert_eq!(leeches, [addr(2), addr(3), addr(4)]);
    few.numwant = Some(5);
    assert_eq!(rig.peers(&few, addr(5))[3..], [addr(1)]);
    let reply = rig.ask(&request(9), addr(6)).unwrap();
    assert_eq!((reply.complete, reply.incomplete), (Some(2), Some(4)));
    assert_eq!(reply.peers.len(), 5);
}

#[test]
fn an_answer_by_udp_holds_the_family_of_who_asks() {
    let mut rig = Rig::new();
    for host in 1..=100 {
        rig.ask(&request(9), addr(host)).unwrap();
    }
    let v6 = |host| SocketAddr::from(([0xfd00, 0, 0, host, 0, 0, 0, 1], 6881));
    rig.ask(&request(9), v6(1)).unwrap();
    let now = rig.1;
    let reply = rig.0.announce(&request(9), v6(2), Families::Same, now);
    let peers: Vec<_> = reply.unwrap().peers.iter().map(|peer| peer.addr).collect();
    assert_eq!(peers, [v6(1)]);
}

#[test]
fn the_silent_are_forgotten_and_the_leaving_at_once() {
    let mut rig = Rig::new();
    for host in 1..=3 {
        rig.ask(&request(9), addr(host)).unwrap();
    }
    let mut stopped = request(9);
    stopped.event = Event::Stopped;
    assert!(rig.ask(&stopped, addr(1)).unwrap().peers.is_empty());
    assert_eq!(rig.0.count(), (1, 2));
    rig.1 += Duration::from_secs(100);
    rig.ask(&request(9), addr(2)).unwrap();
    rig.1 += Duration::from_secs(51);
    let reply = rig.ask(&request(9), addr(2)).unwrap();
    assert_eq!((reply.incomplete, rig.0.count()), (Some(1), (1, 1)));
}

#[test]
fn a_content_that_nobody_has_is_not_remembered_for_who_leaves() {
    let mut rig = Rig::new();
    let mut stopped = request(9);
    stopped.event = Event::Stopped;
    rig.ask(&stopped, addr(1)).unwrap();
    assert_eq!(rig.0.count(), (0, 0));
}

#[test]
fn memory_is_limited_and_replies_are_by_chance() {
    let mut rig = Rig::new();
    for host in 0..1000 {
        rig.ask(&request(9), addr(host)).unwrap();
    }
    assert_eq!(rig.0.count(), (1, 300));
    let mut many = request(9);
    many.numwant = Some(100_000);
    let first = rig.peers(&many, addr(0));
    assert_eq!(first.len(), PEERS_REPLY_MAX);
    assert_ne!(first, rig.peers(&many, addr(0)));
    for content in 8..17 {
        let from = addr(u16::from(content));
        assert!(rig.ask(&request_for(content), from).is_ok());
    }
    assert!(rig.ask(&request_for(17), addr(17)).is_err());
}

#[test]
fn peers_of_all_contents_together_are_limited() {
    let (mut options, now) = (options(), Instant::now());
    options.peers_total_max = 4;
    let mut rig = Rig(Table::new(options, now), now);
    for content in 1..=3 {
        for host in 0..3 {
            let from = addr(u16::from(content) * 10 + host);
            rig.ask(&request_for(content), from).unwrap();
        }
    }
    assert_eq!(rig.0.count().1, 4);
}

#[test]
fn an_address_announces_as_often_as_it_may() {
    let (mut options, now) = (options(), Instant::now());
    let count = |options: TrackerOptions| {
        let mut table = Table::new(options, now);
        let mut count = |now| {
            (0..3000)
                .filter(|_| table.may_announce(addr(1).ip(), now))
                .count()
        };
        count(now);
        count(now + Duration::from_secs(1))
    };
    options.announces_per_address_max = 7;
    assert_eq!(count(options.clone()), 7);
    options.announces_per_address_max = 70;
    assert_eq!(count(options), 70);
}

#[test]
fn one_address_with_made_up_contents_leaves_room_for_others() {
    let mut rig = Rig::new();
    let refused = (0..200).filter(|content| rig.ask(&request_for(*content), addr(1)).is_err());
    assert_eq!(refused.count(), 195);
    rig.ask(&request_for(201), addr(2)).unwrap();
    rig.ask(&request_for(1), addr(1)).unwrap();
    assert_eq!(rig.0.count(), (6, 6));
}

#[test]
fn one_address_with_many_ports_leaves_room_for_others() {
    let mut rig = Rig::new();
    for port in 1..1000 {
        let addr = SocketAddr::new(addr(1).ip(), port);
        rig.ask(&request(9), addr).unwrap();
    }
    assert_eq!(rig.0.count(), (1, 20));
    rig.ask(&request(9), addr(2)).unwrap();
    assert_eq!(rig.0.count(), (1, 21));
}

#[test]
fn what_an_address_took_is_free_again_once_it_left_or_fell_silent() {
    let mut rig = Rig::new();
    let mut stopped = request_for(0);
    for content in 0..5 {
        rig.ask(&request_for(content), addr(1)).unwrap();
    }
    assert!(rig.ask(&request_for(9), addr(1)).is_err());
    stopped.event = Event::Stopped;
    rig.ask(&stopped, addr(1)).unwrap();
    rig.ask(&request_for(9), addr(1)).unwrap();
    assert!(rig.ask(&request_for(8), addr(1)).is_err());
    rig.1 += Duration::from_secs(151);
    for content in 20..25 {
        rig.ask(&request_for(content), addr(1)).unwrap();
    }
    assert_eq!(rig.0.count(), (5, 5));
}

#[test]
fn who_only_looks_on_is_told_of_others_and_nobody_of_it() {
    let mut rig = Rig::new();
    rig.ask(&request(9), addr(1)).unwrap();
    let mut looks = request(9);
    looks.peer_id = *b"-SCLOOK-............";
    assert_eq!(rig.peers(&looks, addr(2)), [addr(1)]);
    assert!(rig.peers(&request(9), addr(1)).is_empty());
    assert_eq!(rig.0.count(), (1, 1));
}
