//! The rules for the origin between two machines, each with an origin of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use swarmcopy::{Copy, CopyOptions, Limits, MachineClass, Session, Stay};

use crate::support::{GRACE, PIECE_LEN, Room, Source, session, until, within};

/// What the first machine reads in a second: its turn at the origin lasts as long as the test.
const SLOW: u64 = 200_000;

/// A machine that has the first of two files or some of it, and may read the other.
async fn first(room: &Room, session: &Session, options: CopyOptions) -> Copy {
    let content = room.content().source(Arc::new(room.source()));
    let copy = session
        .add(content, options.stay(Stay::Always))
        .await
        .unwrap();
    until(&copy, |look| look.verified >= PIECE_LEN).await;
    copy
}

/// A machine without an origin, once it has something of that one: each has heard of the other's rules.
async fn second(
    room: &Room,
    session: &Session,
    from: &Copy,
    change: impl FnOnce(&mut CopyOptions),
) -> Copy {
    let peer = from.started().listen.to_string();
    let mut options = CopyOptions::new(room.dir.path().join("second")).stay(Stay::Always);
    options.peers.push(peer);
    change(&mut options);
    let copy = session.add(room.content(), options).await.unwrap();
    until(&copy, |look| look.verified > 0).await;
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_of_two_groups_read_the_origin_side_by_side() {
    let room = Room::new(&[40_000_000]);
    let (slow, other) = (session().await, session().await);
    slow.set_limits(Limits::none().down(SLOW)).unwrap();
    let of_group = |options: &mut CopyOptions, name: &str| {
        options.readers_max = 1;
        options.group = name.to_owned();
    };
    let mut options = room.options();
    of_group(&mut options, "north");
    let north = first(&room, &slow, options).await;
    let south = second(&room, &other, &north, |options| of_group(options, "south")).await;
    assert!(!north.status().slots.is_empty());
    other.set_limits(Limits::none().down(SLOW)).unwrap();
    south.add_origin(Arc::new(room.source())).await.unwrap();
    // in one group there is one place
    let both = until(&south, |look| {
        !look.slots.is_empty() && !north.status().slots.is_empty()
    });
    within(both).await;
    slow.shutdown(GRACE).await;
    other.shutdown(GRACE).await;
}

/// Two machines that know each other from the start, each with an origin: how often that of the one
/// that is not connected by cable was asked.
async fn asked_beside_a_cable() -> usize {
    let room = Room::new(&[200_000]);
    let source = Arc::new(room.source());
    // free a moment ago, and of addresses that nobody else uses
    let free = |last| {
        let any = SocketAddr::from(([127, 0, 7, last], 0));
        std::net::TcpListener::bind(any).unwrap().local_addr()
    };
    let (here, there) = (free(1).unwrap(), free(2).unwrap());
    let machine = async |listen: SocketAddr, peer: SocketAddr, class, source: &Arc<Source>| {
        let session = Session::builder()
            .listen(listen)
            .lsd(false)
            .build()
            .await
            .unwrap();
        let to = room.dir.path().join(listen.ip().to_string());
        let mut options = CopyOptions::new(to).stay(Stay::Always);
        (options.readers_max, options.class) = (1, class);
        options.peers.push(peer.to_string());
        let content = room.content().source(Arc::<Source>::clone(source));
        let copy = session.add(content, options).await.unwrap();
        (session, copy)
    };
    let cable = Arc::new(room.source());
    let (first, _) = machine(here, there, MachineClass::Wired, &cable).await;
    let (second, copy) = machine(there, here, MachineClass::Wifi, &source).await;
    until(&copy, |look| look.verified == look.bytes).await;
    first.shutdown(GRACE).await;
    second.shutdown(GRACE).await;
    source.asked().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_connected_by_cable_lets_those_go_first_who_are() {
    // of two by cable, the second would be the first to read in most rounds
    for _round in 0..6 {
        assert_eq!(asked_beside_a_cable().await, 0);
    }
}
