//! Wrong pieces of which several sent parts: who is put out for them, and how the liar is found.

use crate::rig::Rig;
use swarmcopy_scheduler::origin::Mode;
use swarmcopy_scheduler::{Action, Down, Event, Has, Outcome, Proof, SourceId};

const ONE: SourceId = SourceId(1);
const TWO: SourceId = SourceId(2);
const PIECE: u64 = 1 << 20;

#[test]
fn who_shares_any_number_of_bad_pieces_with_a_liar_is_not_put_out_and_the_liar_is() {
    let mut rig = Rig::new(64, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    rig.serving_peer(TWO, Has::All);
    let senders = vec![ONE, TWO];
    for index in 0..20 {
        let piece = rig.layout.piece(index).unwrap();
        let senders = senders.clone();
        rig.tell(Event::PieceBad { piece, senders });
    }
    assert!(!rig.did(|action| matches!(action, Action::Ban { .. })));
    let piece = rig.layout.piece(7).unwrap();
    rig.tell(Event::Liar { source: TWO, piece });
    let of = |source| move |action: &Action| matches!(action, Action::Ban { source: it, proof, .. } if *it == source && *proof == Proof::Differs(piece));
    assert!(rig.did(of(TWO)) && !rig.did(of(ONE)));
    assert_eq!(rig.count(|action| matches!(action, Action::Ban { .. })), 1);
}

#[test]
fn who_lied_and_went_away_is_named_all_the_same() {
    let mut rig = Rig::new(4, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    rig.end_all(Outcome::Broken);
    let how = Down::Reset;
    rig.tell(Event::SourceDown { source: ONE, how });
    let piece = rig.layout.piece(0).unwrap();
    rig.tell(Event::Liar { source: ONE, piece });
    assert!(rig.did(|action| matches!(action, Action::Ban { source: ONE, .. })));
}

#[test]
fn a_piece_that_was_wrong_comes_before_others_and_of_one_alone_the_next_time() {
    let mut rig = Rig::new(256, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    rig.serving_peer(TWO, Has::All);
    let bad = rig.layout.piece(200).unwrap();
    rig.tell(Event::PieceBad {
        piece: bad,
        senders: vec![ONE, TWO],
    });
    let whole = rig.layout.piece_span(bad);
    let mut owners = Vec::new();
    for _ in 0..2 {
        let mut senders = std::collections::BTreeSet::new();
        let mut others = 0;
        for _ in 0..100 {
            let Some((job, source, span)) = rig.jobs().first().copied() else {
                break;
            };
            if span.intersection(whole).is_empty() {
                others += u64::from(senders.is_empty()) * span.len();
            } else {
                senders.insert(source);
            }
            rig.end(job, Outcome::Done, span);
            let piece = rig.layout.piece_at(span.start()).unwrap();
            if piece != bad && rig.whole().contains(&piece) {
                rig.tell(Event::PieceOk { piece });
            }
            if rig.whole().contains(&bad) {
                break;
            }
        }
        assert!(
            rig.whole().contains(&bad),
            "it came before others: {others} bytes"
        );
        assert_eq!(senders.len(), 1, "of one alone");
        owners.extend(senders);
        rig.lose(bad);
        rig.tell(Event::PieceBad {
            piece: bad,
            senders: vec![ONE, TWO],
        });
    }
    assert_ne!(
        owners[0], owners[1],
        "who brought it in vain is not the first to be asked again"
    );
}
