//! How pieces spread from whom has them alone: suggestions, turns, and who may not delay them.

use std::time::Duration;

use crate::rig::{Rig, SECOND};
use swarmcopy_layout::{PieceIndex, PieceSet};
use swarmcopy_scheduler::origin::Mode;
use swarmcopy_scheduler::{Action, Down, Event, Has, SourceId};

const MILLI: Duration = Duration::from_millis(1);
const PIECE: u64 = 128 << 10;
const ONE: SourceId = SourceId(1);
const TWO: SourceId = SourceId(2);

/// Machines of ours that lack all and want it; of a suggested piece each has told that it has it after
/// its time.
fn neighbours(pieces: u32, times: &[(SourceId, Duration)]) -> Rig {
    let mut rig = Rig::new(pieces, PIECE, Mode::Never);
    for (source, _) in times {
        let node = u8::try_from(source.0).unwrap();
        rig.own_peer(*source, node, Has::Set(PieceSet::empty(pieces)));
        rig.tell(Event::Interested { source: *source });
    }
    for index in 0..u32::try_from(times.len()).unwrap() {
        let piece = rig.layout.piece(index).unwrap();
        let source = suggested(&mut rig, piece).unwrap();
        let (_, time) = times.iter().find(|(id, _)| *id == source).unwrap();
        rig.pass(*time);
        let has = Has::Piece(piece);
        rig.tell(Event::SourceHas { source, has });
    }
    rig
}

/// To whom a piece is suggested when it has proved right here.
fn suggested(rig: &mut Rig, piece: PieceIndex) -> Option<SourceId> {
    rig.forget();
    rig.tell(Event::PieceOk { piece });
    rig.find(|action| match action {
        Action::Suggest { source, .. } => Some(*source),
        _ => None,
    })
}

#[test]
fn who_lacked_nothing_until_now_is_suggested_to_before_a_slow_one() {
    let mut rig = neighbours(100, &[(ONE, 50 * MILLI), (TWO, 3 * SECOND)]);
    rig.tell(Event::NotInterested { source: ONE });
    let piece = rig.layout.piece(50).unwrap();
    assert_eq!(suggested(&mut rig, piece), Some(ONE));
}

#[test]
fn nothing_is_suggested_to_a_slow_one_while_there_are_others() {
    let (fast, slow) = (50 * MILLI, SourceId(4));
    let times = [(ONE, fast), (TWO, fast), (SourceId(3), fast)];
    let mut rig = neighbours(100, &[&times[..], &[(slow, 3 * SECOND)]].concat());
    for index in 20..90 {
        let piece = rig.layout.piece(index).unwrap();
        let source = suggested(&mut rig, piece);
        assert!(source.is_some_and(|it| it != slow), "{source:?}");
    }
    for (source, _) in times {
        let has = Has::All;
        rig.tell(Event::SourceHas { source, has });
    }
    for (source, _) in times {
        let how = Down::Closed;
        rig.tell(Event::SourceDown { source, how });
    }
    let piece = rig.layout.piece(90).unwrap();
    assert_eq!(suggested(&mut rig, piece), Some(slow));
}

/// Whether a piece that one neighbour has and suggested to another is asked for within 300 ms, with so
/// many of 200 pieces here.
fn is_asked_soon(here: u32) -> bool {
    let mut rig = Rig::new(200, PIECE, Mode::Never);
    let piece = |index| rig.layout.piece(index).unwrap();
    let (first, last) = (piece(0), piece(199));
    let pieces: Vec<PieceIndex> = (0..here).map(piece).collect();
    for piece in pieces {
        rig.tell(Event::PieceOk { piece });
    }
    for (source, node) in [(ONE, 1), (TWO, 2)] {
        rig.own_peer(source, node, Has::Set(PieceSet::empty(200)));
        rig.tell(Event::Unchoked { source });
    }
    // neighbours suggest: so nobody guesses whose turn it is
    rig.tell(Event::Suggested {
        source: TWO,
        piece: first,
    });
    let has = Has::Piece(last);
    rig.tell(Event::SourceHas { source: TWO, has });
    assert!(rig.jobs().is_empty(), "it is another's turn");
    rig.pass(300 * MILLI);
    !rig.jobs().is_empty()
}

#[test]
fn turns_come_sooner_for_the_last_pieces() {
    assert!(is_asked_soon(199));
    assert!(!is_asked_soon(100));
}

#[test]
fn who_never_answered_is_tried_again_but_not_with_the_last_pieces() {
    for (here, tries) in [(300, true), (396, false)] {
        let mut rig = Rig::new(400, PIECE, Mode::Never);
        for index in 0..here {
            let piece = rig.layout.piece(index).unwrap();
            rig.tell(Event::PieceOk { piece });
        }
        rig.serving_peer(ONE, Has::All);
        assert!(!rig.jobs().is_empty());
        rig.pass(2 * SECOND);
        rig.end_cancelled();
        rig.serving_peer(TWO, Has::All);
        let mut tried = false;
        for _ in 0..100 {
            rig.pass(100 * MILLI);
            rig.end_cancelled();
            rig.progress_of(TWO, 100);
            tried |= rig.jobs().iter().any(|(_, source, _)| *source == ONE);
        }
        assert_eq!(tried, tries, "with {here} pieces of 400");
    }
}
