//! Turns, call by call, and under random calls.

use proptest::prelude::*;

use super::*;

const NOW: Instant = Instant::ZERO;

fn peer(number: u32) -> SourceId {
    SourceId(number)
}

/// Those of so many peers whose turn it is, when all have something to send.
fn served(uplink: &mut Uplink, count: u32) -> Vec<u32> {
    let mut peers: Vec<u32> = (0..count).collect();
    peers.retain(|it| uplink.want(NOW, peer(*it), Urgency::Rest));
    peers
}

#[test]
fn a_few_are_served_at_a_time_a_piece_each() {
    let mut uplink = Uplink::new(1);
    assert_eq!(served(&mut uplink, 6), [0, 1, 2, 3]);
    uplink.spend(NOW, peer(1), TURN_LEN / 2);
    assert_eq!(served(&mut uplink, 6), [0, 1, 2, 3]);
    uplink.spend(NOW, peer(1), TURN_LEN / 2);
    assert_eq!(served(&mut uplink, 6), [0, 2, 3, 4]);
}

#[test]
fn who_has_nothing_to_send_makes_room_and_the_next_is_called() {
    let mut uplink = Uplink::new(1);
    served(&mut uplink, 6);
    while uplink.poll_turn().is_some() {}
    uplink.give_back(NOW, peer(0));
    uplink.give_back(NOW, peer(1));
    assert_eq!(uplink.poll_turn(), Some(peer(4)));
    assert_eq!(uplink.poll_turn(), Some(peer(5)));
    assert!(uplink.want(NOW, peer(4), Urgency::Rest));
}

#[test]
fn a_peer_that_is_stuck_loses_its_turn() {
    let mut uplink = Uplink::new(1);
    served(&mut uplink, 4);
    assert_eq!(uplink.poll_timeout(), None, "nobody waits");
    let half = NOW + TURN_TIME / 2;
    assert!(!uplink.want(half, peer(4), Urgency::Rest));
    assert_eq!(uplink.poll_timeout(), Some(NOW + TURN_TIME));
    uplink.handle_timeout(NOW + TURN_TIME);
    assert!(uplink.want(NOW + TURN_TIME, peer(4), Urgency::Rest));
}

#[test]
fn what_was_never_sent_goes_first_and_ends_the_turns_of_others() {
    let mut uplink = Uplink::new(1);
    served(&mut uplink, 5);
    let first = Urgency::FirstCopy;
    assert!(
        !uplink.want(NOW, peer(5), first),
        "all turns are taken, and 4 waits longer"
    );
    assert!(!uplink.want(NOW, peer(0), Urgency::Rest));
    assert!(uplink.want(NOW, peer(5), first));
    assert!(
        uplink.want(NOW, peer(1), Urgency::Rest),
        "nobody urgent waits any more"
    );
}

#[test]
fn alone_nobody_waits() {
    let mut uplink = Uplink::new(1);
    for step in 0..100u32 {
        assert!(uplink.want(NOW + WINDOW * step, peer(0), Urgency::Rest));
        uplink.spend(NOW + WINDOW * step, peer(0), TURN_LEN);
    }
}

#[test]
fn a_piece_is_asked_for_the_first_time_once() {
    let layout = swarmcopy_layout::Layout::builder(16 * 1024);
    let path = swarmcopy_layout::RelPath::parse("tool.bin").unwrap();
    let piece = layout.file(path, 1).build().unwrap().piece(0).unwrap();
    let mut uplink = Uplink::new(1);
    assert!(uplink.asked(piece) && !uplink.asked(piece));
}

/// The number of peers served after a while in which each can take so many bytes a window, and all
/// together no more than the uplink.
fn widened(each: u64, uplink: u64) -> usize {
    let mut width = Width::new();
    for step in 0..200u32 {
        let count = u64::try_from(width.served_max).unwrap();
        width.sent(NOW + WINDOW * step, uplink.min(each * count), true);
    }
    width.served_max
}

#[test]
fn more_are_served_only_where_the_few_are_slow() {
    assert!(widened(1000, 1000) <= SERVED_MIN + 2);
    assert!(widened(1000, 20_000) >= 16);
}

fn urgency(first: bool) -> Urgency {
    if first {
        Urgency::FirstCopy
    } else {
        Urgency::Rest
    }
}

proptest! {
    /// Nobody is served and waits, nobody is lost, and a place is free only where nobody waits.
    #[test]
    fn places_are_never_lost(
        calls in prop::collection::vec((0u8..4, 0u32..12, any::<bool>(), 0u64..300), 1..300)
    ) {
        let mut uplink = Uplink::new(1);
        let mut wanting = std::collections::BTreeSet::new();
        let mut now = NOW;
        for (call, number, first, millis) in calls {
            now = now + Duration::from_millis(millis);
            match call {
                0 | 1 => {
                    wanting.insert(number);
                    uplink.want(now, peer(number), urgency(first));
                }
                2 => uplink.spend(now, peer(number), TURN_LEN / 2),
                _ => {
                    wanting.remove(&number);
                    uplink.give_back(now, peer(number));
                }
            }
            while let Some(called) = uplink.poll_turn() {
                prop_assert!(wanting.contains(&called.0));
            }
            for one in &uplink.waiting {
                prop_assert!(!uplink.serves(one.peer));
            }
            let full = uplink.served.len() >= SERVED_MIN;
            prop_assert!(full || uplink.waiting.is_empty());
        }
    }
}
