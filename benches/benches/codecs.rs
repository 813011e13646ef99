//! How fast bytes become values and values bytes: a .torrent file of 10,000 files, and the messages
//! of peers.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use swarmcopy_bt_wire::bencode::{self, Limits as BencodeLimits};
use swarmcopy_bt_wire::metainfo::{Builder, File, Form, METADATA_LEN_MAX, Torrent};
use swarmcopy_bt_wire::peer::{BLOCK_LEN, FrameHead, Limits, Message, encode_piece_header};

const FILES: u32 = 10_000;
const FILE_LEN: u64 = 300_000;
const PIECE_LEN: u32 = 1 << 20;
const MESSAGES: u32 = 1000;
const BLOCKS: u32 = 64;

/// A tree as software is: folders in folders, 10,000 files of 300 kB.
fn tree() -> Builder {
    let mut builder = Builder::new("suite", PIECE_LEN, Form::Tree);
    builder.files = (0..FILES)
        .map(|number| {
            let folder = format!("package-{:03}", number / 100);
            let names = vec!["lib".into(), folder, format!("module-{number:05}.bin")];
            File::new(names, FILE_LEN)
        })
        .collect();
    let pieces = (u64::from(FILES) * FILE_LEN).div_ceil(u64::from(PIECE_LEN));
    builder.pieces = vec![[7; 20]; usize::try_from(pieces).unwrap()];
    builder.trackers = vec![vec!["http://tracker.example:6969/announce".into()]];
    builder
}

/// Reading and writing the .torrent file.
fn torrent(criterion: &mut Criterion) {
    let builder = tree();
    let bytes = builder.build().unwrap().bytes;
    let limits = BencodeLimits::message(METADATA_LEN_MAX).with_node_max(1_000_000);
    let mut group = swarmcopy_benches::group(criterion, "codecs/torrent_of_10000_files");
    group.throughput(Throughput::Bytes(u64::try_from(bytes.len()).unwrap()));
    group.bench_function("bencode_parse", |bencher| {
        bencher.iter(|| {
            let document = bencode::parse(black_box(&bytes), &limits).unwrap();
            document.node_count()
        });
    });
    group.bench_function("metainfo_parse", |bencher| {
        bencher.iter(|| Torrent::parse(black_box(&bytes)).unwrap());
    });
    group.bench_function("build", |bencher| {
        bencher.iter(|| black_box(&builder).build().unwrap());
    });
    group.finish();
}

fn requests() -> Vec<Message> {
    (0..MESSAGES)
        .map(|index| Message::Request {
            index,
            begin: 0,
            len: BLOCK_LEN,
        })
        .collect()
}

fn blocks() -> Vec<Message> {
    let data = Bytes::from(swarmcopy_benches::noise(
        usize::try_from(BLOCK_LEN).unwrap(),
    ));
    (0..BLOCKS)
        .map(|index| Message::Piece {
            index,
            begin: 0,
            data: data.clone(),
        })
        .collect()
}

fn encode(messages: &[Message], out: &mut BytesMut) {
    out.clear();
    for message in messages {
        message.encode(out);
    }
}

/// Reads messages until the bytes end; returns how many there were.
fn decode(mut wire: Bytes, limits: &Limits) -> usize {
    let mut count = 0;
    while let Some((head, used)) = FrameHead::parse(&wire, limits).unwrap() {
        let payload_len = usize::try_from(head.payload_len()).unwrap();
        let mut frame = wire.split_to(used + payload_len);
        let payload = frame.split_off(used);
        black_box(Message::decode(&head, payload, limits).unwrap());
        count += 1;
    }
    count
}

/// Messages of peers; the figure is for one message.
fn messages(criterion: &mut Criterion) {
    let limits = Limits::for_pieces(MESSAGES);
    let mut group = swarmcopy_benches::group(criterion, "codecs/messages");
    for (name, messages) in [("requests", requests()), ("blocks", blocks())] {
        let mut out = BytesMut::new();
        encode(&messages, &mut out);
        let wire = out.clone().freeze();
        assert_eq!(decode(wire.clone(), &limits), messages.len());
        let count = u64::try_from(messages.len()).unwrap();
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("encode_{count}_{name}"), |bencher| {
            bencher.iter(|| encode(black_box(&messages), &mut out));
        });
        group.bench_function(format!("decode_{count}_{name}"), |bencher| {
            bencher.iter(|| decode(black_box(&wire).clone(), &limits));
        });
    }
    group.throughput(Throughput::Elements(u64::from(MESSAGES)));
    group.bench_function("encode_1000_piece_headers", |bencher| {
        bencher.iter(|| {
            for index in 0..MESSAGES {
                black_box(encode_piece_header(black_box(index), 0, BLOCK_LEN));
            }
        });
    });
    let heads: Vec<_> = (0..MESSAGES)
        .map(|index| encode_piece_header(index, 0, BLOCK_LEN))
        .collect();
    group.bench_function("parse_1000_piece_heads", |bencher| {
        bencher.iter(|| {
            for head in &heads {
                black_box(FrameHead::parse(black_box(head), &limits).unwrap());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, torrent, messages);
criterion_main!(benches);
