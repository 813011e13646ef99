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
