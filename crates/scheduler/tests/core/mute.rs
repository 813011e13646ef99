//! Clients of somebody else that say to have everything and bring nothing: what they may not delay.

use std::time::Duration;

use crate::rig::{ORIGIN, Rig};
use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::origin::Mode;
use swarmcopy_scheduler::{Discovery, Event, Has, Outcome, SourceId};

const MILLI: Duration = Duration::from_millis(1);
const PIECE: u64 = 128 << 10;
const ONE: SourceId = SourceId(1);
const TWO: SourceId = SourceId(2);

/// A machine with an origin meets a client that says to have everything.
fn meets_one_that_has_all() -> Rig {
    let mut rig = Rig::new(100, PIECE, Mode::Protect);
    rig.origin();
    rig.peer(ONE, Has::All);
    rig.tell(Event::Discovery(Discovery::Nobody));
    rig
}

/// How long it is until the origin is opened, while this is done every 50 ms.
fn opens_after(rig: &mut Rig, mut every: impl FnMut(&mut Rig, u32)) -> Duration {
    for step in 0..400 {
        every(rig, step);
        rig.end_cancelled();
        if rig.opened > 0 {
            return 50 * MILLI * step;
        }
        rig.pass(50 * MILLI);
    }
    Duration::MAX
}

#[test]
fn who_lets_nobody_ask_keeps_the_origin_closed_for_a_second_at_most() {
    let mut rig = meets_one_that_has_all();
    let after = opens_after(&mut rig, |_, _| ());
    assert!(after >= 400 * MILLI && after <= 1000 * MILLI, "{after:?}");
}

#[test]
fn who_answers_nothing_keeps_the_origin_closed_for_a_second_at_most() {
    let mut rig = meets_one_that_has_all();
    rig.tell(Event::Unchoked { source: ONE });
    let after = opens_after(&mut rig, |_, _| ());
    assert!(after >= 400 * MILLI && after <= 1000 * MILLI, "{after:?}");
}

#[test]
fn who_lets_us_ask_now_and_then_and_answers_nothing_gains_no_time() {
    let mut rig = meets_one_that_has_all();
    let after = opens_after(&mut rig, |rig, step| match step % 4 {
        0 => rig.tell(Event::Unchoked { source: ONE }),
        2 => {
            rig.tell(Event::Choked { source: ONE });
            rig.end_all(Outcome::Cancelled);
        }
        _ => {}
    });
    assert!(after <= 1000 * MILLI, "{after:?}");
}

#[test]
fn who_answers_within_a_third_of_a_second_keeps_the_origin_closed() {
    let mut rig = meets_one_that_has_all();
    rig.tell(Event::Unchoked { source: ONE });
    let after = opens_after(&mut rig, |rig, step| {
        if step >= 6 {
            rig.end_of(ONE, Outcome::Done);
            rig.verify_whole();
        }
    });
    assert_eq!(after, Duration::MAX);
}

/// A machine of ours that lacks all, and a stock client that says to have everything and answered nothing
/// for ten seconds.
fn beside_a_mute_one(mode: Mode) -> Rig {
    let mut rig = Rig::new(1000, PIECE, mode);
    rig.own_peer(TWO, 2, Has::Set(PieceSet::empty(1000)));
    rig.serving_peer(ONE, Has::All);
    for _ in 0..100 {
        rig.pass(100 * MILLI);
        rig.end_cancelled();
    }
    rig
}

#[test]
fn a_mute_peer_makes_nobody_wait_longer_for_a_turn() {
    let mut rig = beside_a_mute_one(Mode::Never);
    for index in 0..100 {
        let piece = rig.layout.piece(index).unwrap();
        rig.tell(Event::PieceOk { piece });
    }
    let (first, last) = (rig.layout.piece(0).unwrap(), rig.layout.piece(999).unwrap());
    // neighbours suggest: so nobody guesses whose turn it is
    rig.tell(Event::Suggested {
        source: TWO,
        piece: first,
    });
    rig.tell(Event::Unchoked { source: TWO });
    let has = Has::Piece(last);
    rig.tell(Event::SourceHas { source: TWO, has });
    rig.pass(600 * MILLI);
    assert!(rig.jobs().iter().any(|(_, source, _)| *source == TWO));
}

#[test]
fn what_a_mute_peer_says_to_have_counts_for_no_copy() {
    let mut rig = beside_a_mute_one(Mode::Protect);
    rig.origin();
    rig.alone();
    let read = |rig: &Rig| rig.scheduler.have().len();
    for _ in 0..50 {
        rig.pass(20 * MILLI);
        rig.end_of(ORIGIN, Outcome::Done);
        rig.verify_whole();
        rig.end_cancelled();
        rig.tell(Event::Uploaded {
            source: TWO,
            piece: rig.layout.piece(0).unwrap(),
            bytes: 1,
        });
    }
    // a 64th of the content may be here alone
    let alone = read(&rig);
    assert!((10..=20).contains(&alone), "{alone} pieces");
}

#[test]
fn a_seed_that_brings_far_too_little_opens_the_origin_within_three_seconds() {
    let mut rig = meets_one_that_has_all();
    rig.tell(Event::Unchoked { source: ONE });
    let after = opens_after(&mut rig, |rig, step| {
        if step >= 6 {
            rig.progress_all(1000);
        }
    });
    assert!(after <= 3000 * MILLI, "{after:?}");
}
