//! How fast bytes in memory become verified bytes in files: 256 MiB through a store.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, RelPath, Span};
use swarmcopy_piece_store::{Options, Shape, Store, StoreEvent, Target};

const LEN: u64 = 256 << 20;
/// Bytes handed over and not yet verified, as the scheduler would allow.
const CREDIT: u64 = 64 << 20;
/// Longest wait for a piece.
const DEADLINE: Duration = Duration::from_mins(1);

/// A content that is one piece over and over.
fn target(piece: &[u8]) -> Target {
    let name = RelPath::parse("content").unwrap();
    let piece_len = u64::try_from(piece.len()).unwrap();
    let builder = Layout::builder(piece_len).file(name.clone(), LEN);
    let layout = Arc::new(builder.build().unwrap());
    let digest = PieceDigest::Sha1(swarmcopy_digest::sha1(piece));
    let pieces = usize::try_from(layout.pieces()).unwrap();
    let digests = Arc::new(PieceDigests::new(vec![digest; pieces]));
    Target::new(name, Shape::File, layout, digests, [1; 32]).unwrap()
}

/// Copies the content into `folder`; returns how long it took until all was verified and written.
fn copy(folder: &Path, piece: &[u8], target: &Target) -> Duration {
    let piece_len = target.layout().piece_len();
    let (events, told) = channel();
    let on_event = Box::new(move |event| events.send(event).unwrap_or_default());
    let (store, _) = Store::open(folder, target.clone(), &Options::default(), on_event).unwrap();
    let start = Instant::now();
    let mut verified = 0;
    let mut rest = Span::new(0, LEN);
    while !rest.is_empty() {
        let (span, mut buffer) = store.reserve(rest, 1).unwrap();
        let from = usize::try_from(span.start() % piece_len).unwrap();
        let bytes = &piece[from..from + buffer.len()];
        buffer.copy_from_slice(bytes);
        store.commit(span, 1, buffer);
        rest = Span::between(span.end(), LEN);
        while span.end() - verified > CREDIT {
            verified += wait_for_piece(&told, piece_len);
        }
    }
    while verified < LEN {
        verified += wait_for_piece(&told, piece_len);
    }
    let took = start.elapsed();
    store.finish().unwrap();
    took
}

fn wait_for_piece(told: &Receiver<StoreEvent>, piece_len: u64) -> u64 {
    match told.recv_timeout(DEADLINE).unwrap() {
        StoreEvent::PieceOk { .. } => piece_len,
        event => panic!("the store tells {event:?}"),
    }
}

fn commit(criterion: &mut Criterion) {
    let mut group = swarmcopy_benches::group(criterion, "store/commit_256_mib");
    group.sampling_mode(SamplingMode::Flat);
    group.measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Bytes(LEN));
    for (name, piece_len) in [("512_kib_pieces", 512 << 10), ("4_mib_pieces", 4 << 20)] {
        let piece = swarmcopy_benches::noise(piece_len);
        let target = target(&piece);
        let id = BenchmarkId::from_parameter(name);
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| {
                        let folder = swarmcopy_benches::scratch_folder().unwrap();
                        copy(folder.path(), &piece, &target)
                    })
                    .sum()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
