//! Scripted sources: what they are asked for, and what becomes of their failures.

use std::collections::VecDeque;
use std::sync::Mutex;

use swarmcopy_layout::{Attributes, RelPath};

use super::*;
use crate::contract::{self, permit};
use crate::{Blame, Finding, MemorySink};

const MIB: u64 = 1 << 20;

/// What one read does.
#[derive(Debug, Clone)]
enum Does {
    Fails(RangeError),
    Panics,
    Hangs,
}

#[derive(Debug, Default)]
struct Scripted {
    script: Mutex<VecDeque<Does>>,
    asked: Mutex<Vec<(String, u64, u64)>>,
}

#[async_trait]
impl RangeSource for Scripted {
    fn name(&self) -> String {
        "store http://me:secret@store/bucket".to_owned()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    async fn read(&self, file: &FileEntry, at: u64, to: &mut [u8]) -> Result<(), RangeError> {
        let len = u64::try_from(to.len()).unwrap();
        let asked = (file.path().to_string(), at, len);
        self.asked.lock().unwrap().push(asked);
        let does = self.script.lock().unwrap().pop_front();
        match does {
            Some(Does::Fails(error)) => return Err(error),
            Some(Does::Panics) => panic!("index out of range"),
            Some(Does::Hangs) => std::future::pending().await,
            None => {}
        }
        for (byte, place) in to.iter_mut().zip(file.span().start() + at..) {
            *byte = byte_at(place);
        }
        Ok(())
    }
}

fn byte_at(place: u64) -> u8 {
    u8::try_from(place % 251).unwrap()
}

fn layout(files: &[(&str, u64, bool)]) -> Arc<Layout> {
    let mut builder = Layout::builder(MIB / 16);
    for (path, len, pad) in files {
        let attributes = if *pad {
            Attributes::pad()
        } else {
            Attributes::default()
        };
        builder.push(RelPath::parse(path).unwrap(), *len, attributes);
    }
    Arc::new(builder.build().unwrap())
}

struct Rig {
    source: Arc<Scripted>,
    inner: Arc<Inner>,
    layout: Arc<Layout>,
    sink: Arc<MemorySink>,
}

impl Rig {
    fn new(files: &[(&str, u64, bool)], script: &[Does], limits: Vec<Arc<Limiter>>) -> Self {
        let layout = layout(files);
        let source = Arc::new(Scripted::default());
        source.script.lock().unwrap().extend(script.iter().cloned());
        let origin = RangeOrigin::new(source.clone(), Arc::clone(&layout), limits);
        let len = usize::try_from(layout.len()).unwrap();
        Self {
            source,
            inner: origin.0,
            sink: Arc::new(MemorySink::new(len, layout.piece_len())),
            layout,
        }
    }

    async fn fetch(&self) -> Result<(), SourceError> {
        let (permit, _keeper) = permit(&self.layout).unwrap();
        let reader = RangeReader {
            inner: Arc::clone(&self.inner),
            gate: Gate::new(permit),
        };
        let sink = SpanSink::new(self.sink.clone());
        reader.fetch(Span::new(0, self.layout.len()), &sink).await
    }

    fn asked(&self) -> Vec<(String, u64, u64)> {
        self.source.asked.lock().unwrap().clone()
    }

    fn is_right(&self, pads: &[Span]) -> bool {
        let bytes = self.sink.to_vec();
        let is_pad = |at: u64| pads.iter().any(|pad| pad.contains(Span::new(at, 1)));
        bytes
            .iter()
            .zip(0..)
            .all(|(byte, at)| *byte == if is_pad(at) { 0 } else { byte_at(at) })
    }
}

#[tokio::test(start_paused = true)]
async fn long_runs_are_asked_for_and_not_pieces() {
    let rig = Rig::new(&[("a", 64 * MIB, false)], &[], Vec::new());
    rig.fetch().await.unwrap();
    assert!(rig.is_right(&[]));
    // 1,024 pieces
    assert_eq!(rig.asked().len(), 4);
}

#[tokio::test]
async fn pads_are_not_asked_for_and_runs_end_with_their_file() {
    let files = [
        ("a", 1000, false),
        ("pad", 64_536, true),
        ("b", 70_000, false),
    ];
    let rig = Rig::new(&files, &[], Vec::new());
    rig.fetch().await.unwrap();
    let asked = [("a".to_owned(), 0, 1000), ("b".to_owned(), 0, 70_000)];
    assert_eq!(rig.asked(), asked);
    assert!(rig.is_right(&[Span::new(1000, 64_536)]));
}

#[tokio::test]
async fn only_what_is_missing_is_asked_for() {
    let rig = Rig::new(&[("a", 300_000, false)], &[], Vec::new());
    let sink = SpanSink::new(rig.sink.clone());
    let there: Vec<u8> = (65_536..131_072).map(byte_at).collect();
    sink.put(65_536, &there);
    rig.fetch().await.unwrap();
    let asked = [
        ("a".to_owned(), 0, 65_536),
        ("a".to_owned(), 131_072, 168_928),
    ];
    assert_eq!(rig.asked(), asked);
    assert!(rig.is_right(&[]));
}

#[tokio::test(start_paused = true)]
async fn each_failure_says_what_to_do_and_shows_no_secret() {
    let busy = RangeError::Busy {
        what: "503".to_owned(),
        retry_after: Some(RUN_TIME),
    };
    let retry_after = Some(RUN_TIME);
    let told = |error| Does::Fails(error);
    for (does, blame, finding, lasting) in [
        (
            told(busy),
            Blame::Busy { retry_after },
            Finding::Busy,
            false,
        ),
        (
            told(RangeError::Broken(
                "reset by http://me:secret@h/".to_owned(),
            )),
            Blame::Broken,
            Finding::Down,
            false,
        ),
        (
            told(RangeError::Refused("403".to_owned())),
            Blame::Broken,
            Finding::Refuses,
            true,
        ),
        (Does::Panics, Blame::Broken, Finding::Down, true),
        (
            Does::Hangs,
            Blame::Busy { retry_after: None },
            Finding::Down,
            false,
        ),
    ] {
        let rig = Rig::new(&[("a", 100, false)], &[does], Vec::new());
        let start = tokio::time::Instant::now();
        let error = rig.fetch().await.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(21), "{error}");
        assert_eq!(error.blame(), blame, "{error}");
        assert_eq!(error.finding(), Some(finding), "{error}");
        assert_eq!(error.is_lasting(), lasting, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(rig.sink.filled().is_empty() && rig.sink.reserved().is_empty());
        // and it is asked again as if nothing had been
        rig.fetch().await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_does_not_keep_the_others() {
    let absent = Does::Fails(RangeError::Absent("404".to_owned()));
    let rig = Rig::new(
        &[("a", 100, false), ("b", 50, false)],
        &[absent],
        Vec::new(),
    );
    let error = rig.fetch().await.unwrap_err();
    assert_eq!(error.blame(), Blame::Lacks(Span::new(0, 100)));
    assert_eq!(rig.sink.filled().first(), Some(Span::new(100, 50)));
}

#[tokio::test(start_paused = true)]
async fn limits_hold_within_5_percent() {
    let limit = Arc::new(Limiter::new(Some(2_000_000)));
    let rig = Rig::new(&[("a", 10_000_000, false)], &[], vec![limit]);
    let start = tokio::time::Instant::now();
    rig.fetch().await.unwrap();
    let took = start.elapsed().as_secs_f64();
    assert!((took - 5.0).abs() < 0.25, "{took} s");
}

#[tokio::test]
async fn a_slow_source_is_asked_for_less_at_once() {
    let rig = Rig::new(&[("a", 100, false)], &[], Vec::new());
    let run_len = || rig.inner.run_len.load(Ordering::Relaxed);
    rig.inner.learn(RUN_MAX, RUN_TIME * 5);
    assert_eq!(run_len(), RUN_MAX / 2);
    for _ in 0..9 {
        rig.inner.learn(run_len(), RUN_TIME * 5);
    }
    assert_eq!(run_len(), RUN_MIN);
    for _ in 0..9 {
        rig.inner.learn(run_len(), RUN_TIME / 2);
    }
    assert_eq!(run_len(), RUN_MAX);
}

#[test]
fn a_source_that_panics_at_once_is_an_origin_all_the_same() {
    #[derive(Debug)]
    struct Nameless;
    #[async_trait]
    impl RangeSource for Nameless {
        fn name(&self) -> String {
            panic!("no name")
        }
        async fn read(&self, _: &FileEntry, _: u64, _: &mut [u8]) -> Result<(), RangeError> {
            Ok(())
        }
    }
    let origin = RangeOrigin::new(Arc::new(Nameless), layout(&[("a", 1, false)]), Vec::new());
    assert_eq!(
        (origin.name(), origin.streams_max()),
        ("source".to_owned(), 1)
    );
}

#[tokio::test]
async fn it_is_a_piece_source_like_any() {
    let files = [
        ("a", 100_000, false),
        ("pad", 31_072, true),
        ("b", 500_001, false),
    ];
    let layout = layout(&files);
    let bytes: Vec<u8> = (0..layout.len())
        .map(|at| {
            if (100_000..131_072).contains(&at) {
                0
            } else {
                byte_at(at)
            }
        })
        .collect();
    let source: Arc<dyn RangeSource> = Arc::new(Scripted::default());
    contract::check_ranges(source, &layout, bytes)
        .await
        .unwrap();
}
