//! What it costs to record: the time for an event and a decision, and the bytes that they take.
//!
//! `cargo run --release -p swarmcopy-recording --example cost`. A busy copy has a few thousand of each in a second.

use std::sync::Arc;
use std::time::Instant as Clock;

use swarmcopy_layout::{Layout, PieceSet, RelPath};
use swarmcopy_recording::{Head, Names, Recorder};
use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_scheduler::{Action, Config, Event, Has, Instant, JobId, NodeId, SourceId};

/// Events, and as many decisions.
const EVENTS: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let layout = Layout::builder(1 << 20).file(RelPath::parse("f")?, 4 << 30);
    let layout = Arc::new(layout.build()?);
    let head = Head {
        program: "cost".to_owned(),
        config: Config::new(OriginConfig::new(NodeId([1; 8]), [2; 32])),
        wanted: PieceSet::full(layout.pieces()),
        have: PieceSet::empty(layout.pieces()),
        start: Instant::ZERO,
        seed: 1,
        layout: Arc::clone(&layout),
    };
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("recording");
    let mut recorder = Recorder::create(&path, head, Names::Hidden, 7)?;
    let pieces: Vec<_> = layout.piece_indexes().collect();
    let begin = Clock::now();
    for (number, piece) in (0..EVENTS).zip(pieces.iter().cycle()) {
        let now = Instant::from_micros(u64::from(number) * 300);
        let (source, job) = (SourceId(number % 60), JobId(u64::from(number)));
        let event = match number % 2 {
            0 => Event::Progress {
                job,
                bytes: 16 << 10,
            },
            _ => Event::SourceHas {
                source,
                has: Has::Piece(*piece),
            },
        };
        recorder.event(now, &event);
        let span = layout.piece_span(*piece);
        recorder.action(now, &Action::Fetch { job, source, span });
        if number % 1000 == 0 {
            recorder.flush();
        }
    }
    let took = begin.elapsed();
    drop(recorder);
    let (mut len, mut parts) = (0, 0);
    for part in std::fs::read_dir(dir.path())? {
        (len, parts) = (len + part?.metadata()?.len(), parts + 1);
    }
    let each = took.as_secs_f64() / f64::from(EVENTS);
    println!(
        "{:.2} us for an event and a decision: 1 % of a core takes {:.0} a second; {parts} files of {:.1} MB are kept",
        each * 1e6,
        0.01 / each,
        f64::from(u32::try_from(len / 1000)?) / 1000.0,
    );
    Ok(())
}
