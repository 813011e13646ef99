//! Rules of the planner, each shown by a few events told to a scheduler by hand.

use std::time::Duration;

use crate::rig::{ORIGIN, Rig, SECOND};
use swarmcopy_layout::{PieceSet, Span};
use swarmcopy_scheduler::origin::{Hours, Mode};
use swarmcopy_scheduler::{Action, Down, Event, Has, JobId, Outcome, Proof, Reason, SourceId};

const ONE: SourceId = SourceId(1);
const TWO: SourceId = SourceId(2);
const PIECE: u64 = 1 << 20;

#[test]
fn a_peer_is_asked_only_while_it_lets_us() {
    let mut rig = Rig::new(8, PIECE, Mode::Never);
    rig.peer(ONE, Has::All);
    assert!(rig.jobs().is_empty());
    assert!(rig.did(|action| matches!(action, Action::Interested { source: ONE })));
    rig.tell(Event::Unchoked { source: ONE });
    assert!(!rig.jobs().is_empty());
    rig.end_all(Outcome::Busy {
        retry_after_ms: None,
    });
    rig.tell(Event::Choked { source: ONE });
    rig.pass(3 * SECOND);
    assert!(rig.jobs().is_empty());
}

#[test]
fn a_peer_that_lets_us_ask_again_is_asked_at_once() {
    let busy = Outcome::Busy {
        retry_after_ms: None,
    };
    // its word that it lets us may come before the end of what it dropped
    for end_first in [true, false] {
        let mut rig = Rig::new(8, PIECE, Mode::Never);
        rig.serving_peer(ONE, Has::All);
        rig.pass(SECOND / 100);
        rig.tell(Event::Choked { source: ONE });
        if end_first {
            rig.end_all(busy);
        }
        rig.tell(Event::Unchoked { source: ONE });
        if !end_first {
            rig.end_all(busy);
        }
        assert!(!rig.jobs().is_empty(), "end first: {end_first}");
        rig.end_all(busy);
        assert!(rig.jobs().is_empty(), "refused while it lets us");
        rig.pass(2 * SECOND);
        assert!(!rig.jobs().is_empty());
    }
}

#[test]
fn a_snubbed_peer_loses_its_jobs() {
    let mut rig = Rig::new(8, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    let asked: Vec<_> = rig.jobs().to_vec();
    assert!(!asked.is_empty());
    rig.pass(3 * SECOND);
    for (job, ..) in &asked {
        let cancelled = |action: &Action| matches!(action, Action::Cancel { job: it } if it == job);
        assert!(rig.did(cancelled), "{job:?}");
    }
    rig.end_all(Outcome::Cancelled);
    assert!(rig.jobs().is_empty(), "it is not asked again at once");
    rig.serving_peer(TWO, Has::All);
    assert!(rig.jobs().iter().all(|(_, source, _)| *source == TWO));
    assert!(!rig.jobs().is_empty());
}

#[test]
fn a_silent_peer_is_left_alone_for_longer_each_time_up_to_a_limit() {
    let mut rig = Rig::new(8, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    let mut asked_at = vec![rig.now()];
    for _ in 0..600 {
        rig.pass(Duration::from_millis(100));
        if rig.did(|action| matches!(action, Action::Cancel { .. })) {
            rig.end_all(Outcome::Cancelled);
            rig.forget();
        }
        if rig.did(|action| matches!(action, Action::Fetch { .. })) {
            asked_at.push(rig.now());
            rig.forget();
        }
    }
    let waits: Vec<_> = asked_at
        .windows(2)
        .map(|pair| pair[1].since(pair[0]))
        .collect();
    assert!(waits.len() >= 3, "{waits:?}");
    assert!(
        waits[..3].windows(2).all(|pair| pair[1] > pair[0]),
        "{waits:?}"
    );
    assert!(waits.iter().all(|wait| *wait < 25 * SECOND), "{waits:?}");
}

#[test]
fn what_a_broken_link_brought_is_not_asked_for_again() {
    let mut rig = Rig::new(1, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    let (job, _, span) = rig.jobs()[0];
    rig.end(job, Outcome::Broken, span.head(32 << 10));
    rig.end_all(Outcome::Broken);
    rig.tell(Event::SourceDown {
        source: ONE,
        how: Down::Reset,
    });
    rig.serving_peer(TWO, Has::All);
    let here = span.head(32 << 10);
    let again = rig
        .jobs()
        .iter()
        .any(|(.., span)| !span.intersection(here).is_empty());
    assert!(!rig.jobs().is_empty() && !again);
}

#[test]
fn a_piece_from_a_single_liar_bans_it() {
    let mut rig = Rig::new(4, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    let piece = rig.layout.piece_at(rig.jobs()[0].2.start()).unwrap();
    rig.end_all(Outcome::Done);
    rig.tell(Event::PieceBad {
        piece,
        senders: vec![ONE],
    });
    let banned = |action: &Action| {
        matches!(
            action,
            Action::Ban {
                source: ONE,
                reason: Reason::PeerLiar,
                proof: Proof::Alone(_),
            }
        )
    };
    assert!(rig.did(banned));
    rig.forget();
    rig.pass(120 * SECOND);
    assert!(
        !rig.did(|action| matches!(action, Action::Fetch { .. })),
        "it is asked no more"
    );
}

#[test]
fn a_bad_piece_of_two_senders_bans_neither_at_once() {
    let mut rig = Rig::new(4, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    rig.serving_peer(TWO, Has::All);
    let piece = rig.layout.piece_at(rig.jobs()[0].2.start()).unwrap();
    rig.tell(Event::PieceBad {
        piece,
        senders: vec![ONE, TWO],
    });
    assert!(!rig.did(|action| matches!(action, Action::Ban { .. })));
}

#[test]
fn complete_is_told_once() {
    let mut rig = Rig::new(6, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    rig.finish();
    rig.pass(5 * SECOND);
    for piece in rig.layout.piece_indexes() {
        rig.tell(Event::PieceOk { piece });
    }
    assert_eq!(rig.count(|action| matches!(action, Action::Complete)), 1);
    assert!(rig.scheduler.is_complete() && rig.jobs().is_empty());
}

#[test]
fn budget_bounds_what_is_asked() {
    let mut rig = Rig::new(400, PIECE, Mode::Never);
    for id in 1..40 {
        rig.serving_peer(SourceId(id), Has::All);
    }
    for step in 0..200 {
        let first = rig.jobs().first().copied();
        if let Some((job, _, span)) = first {
            // bytes come, but nothing is ever verified
            rig.end(job, Outcome::Done, span);
        }
        rig.pass(Duration::from_millis(5));
        let pieces = rig.touched().len() as u64;
        assert!(
            pieces * PIECE <= 64 << 20,
            "{pieces} pieces begun at step {step}"
        );
    }
}

#[test]
fn never_opens_no_origin() {
    let mut rig = Rig::new(8, PIECE, Mode::Never);
    rig.origin();
    rig.alone();
    rig.pass(120 * SECOND);
    assert!(rig.opened == 0 && !rig.did(|action| matches!(action, Action::Fetch { .. })));
}

#[test]
fn alone_the_origin_is_read_with_a_permit() {
    let mut rig = Rig::new(8, PIECE, Mode::Protect);
    rig.origin();
    rig.alone();
    rig.pass(SECOND);
    assert_eq!(rig.opened, 1);
    rig.finish();
    assert!(rig.scheduler.is_complete());
    assert!(rig.did(|action| matches!(action, Action::CloseOrigin { .. })));
}

#[test]
fn pieces_that_are_here_or_unwanted_are_never_asked_for() {
    let mut wanted = PieceSet::full(10);
    let mut have = PieceSet::empty(10);
    let piece = |rig: &Rig, index| rig.layout.piece(index).unwrap();
    let rig = Rig::new(10, PIECE, Mode::Never);
    wanted.remove(piece(&rig, 3));
    have.insert(piece(&rig, 7));
    let mut rig = Rig::with(10, PIECE, Mode::Never, (wanted, have));
    rig.serving_peer(ONE, Has::All);
    rig.finish();
    assert!(rig.scheduler.is_complete());
    let asked = |index| {
        rig.fetched.iter().any(|span| {
            !span
                .intersection(rig.layout.piece_span(piece(&rig, index)))
                .is_empty()
        })
    };
    assert!(!asked(3) && !asked(7) && asked(0));
}

#[test]
fn an_idle_peer_takes_over_from_a_slow_one() {
    let mut rig = Rig::new(2, 4 * PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    // it brings a block each half second
    for _ in 0..8 {
        rig.pass(Duration::from_millis(500));
        rig.progress_all(16 << 10);
    }
    rig.serving_peer(TWO, Has::All);
    for _ in 0..60 {
        let fast: Vec<_> = rig
            .jobs()
            .iter()
            .filter(|job| job.1 == TWO)
            .copied()
            .collect();
        for (job, _, span) in fast {
            rig.end(job, Outcome::Done, span);
        }
        rig.pass(Duration::from_millis(50));
        rig.end_cancelled();
    }
    let slow: u64 = rig
        .jobs()
        .iter()
        .filter(|job| job.1 == ONE)
        .map(|job| job.2.len())
        .sum();
    assert!(
        slow <= 64 << 10,
        "{slow} bytes still wait for the slow peer"
    );
}

#[test]
fn the_last_pieces_change_hands_for_less() {
    // a peer comes to a halt in the middle of two pieces: the last of many, or a tenth of all
    for (pieces, changes) in [(200, true), (20, false)] {
        let mut rig = Rig::new(pieces, 128 << 10, Mode::Never);
        for index in 0..pieces - 2 {
            let piece = rig.layout.piece(index).unwrap();
            rig.tell(Event::PieceOk { piece });
        }
        rig.serving_peer(ONE, Has::All);
        for _ in 0..3 {
            rig.pass(Duration::from_millis(100));
            rig.progress_all(16 << 10);
        }
        rig.serving_peer(TWO, Has::All);
        rig.pass(Duration::from_millis(800));
        rig.end_cancelled();
        let taken = rig.jobs().iter().any(|(_, source, _)| *source == TWO);
        assert_eq!(taken, changes, "of {pieces} pieces");
    }
}

#[test]
fn the_last_block_of_a_peer_that_fell_silent_is_taken_over() {
    // of one piece a block is missing, and the peer that was asked for it brings nothing for so long
    for (silent, changes) in [(300, false), (1500, true)] {
        let mut rig = Rig::new(200, 16 << 10, Mode::Never);
        for index in 0..199 {
            let piece = rig.layout.piece(index).unwrap();
            rig.tell(Event::PieceOk { piece });
        }
        rig.serving_peer(ONE, Has::All);
        rig.serving_peer(TWO, Has::All);
        let asked = rig.jobs()[0].1;
        rig.pass(Duration::from_millis(silent));
        rig.end_cancelled();
        let taken = rig.jobs().iter().any(|(_, source, _)| *source != asked);
        assert_eq!(taken, changes, "after {silent} ms");
    }
}

#[test]
fn only_who_waits_for_the_last_pieces_looks_at_its_peers_often() {
    for (here, calls) in [(200, 15..30), (199, 90..150)] {
        let mut rig = Rig::new(200, 128 << 10, Mode::Never);
        for index in 0..here {
            let piece = rig.layout.piece(index).unwrap();
            rig.tell(Event::PieceOk { piece });
        }
        rig.peer(ONE, Has::Set(PieceSet::empty(200)));
        let seen = rig.calls_in(10 * SECOND);
        assert!(calls.contains(&seen), "{seen} with {here} pieces");
    }
}

#[test]
fn a_new_piece_is_suggested_to_one_neighbour() {
    let mut rig = Rig::new(8, PIECE, Mode::Protect);
    rig.origin();
    for id in 1..6 {
        rig.own_peer(SourceId(id), id as u8, Has::Set(PieceSet::empty(8)));
        rig.tell(Event::Interested {
            source: SourceId(id),
        });
    }
    let piece = rig.layout.piece(5).unwrap();
    rig.tell(Event::PieceOk { piece });
    let suggested =
        |action: &Action| matches!(action, Action::Suggest { piece: it, .. } if *it == piece);
    assert_eq!(rig.count(suggested), 1);
}

#[test]
fn a_piece_that_one_peer_has_is_left_to_whom_it_is_suggested() {
    let asked = |suggests: bool| {
        let mut rig = Rig::new(8, PIECE, Mode::Never);
        rig.own_peer(ONE, 1, Has::Set(PieceSet::empty(8)));
        rig.own_peer(TWO, 2, Has::All);
        rig.tell(Event::Unchoked { source: ONE });
        rig.tell(Event::Unchoked { source: TWO });
        let begun = rig.jobs().len();
        for index in 0..8 {
            let piece = rig.layout.piece(index).unwrap();
            let open = rig.touched().contains(&index);
            if suggests && !open {
                rig.tell(Event::Suggested { source: TWO, piece });
                return rig.touched().contains(&index) && begun > 0;
            }
        }
        rig.touched().len() == 8
    };
    assert!(asked(true), "what is suggested is taken at once");
    assert!(!asked(false), "what is not is left to others for a while");
}

#[test]
fn a_slot_that_is_given_back_calls_off_only_what_would_take_long() {
    for (bytes, makes_way) in [(1 << 10, true), (45 << 10, false)] {
        let mut rig = Rig::new(64, PIECE, Mode::Protect);
        rig.origin();
        rig.alone();
        rig.pass(SECOND);
        rig.serving_peer(ONE, Has::All);
        for _ in 0..20 {
            rig.pass(Duration::from_millis(100));
            rig.progress_all(bytes);
        }
        let of_peer: Vec<JobId> = {
            let jobs = rig.jobs().iter().filter(|(_, source, _)| *source == ONE);
            jobs.map(|(job, ..)| *job).collect()
        };
        assert!(!of_peer.is_empty() && rig.called_off().is_empty());
        // the slots are given back when what is read has come
        rig.tell(Event::Hours(Hours::Closed));
        rig.pass(Duration::from_millis(10));
        let called_off = !rig.called_off().is_empty();
        assert_eq!(
            called_off, makes_way,
            "at {bytes} bytes in a tenth of a second"
        );
    }
}

#[test]
fn same_seed_same_actions() {
    let trace = || {
        let mut rig = Rig::new(64, PIECE, Mode::Protect);
        rig.origin();
        for id in 1..9 {
            rig.serving_peer(SourceId(id), Has::All);
        }
        for _ in 0..100 {
            rig.progress_all(16 << 10);
            rig.pass(Duration::from_millis(20));
            if let Some((job, _, span)) = rig.jobs().last().copied() {
                rig.end(job, Outcome::Done, span);
            }
        }
        rig.log.join("\n")
    };
    assert_eq!(trace(), trace());
}

#[test]
fn a_peer_without_what_it_promised_is_not_asked_for_it_again() {
    let mut rig = Rig::new(1, PIECE, Mode::Never);
    rig.serving_peer(ONE, Has::All);
    let (job, _, span) = rig.jobs()[0];
    rig.end(job, Outcome::Lacks(span), Span::default());
    rig.end_all(Outcome::Cancelled);
    assert!(rig.jobs().is_empty());
    rig.pass(60 * SECOND);
    assert!(rig.jobs().is_empty());
}

#[test]
fn pieces_that_broke_off_half_way_are_read_on_before_others_are_begun() {
    let mut rig = Rig::new(400, 4 << 20, Mode::Protect);
    rig.origin();
    rig.alone();
    for _ in 0..40 {
        rig.pass(2 * SECOND);
        rig.progress_of(ORIGIN, 16 << 10);
        rig.end_of(ORIGIN, Outcome::Broken);
    }
    // the credit is 64 MiB: sixteen of such pieces
    let begun = rig.touched().len();
    assert!((1..16).contains(&begun), "{begun} pieces");
    for _ in 0..400 {
        rig.pass(2 * SECOND);
        rig.end_of(ORIGIN, Outcome::Done);
        rig.verify_whole();
    }
    assert!(rig.scheduler.is_complete());
}

#[test]
fn half_pieces_of_peers_that_are_gone_keep_nobody_from_bringing_the_rest() {
    let mut rig = Rig::new(400, 4 << 20, Mode::Never);
    for id in 1..60u32 {
        let mut has = PieceSet::empty(400);
        has.insert(rig.layout.piece(id).unwrap());
        let source = SourceId(id);
        rig.serving_peer(source, Has::Set(has));
        rig.pass(SECOND);
        rig.progress_of(source, 16 << 10);
        rig.end_of(source, Outcome::Broken);
        rig.tell(Event::SourceDown {
            source,
            how: Down::Closed,
        });
    }
    let mut last = PieceSet::empty(400);
    last.insert(rig.layout.piece(300).unwrap());
    rig.serving_peer(SourceId(100), Has::Set(last));
    rig.pass(5 * SECOND);
    assert!(
        rig.jobs()
            .iter()
            .any(|(_, source, _)| *source == SourceId(100))
    );
}
