//! Rules for many origins, and for slow ones beside better sources.

use std::time::Duration;

use crate::rig::{ORIGIN, Rig, SECOND};
use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::origin::Mode;
use swarmcopy_scheduler::{Action, Event, Has, Outcome, Preference, SourceId};

const PIECE: u64 = 1 << 18;
const PEER: SourceId = SourceId(500);

/// A machine that is alone with a hundred mirrors.
fn hundred_mirrors() -> Rig {
    let mut rig = Rig::new(400, PIECE, Mode::Protect);
    for mirror in 0..100 {
        rig.origin_at(SourceId(mirror));
    }
    rig.alone();
    rig.pass(2 * SECOND);
    rig
}

#[test]
fn of_a_hundred_mirrors_the_first_few_are_read() {
    let rig = hundred_mirrors();
    assert_eq!(rig.open_origins(), [0, 1, 2, 3].map(SourceId));
    assert!(rig.jobs().iter().all(|(_, source, _)| source.0 < 4));
}

#[test]
fn a_dead_mirror_makes_room_and_is_asked_once() {
    let mut rig = hundred_mirrors();
    let asked = |rig: &Rig| {
        rig.count(|action| {
            matches!(
                action,
                Action::Fetch {
                    source: SourceId(1),
                    ..
                }
            )
        })
    };
    let before = asked(&rig);
    rig.end_of(SourceId(1), Outcome::Broken);
    assert!(
        rig.open_origins().contains(&SourceId(4)),
        "{:?}",
        rig.open_origins()
    );
    for _ in 0..300 {
        rig.pass(Duration::from_millis(100));
        for mirror in [0, 2, 3, 4] {
            rig.progress_of(SourceId(mirror), 4 << 10);
        }
    }
    assert_eq!(
        asked(&rig),
        before,
        "a dead mirror costs nothing after its first failure"
    );
}

#[test]
fn a_slow_mirror_makes_room_for_a_spare() {
    let mut rig = hundred_mirrors();
    for _ in 0..40 {
        rig.pass(Duration::from_millis(100));
        for mirror in [0, 2, 3, 4] {
            rig.progress_of(SourceId(mirror), 4 << 10);
        }
        rig.progress_of(SourceId(1), 64);
    }
    let open = rig.open_origins();
    assert!(
        !open.contains(&SourceId(1)) && open.contains(&SourceId(4)),
        "{open:?}"
    );
    assert!(
        [0, 2, 3]
            .iter()
            .all(|mirror| open.contains(&SourceId(*mirror))),
        "{open:?}"
    );
}

#[test]
fn few_mirrors_are_all_read() {
    let mut rig = Rig::new(64, PIECE, Mode::Protect);
    for mirror in 0..3 {
        rig.origin_at(SourceId(mirror));
    }
    rig.alone();
    rig.pass(2 * SECOND);
    assert_eq!(rig.open_origins().len(), 3);
}

#[test]
fn an_idle_peer_takes_over_from_a_slow_origin() {
    let mut rig = Rig::new(4, PIECE, Mode::Fast);
    rig.origin();
    rig.alone();
    rig.pass(2 * SECOND);
    let slow: Vec<_> = rig.jobs().to_vec();
    assert!(slow.iter().all(|(_, source, _)| *source == ORIGIN) && !slow.is_empty());
    rig.serving_peer(PEER, Has::All);
    for _ in 0..100 {
        rig.pass(Duration::from_millis(50));
        rig.progress_of(ORIGIN, 100);
        rig.end_of(PEER, Outcome::Done);
        rig.end_cancelled();
        rig.verify_whole();
    }
    assert!(rig.scheduler.is_complete(), "{:?}", rig.jobs());
}

#[test]
fn an_idle_mirror_takes_over_from_a_slow_one() {
    let mut rig = Rig::new(40, PIECE, Mode::Protect);
    let (slow, fast) = (SourceId(0), SourceId(1));
    rig.origin_at(slow);
    rig.origin_at(fast);
    rig.alone();
    rig.pass(2 * SECOND);
    for _ in 0..200 {
        rig.pass(Duration::from_millis(50));
        rig.progress_of(slow, 100);
        rig.end_of(fast, Outcome::Done);
        rig.end_cancelled();
        rig.verify_whole();
    }
    assert!(rig.scheduler.is_complete(), "{:?}", rig.jobs());
}

/// Two mirrors, and the pieces asked of each.
fn two_mirrors() -> Rig {
    let mut rig = Rig::new(100, PIECE, Mode::Protect);
    rig.origin_at(SourceId(0));
    rig.origin_at(SourceId(1));
    rig.alone();
    rig.pass(2 * SECOND);
    rig
}

#[test]
fn a_mirror_beside_others_gets_few_pieces_to_bring_until_some_prove_right() {
    let mut rig = two_mirrors();
    let mut asked = 0;
    for _ in 0..100 {
        asked += rig.jobs().len();
        rig.end_all(Outcome::Done);
        rig.pass(Duration::from_millis(10));
    }
    assert_eq!(rig.whole().len(), 8, "four of each, {asked} fetches");
    rig.verify_whole();
    rig.end_all(Outcome::Done);
    rig.pass(Duration::from_millis(10));
    rig.end_all(Outcome::Done);
    assert!(rig.whole().len() > 4, "what proved right is trust");
    rig.finish();
}

#[test]
fn what_is_asked_of_a_mirror_is_taken_back_once_a_piece_of_it_is_wrong() {
    let mut rig = two_mirrors();
    let bad = SourceId(1);
    let (job, _, span) = *rig.jobs().iter().find(|(_, of, _)| *of == bad).unwrap();
    rig.end(job, Outcome::Done, span);
    let others = rig.jobs().iter().filter(|(_, of, _)| *of == bad).count();
    assert!(others > 0);
    let piece = *rig.whole().first().unwrap();
    rig.lose(piece);
    let senders = vec![bad];
    rig.tell(Event::PieceBad { piece, senders });
    assert_eq!(rig.called_off().len(), others);
    rig.end_cancelled();
    let left = rig.jobs().iter().filter(|(_, of, _)| *of == bad).count();
    assert!(left <= 1, "{left}: a piece at a time from now on");
    rig.finish();
}

const NEAR: SourceId = SourceId(0);
const FAR: SourceId = SourceId(1);

/// Two mirrors, the first of which is preferred if `tiers` are equal.
fn near_and_far(tiers: [u32; 2]) -> Rig {
    let mut rig = Rig::new(400, PIECE, Mode::Protect);
    for (source, place, tier) in [(NEAR, 0, tiers[0]), (FAR, 1, tiers[1])] {
        rig.origin_at(source);
        let preference = Preference { tier, place };
        rig.tell(Event::Preferred { source, preference });
    }
    rig.alone();
    rig
}

/// Both bring these bytes in each tenth of a second, for 20 s; how many pieces each was asked for.
fn read(rig: &mut Rig, near: u64, far: u64) -> (u64, u64) {
    let mut left = [0; 2];
    for _ in 0..200 {
        rig.pass(Duration::from_millis(100));
        for (left, (source, bytes)) in left.iter_mut().zip([(NEAR, near), (FAR, far)]) {
            *left += bytes;
            let of = |rig: &Rig| rig.jobs().iter().find(|job| job.1 == source).copied();
            while let Some((job, _, span)) = of(rig).filter(|job| job.2.len() <= *left) {
                *left -= span.len();
                rig.end(job, Outcome::Done, span);
            }
        }
        for piece in rig.whole() {
            if !rig.scheduler.have().contains(piece) {
                rig.tell(Event::PieceOk { piece });
            }
        }
    }
    let of = |source| {
        let asked = rig.all(|action| match action {
            Action::Fetch {
                source: it, span, ..
            } if *it == source => Some(span.len()),
            _ => None,
        });
        asked.iter().sum::<u64>() / PIECE
    };
    (of(NEAR), of(FAR))
}

#[test]
fn a_preferred_mirror_gets_nearly_all_and_equal_ones_share() {
    let (near, far) = read(&mut near_and_far([1, 1]), PIECE, PIECE);
    assert!(near > 100 && far > 0 && far * 5 < near, "{near} {far}");
    let (near, far) = read(&mut near_and_far([1, 2]), PIECE, PIECE);
    assert!(far * 2 > near, "of different tiers: {near} {far}");
}

#[test]
fn a_preferred_mirror_that_is_slow_or_dead_keeps_nothing_from_others() {
    let (near, far) = read(&mut near_and_far([1, 1]), PIECE / 16, PIECE);
    assert!(far > near * 2, "slow: {near} {far}");
    let mut rig = near_and_far([1, 1]);
    rig.pass(SECOND);
    rig.end_of(NEAR, Outcome::Broken);
    let (_, far) = read(&mut rig, 0, PIECE);
    assert!(far > 100, "dead: {far}");
}

#[test]
fn what_a_preferred_mirror_lacks_others_bring() {
    let mut rig = near_and_far([1, 1]);
    let mut has = PieceSet::full(400);
    for index in 0..200 {
        has.remove(rig.layout.piece(index).unwrap());
    }
    rig.tell(Event::SourceHas {
        source: NEAR,
        has: Has::Set(has),
    });
    let (near, far) = read(&mut rig, PIECE, PIECE);
    assert!(near > 80 && far > 80, "{near} {far}");
}
