//! Rules of recordings: they play the same, tell no names, and no bytes do harm.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use swarmcopy_layout::{Layout, PieceSet, RelPath};
use swarmcopy_scheduler::origin::{OriginConfig, SlotMessage};
use swarmcopy_scheduler::{
    Action, Config, Discovery, Down, Event, Has, Hello, Instant, NodeId, OriginKind, OriginTag,
    Outcome, Reason, Scheduler, SourceId, SourceInfo,
};

use crate::parts::Parts;
use crate::{Head, Names, Recorder, ReplayError, replay};

const SECRET: &str = "top-secret-lab";

fn head(seed: u64) -> Head {
    let layout = Layout::builder(16_384).file(RelPath::parse("f").unwrap(), 1_000_000);
    let layout = Arc::new(layout.build().unwrap());
    let mut origin = OriginConfig::new(NodeId([1; 8]), [2; 32]);
    origin.group = SECRET.to_owned();
    Head {
        program: "test".to_owned(),
        config: Config::new(origin),
        wanted: PieceSet::full(layout.pieces()),
        have: PieceSet::empty(layout.pieces()),
        start: Instant::from_micros(500),
        seed,
        layout,
    }
}

/// A machine that copies from an origin and a peer, recorded.
struct Machine {
    scheduler: Scheduler,
    recorder: Recorder,
    head: Head,
    now: u64,
}

impl Machine {
    fn new(path: &Path, head: Head, names: Names) -> Self {
        let recorder = Recorder::create(path, head.clone(), names, 99).unwrap();
        Self {
            scheduler: head.scheduler(),
            recorder,
            now: head.start.micros(),
            head,
        }
    }

    fn tell(&mut self, event: Event) {
        let now = Instant::from_micros(self.now);
        self.recorder.event(now, &event);
        self.scheduler.handle(now, event);
        self.act();
    }

    fn act(&mut self) {
        let now = Instant::from_micros(self.now);
        let mut ends = Vec::new();
        while let Some(action) = self.scheduler.poll_action() {
            self.recorder.action(now, &action);
            if let Action::Fetch { job, span, .. } = action {
                ends.push((job, span));
            }
        }
        for (job, span) in ends {
            self.tell(Event::JobEnd {
                job,
                outcome: Outcome::Done,
                bytes: span.len(),
                missing: swarmcopy_layout::Spans::default(),
            });
            let layout = Arc::clone(&self.head.layout);
            let pieces: Vec<_> = layout.pieces_of(span).collect();
            for piece in pieces {
                let whole = layout.piece_span(piece).intersection(span) == layout.piece_span(piece);
                if whole {
                    self.tell(Event::PieceOk { piece });
                }
            }
        }
    }

    fn pass(&mut self, until: u64) {
        while let Some(due) = self.scheduler.poll_timeout()
            && due.micros() <= until
        {
            self.now = self.now.max(due.micros());
            let now = Instant::from_micros(self.now);
            self.recorder.timeout(now);
            self.scheduler.handle_timeout(now);
            self.act();
        }
        self.now = until;
    }

    fn play(mut self) {
        let hello = Hello {
            node: NodeId([9; 8]),
            origins: vec![OriginTag::of(SECRET)],
            readers_max: 3,
            group: Some(SECRET.to_owned()),
            ..Hello::default()
        };
        self.recorder
            .name(Instant::ZERO, SourceId(0), "mirror", SECRET);
        self.tell(Event::SourceUp {
            source: SourceId(0),
            info: SourceInfo::Origin {
                kind: OriginKind::Mirror,
                tag: OriginTag::of(SECRET),
                streams_max: 4,
            },
        });
        self.tell(Event::SourceUp {
            source: SourceId(1),
            info: SourceInfo::Peer { hello: Some(hello) },
        });
        let message = SlotMessage {
            group: SECRET.to_owned(),
            readers_max: 3,
            node: NodeId([9; 8]),
            bad: vec![(OriginTag::of(SECRET), 3)],
            ..SlotMessage::default()
        };
        self.tell(Event::Slots {
            source: SourceId(1),
            message,
        });
        self.tell(Event::Discovery(Discovery::Met));
        self.pass(300_000);
        let piece = self.head.layout.piece(7).unwrap();
        let has = Has::Piece(piece);
        self.tell(Event::SourceHas {
            source: SourceId(1),
            has,
        });
        self.tell(Event::Unchoked {
            source: SourceId(1),
        });
        self.pass(4_000_000);
        self.tell(Event::SourceDown {
            source: SourceId(1),
            how: Down::Reset,
        });
        self.pass(9_000_000);
    }
}

fn record(path: &Path, names: Names) {
    Machine::new(path, head(5), names).play();
}

#[test]
fn what_is_played_again_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    for names in [Names::Hidden, Names::Kept] {
        record(&path, names);
        let replay = replay(&path).unwrap();
        assert!(replay.is_same(), "{:?}", replay.differences);
        assert!(replay.events > 60 && replay.decisions > 60);
        assert!(replay.complete.is_some());
        let sum: u64 = replay.rates.iter().flat_map(|second| second.values()).sum();
        assert_eq!(sum, 1_000_000);
        assert_eq!(replay.verified.last(), Some(&replay.head.layout.pieces()));
    }
}

/// A head whose every number is so many percent of the usual.
fn scaled(percent: u32) -> Head {
    let mut head = head(5);
    for name in swarmcopy_scheduler::Tuning::NAMES {
        head.config.tuning.scale(name, percent);
    }
    for name in swarmcopy_scheduler::origin::Tuning::NAMES {
        head.config.origin.tuning.scale(name, percent);
    }
    head
}

#[test]
fn what_was_decided_by_other_numbers_is_played_by_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    Machine::new(&path, scaled(300), Names::Kept).play();
    let played = replay(&path).unwrap();
    assert!(played.is_same(), "{:?}", played.differences);
    let (told, meant) = (&played.head.config, scaled(300).config);
    assert_eq!(told.tuning, meant.tuning);
    assert_eq!(told.origin.tuning, meant.origin.tuning);
    // the same with the usual numbers would have been decided otherwise
    let mut machine = Machine::new(&path, head(5), Names::Kept);
    machine.scheduler = scaled(300).scheduler();
    machine.play();
    assert!(!replay(&path).unwrap().is_same());
}

#[test]
fn numbers_that_can_not_be_stop_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    for percent in [0, u32::MAX] {
        Machine::new(&path, scaled(percent), Names::Kept).play();
        assert!(replay(&path).unwrap().is_same(), "{percent}");
    }
}

#[test]
fn names_are_not_told_unless_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|it| it == what);
    record(&path, Names::Hidden);
    let hidden = std::fs::read(&path).unwrap();
    assert!(!holds(&hidden, SECRET.as_bytes()));
    let tag = OriginTag::of(SECRET).0;
    assert!(
        !holds(&hidden, &tag),
        "a tag can be found by trying addresses"
    );
    record(&path, Names::Kept);
    let kept = std::fs::read(&path).unwrap();
    assert!(holds(&kept, SECRET.as_bytes()) && holds(&kept, &tag));
}

#[test]
fn another_seed_differs_and_it_is_told_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    let mut machine = Machine::new(&path, head(5), Names::Kept);
    let mut other = head(5);
    other.config.origin.readers_max = 1;
    other.config.origin.mode = swarmcopy_scheduler::origin::Mode::Fast;
    machine.scheduler = other.scheduler();
    machine.play();
    let replay = replay(&path).unwrap();
    assert!(replay.differ > 0 && !replay.is_same());
    let first = &replay.differences[0];
    assert!(first.then != first.now, "{first:?}");
}

#[test]
fn a_recording_that_was_cut_plays_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    let mut machine = Machine::new(&path, head(5), Names::Kept);
    machine.tell(Event::Discovery(Discovery::Off));
    machine.recorder.flush();
    machine.play();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    let cut = replay(&path).unwrap();
    assert_eq!((cut.differ, cut.events), (0, 1));
}

#[test]
fn of_a_recording_that_is_full_the_beginning_and_the_end_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    let parts = Parts::create_with(&path, 12_000).unwrap();
    let mut recorder = Recorder::start(parts, head(5), Names::Hidden, 99).unwrap();
    let (begin, between, end) = (
        Reason::OriginSlotHeld,
        Reason::DeniedClaimed,
        Reason::OriginFast,
    );
    // fewer blocks than may wait for the disk
    for block in 0..50 {
        let reason = match block {
            0 => begin,
            1..5 => between,
            _ => end,
        };
        for turn in 0..600 {
            let now = Instant::from_micros(1_000_000 * block + 1000 * turn);
            recorder.event(now, &Event::Discovery(Discovery::Off));
            recorder.action(
                now,
                &Action::Explain {
                    reason,
                    source: None,
                    piece: None,
                },
            );
        }
        recorder.flush();
    }
    drop(recorder);
    let kept = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(kept, 8);
    let told = replay(&path).unwrap();
    let seconds = (told.gap.unwrap(), told.seconds);
    assert!(seconds.0 < 45.0 && seconds.1 > 49.0, "{seconds:?}");
    // what went is not told; what was named first in it is
    let reasons: Vec<_> = told.reasons.keys().map(String::as_str).collect();
    assert_eq!(reasons, [end.code(), begin.code()]);
    assert_eq!(told.reasons[begin.code()], 600);
}

#[test]
fn what_is_no_recording_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    for bytes in [&b""[..], b"\x08SCREC\0\0\x04", b"hello, world", &[0xff; 40]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(
            matches!(replay(&path), Err(ReplayError::Broken(_))),
            "{bytes:?}"
        );
    }
    assert!(matches!(
        replay(&dir.path().join("none")),
        Err(ReplayError::Io(_))
    ));
}

#[test]
fn layouts_keep_their_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rec");
    let mut by_file = Layout::builder_by_file(100);
    for (at, (len, cut)) in [(150, 100), (30, 20), (7, 7), (7, 7)]
        .into_iter()
        .enumerate()
    {
        let name = RelPath::parse(&format!("f{at}")).unwrap();
        by_file.push_cut(name, len, swarmcopy_layout::Attributes::default(), cut);
    }
    let short = Layout::builder(16_384).file(RelPath::parse("f").unwrap(), 100);
    for builder in [by_file, short] {
        let layout = Arc::new(builder.build().unwrap());
        let mut head = head(5);
        (head.wanted, head.have) = (
            PieceSet::full(layout.pieces()),
            PieceSet::empty(layout.pieces()),
        );
        head.layout = Arc::clone(&layout);
        drop(Recorder::create(&path, head, Names::Kept, 0).unwrap());
        let read = replay(&path).unwrap().head.layout;
        assert_eq!(read.piece_len(), layout.piece_len());
        let spans = |layout: &Layout| -> BTreeSet<_> {
            let pieces = layout.piece_indexes();
            pieces
                .map(|piece| {
                    (
                        layout.piece_span(piece).start(),
                        layout.piece_span(piece).len(),
                    )
                })
                .collect()
        };
        assert_eq!(spans(&read), spans(&layout));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_do_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rec");
        record(&path, Names::Hidden);
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        std::fs::write(&path, &bytes).unwrap();
        // whatever it says: it ends, and it says why
        if let Err(error) = replay(&path) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
