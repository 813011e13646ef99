//! Measures how fast bytes in memory become verified bytes in files.
//!
//! `cargo run --release -p swarmcopy-piece-store --example commit_speed -- [DIR [MIB [PIECE_KIB]]]`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, RelPath, Span};
use swarmcopy_piece_store::{Options, Shape, Store, StoreEvent, Target};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let mut args = std::env::args().skip(1);
    let dir = args
        .next()
        .map_or_else(|| PathBuf::from("/dev/shm"), PathBuf::from);
    let mib: u64 = args.next().map_or(Ok(512), |mib| mib.parse())?;
    let piece_kib: Option<u64> = args.next().map(|kib| kib.parse()).transpose()?;
    let piece_lens = piece_kib.map_or(vec![64 << 10, 512 << 10, 4 << 20], |kib| vec![kib << 10]);
    for round in 1..=3 {
        for &piece_len in &piece_lens {
            let seconds = copy(&dir.join("commit-speed"), mib << 20, piece_len)?;
            let [fed, verified, finished] = seconds.map(|s| rate(mib, s));
            let kib = piece_len >> 10;
            #[expect(clippy::print_stdout, reason = "the result is what the example is for")]
            {
                println!(
                    "round {round}, {kib} KiB pieces: fed {fed}, verified {verified}, finished {finished}"
                );
            }
        }
    }
    Ok(())
}

fn rate(mib: u64, seconds: f64) -> String {
    let mib = u32::try_from(mib).map_or(f64::NAN, f64::from);
    format!("{:.2} GB/s", mib * 1.048_576e-3 / seconds)
}

/// Copies that many bytes from memory; returns the seconds until all are handed over, verified and
/// written, and safe.
fn copy(dir: &std::path::Path, len: u64, piece_len: u64) -> Fallible<[f64; 3]> {
    let name = RelPath::parse("content")?;
    let layout = Layout::builder(piece_len).file(name.clone(), len).build()?;
    // one piece over and over: making noise is not what is measured
    let pattern: Vec<u8> = (0..=250)
        .cycle()
        .take(usize::try_from(piece_len)?)
        .collect();
    let digest = PieceDigest::Sha1(swarmcopy_digest::sha1(&pattern));
    let pieces = layout.pieces();
    let digests = PieceDigests::new(vec![digest; usize::try_from(pieces)?]);
    let target = Target::new(
        name,
        Shape::File,
        Arc::new(layout),
        Arc::new(digests),
        [1; 32],
    )?;
    let (events, told) = channel();
    let on_event = Box::new(move |event| events.send(event).unwrap_or_default());
    let (store, _) = Store::open(dir, target, &Options::default(), on_event)?;
    let start = Instant::now();
    let mut rest = Span::new(0, len);
    let mut waiting = 0;
    let mut verified = 0;
    while !rest.is_empty() {
        let Some((span, mut buffer)) = store.reserve(rest, 1) else {
            break;
        };
        let from = usize::try_from(span.start() % piece_len)?;
        let bytes = pattern
            .get(from..)
            .and_then(|tail| tail.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or("a run crosses a piece")?);
        store.commit(span, 1, buffer);
        rest = Span::between(span.end(), len);
        waiting += span.len();
        // as a scheduler would: no more than 64 MiB on the way
        while waiting - verified > 64 << 20 {
            verified += wait(&told, piece_len)?;
        }
    }
    let fed = start.elapsed().as_secs_f64();
    while verified < len {
        verified += wait(&told, piece_len)?;
    }
    let written = start.elapsed().as_secs_f64();
    store.finish()?;
    let finished = start.elapsed().as_secs_f64();
    drop(store);
    std::fs::remove_dir_all(dir)?;
    Ok([fed, written, finished])
}

fn wait(told: &std::sync::mpsc::Receiver<StoreEvent>, piece_len: u64) -> Fallible<u64> {
    match told.recv()? {
        StoreEvent::PieceOk { .. } => Ok(piece_len),
        event => Err(format!("{event:?}").into()),
    }
}
