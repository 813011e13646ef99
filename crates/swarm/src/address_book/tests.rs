//! Addresses over time, without a network.

use super::bans::BAN_TIME;
use super::*;

fn addr(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

#[tokio::test]
async fn all_are_tried_when_each_is_linked_or_was_out_of_reach() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    for port in [1, 2] {
        book.learn(addr(port), Via::Named, start);
    }
    assert!(!book.all_tried(start));
    book.linked(addr(1));
    assert_eq!(book.next_dial(start), Some(addr(2)));
    assert!(!book.all_tried(start), "one is being dialled");
    book.failed(addr(2), start);
    assert!(book.all_tried(start));
    book.learn(addr(3), Via::Tracker, start);
    assert!(!book.all_tried(start));
}

#[tokio::test]
async fn who_was_met_or_does_not_answer_a_call_is_tried() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    book.learn(addr(1), Via::Tracker, start);
    book.linked(addr(1));
    book.unlinked(addr(1), start);
    assert!(book.all_tried(start), "it was met and left");
    book.learn(addr(2), Via::Tracker, start);
    assert_eq!(book.next_dial(start), Some(addr(2)));
    assert!(!book.all_tried(start + Duration::from_millis(1499)));
    assert!(book.all_tried(start + ANSWER_TIME), "nobody answers");
}

#[tokio::test]
async fn nobody_waits_for_whom_peers_alone_tell_of() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    book.learn(addr(1), Via::Incoming, start);
    book.learn_from(addr(2), Via::Pex, Some(addr(1).ip()), start);
    assert!(!book.any_named(start) && book.all_tried(start));
    assert_eq!(book.others(), 2, "they are dialled nevertheless");
    book.learn(addr(2), Via::Tracker, start);
    assert!(book.any_named(start) && !book.all_tried(start));
    book.ban(addr(2), [9; 20], Offence::Violation, start);
    assert!(!book.any_named(start), "nor for the banned");
}

#[tokio::test]
async fn who_calls_is_dialled_at_once_but_not_more_often_than_each_second() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    book.learn(addr(1), Via::Lsd, start);
    book.linked(addr(1));
    book.unlinked(addr(1), start);
    assert_eq!(book.next_dial(start), None);
    book.learn(addr(1), Via::Tracker, start);
    assert_eq!(book.next_dial(start), None, "a tracker's word may be old");
    book.learn(addr(1), Via::Lsd, start);
    assert_eq!(book.next_dial(start), Some(addr(1)));
    book.failed(addr(1), start);
    let soon = start + Duration::from_millis(999);
    book.learn(addr(1), Via::Lsd, soon);
    assert_eq!(book.next_dial(soon), None);
    let later = start + CALL_EVERY;
    book.learn(addr(1), Via::Lsd, later);
    assert_eq!(book.next_dial(later), Some(addr(1)));
}

#[tokio::test]
async fn who_calls_before_its_old_link_breaks_is_dialled_once_it_has() {
    let start = Instant::now();
    for late in [Duration::ZERO, CALL_FRESH] {
        let mut book = AddressBook::new(start);
        book.learn(addr(1), Via::Lsd, start);
        book.linked(addr(1));
        book.learn(addr(1), Via::Lsd, start);
        assert_eq!(book.next_dial(start), None, "it is linked");
        let broken = start + late;
        book.unlinked(addr(1), broken);
        let due = late.is_zero().then_some(addr(1));
        assert_eq!(book.next_dial(broken), due, "{late:?}");
        book.failed(addr(1), broken);
        assert_eq!(book.next_dial(broken), None, "a call counts once");
    }
}

#[tokio::test]
async fn who_calls_while_it_is_dialled_is_dialled_again_but_not_more_often_than_each_second() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    book.learn(addr(1), Via::Tracker, start);
    assert_eq!(book.next_dial(start), Some(addr(1)));
    for due in [Some(addr(1)), None] {
        book.learn(addr(1), Via::Lsd, start);
        book.failed(addr(1), start);
        assert_eq!(book.next_dial(start), due);
    }
}

#[tokio::test]
async fn an_address_is_dialled_once_at_a_time_and_later_after_each_failure() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    assert!(book.learn(addr(1), Via::Tracker, start));
    assert!(!book.learn(addr(1), Via::Pex, start));
    assert_eq!(book.next_dial(start), Some(addr(1)));
    assert_eq!(book.next_dial(start), None);
    for pause in [2u64, 4, 8, 16, 32, 64, 64] {
        book.failed(addr(1), start);
        assert_eq!(
            book.next_dial(start + Duration::from_millis(pause * 1000 - 1)),
            None
        );
        let due = start + Duration::from_secs(pause);
        assert_eq!(book.next_dial(due), Some(addr(1)), "{pause}");
    }
}

#[tokio::test]
async fn a_named_peer_is_tried_every_few_seconds_for_ever() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    book.learn(addr(1), Via::Pex, start);
    book.learn(addr(1), Via::Named, start);
    for _ in 0..20 {
        assert_eq!(book.next_dial(start + PAUSE_NAMED), Some(addr(1)));
        book.failed(addr(1), start);
    }
}

#[tokio::test]
async fn ourselves_and_the_banned_are_not_dialled() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    book.learn(addr(1), Via::Lsd, start);
    book.learn(addr(2), Via::Lsd, start);
    book.is_ourselves(addr(1));
    book.failed(addr(1), start);
    book.ban(addr(2), [7; 20], Offence::Violation, start);
    assert_eq!(book.next_dial(start), None);
    assert_eq!(book.others(), 1);
    assert!(book.is_banned(addr(9), &[7; 20], start));
    assert!(
        !book.is_shut_out(addr(9), &[8; 20], start),
        "one ban spares the neighbours"
    );
    assert_eq!(book.next_dial(start + BAN_TIME), Some(addr(2)));
    book.ban(addr(3), [1; 20], Offence::Violation, start);
    book.ban(addr(4), [2; 20], Offence::Violation, start);
    assert!(book.is_banned(addr(9), &[8; 20], start), "three do not");
}

#[tokio::test]
async fn a_liar_does_not_come_back_under_another_name_and_port() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    book.ban(addr(1), [7; 20], Offence::Lie, start);
    assert!(book.is_shut_out(addr(40_000), &[8; 20], start));
    assert!(!book.is_shut_out(addr(40_000), &[8; 20], start + BAN_TIME));
    book.learn_from(addr(2), Via::Pex, None, start);
    assert_eq!(book.next_dial(start), None, "peers may be its friends");
    book.learn(addr(3), Via::Tracker, start);
    assert_eq!(book.next_dial(start), Some(addr(3)));
    assert!(!book.is_banned(addr(3), &[9; 20], start));
    let others = SocketAddr::from(([10, 0, 0, 2], 1));
    assert!(!book.is_shut_out(others, &[8; 20], start));
}

#[tokio::test]
async fn bans_are_limited_and_the_newest_stay() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    let at = |number: u16| far(number.into());
    let id = |number: u16| [number.to_be_bytes()[0], number.to_be_bytes()[1]].repeat(10);
    for number in 0..2000 {
        let peer_id = id(number).try_into().unwrap();
        let then = start + Duration::from_millis(number.into());
        book.ban(at(number), peer_id, Offence::Lie, then);
    }
    let now = start + Duration::from_secs(3);
    assert!(!book.is_banned(at(0), &id(0).try_into().unwrap(), now));
    assert!(book.is_banned(at(1999), &id(1999).try_into().unwrap(), now));
}

fn far(number: usize) -> SocketAddr {
    let [.., a, b] = number.to_be_bytes();
    SocketAddr::from(([10, 1, a, b], 6881))
}

#[tokio::test]
async fn the_book_is_limited_and_prefers_what_works_and_better_ways() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    for number in 0..ADDRESSES_MAX {
        let via = [Via::Pex, Via::Tracker][number % 2];
        assert!(book.learn(far(number), via, start), "{number}");
    }
    let new = far(ADDRESSES_MAX);
    assert!(!book.learn(new, Via::Pex, start));
    assert!(!book.learn(new, Via::Tracker, start));
    let dialled = book.next_dial(start).unwrap();
    book.failed(dialled, start);
    assert!(
        book.learn(new, Via::Tracker, start),
        "in place of a dead one"
    );
    let named = far(ADDRESSES_MAX + 1);
    assert!(book.learn(named, Via::Named, start), "in place of hearsay");
    assert_eq!(book.others(), ADDRESSES_MAX);
}

#[tokio::test]
async fn no_way_of_discovery_fills_the_book() {
    let start = Instant::now();
    for via in [Via::Pex, Via::Dht, Via::Incoming, Via::Tracker, Via::Lsd] {
        let mut book = AddressBook::new(start);
        for number in 0..ADDRESSES_MAX {
            book.learn(far(number), via, start);
        }
        assert_eq!(book.others(), via.share(), "{via:?}");
        assert!(book.others() <= ADDRESSES_MAX / 2);
    }
}

#[tokio::test]
async fn one_machine_fills_the_book_neither_with_its_ports_nor_with_its_words() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    for port in 1..=2001 {
        book.learn(addr(port), Via::Incoming, start);
        book.learn(addr(port), Via::Lsd, start);
    }
    assert_eq!(book.others(), PORTS_MAX);
    assert!(book.learn(addr(2002), Via::Named, start));
    let mut book = AddressBook::new(start);
    for number in 0..2000 {
        book.learn_from(far(number), Via::Pex, Some(addr(1).ip()), start);
    }
    assert_eq!(book.others(), TOLD_MAX);
    assert!(book.learn_from(far(3000), Via::Pex, Some(far(1).ip()), start));
}

#[tokio::test]
async fn what_peers_tell_is_dialled_slowly_and_what_others_tell_before_it() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    for number in 0..1000 {
        book.learn(far(number), Via::Pex, start);
    }
    let (mut dials, mut at_once) = (0, 0);
    for tick in 0..500 {
        let now = start + Duration::from_millis(10 * tick);
        while let Some(dialled) = book.next_dial(now) {
            book.failed(dialled, now);
            dials += 1;
        }
        at_once = at_once.max(dials * usize::from(tick == 0));
    }
    assert!((20..=32).contains(&at_once), "{at_once}");
    assert!((60..=75).contains(&dials), "{dials} in 5 s");
    let now = start + Duration::from_secs(5);
    book.learn(addr(1), Via::Tracker, now);
    assert_eq!(book.next_dial(now), Some(addr(1)));
}

#[tokio::test]
async fn dead_addresses_of_peers_leave_room_for_other_dials() {
    let start = Instant::now();
    let mut book = AddressBook::new(start);
    for number in 0..100 {
        book.learn(far(number), Via::Pex, start);
    }
    let under_way = std::iter::from_fn(|| book.next_dial(start)).count();
    assert_eq!(under_way, HEARSAY_DIALS_MAX);
    book.learn(addr(1), Via::Lsd, start);
    assert_eq!(book.next_dial(start), Some(addr(1)));
}
