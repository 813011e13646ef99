//! The hot functions, each on an input of its own, for `ci/counts` to count their instructions.
//!
//! `counted` alone prints the names, `counted NAME` calls one. What must stay true: only functions of
//! `hot` are counted, none of them calls another, and an input is the same in each run.

use std::hint::black_box;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use swarmcopy_bt_wire::metainfo::{Builder, File, Form};
use swarmcopy_bt_wire::peer::{BLOCK_LEN, Limits, Message};
use swarmcopy_digest::Isa;
use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, PieceSet, RelPath};
use swarmcopy_piece_store::{MemoryDisk, Options, Shape, Store, Target};
use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_scheduler::{
    Config, Event, Has, Hello, Instant, NodeId, Scheduler, SourceId, SourceInfo,
};

/// What is counted.
mod hot {
    use std::time::Duration;

    use bytes::{Bytes, BytesMut};
    use swarmcopy_bt_wire::bencode::{self, Limits as BencodeLimits};
    use swarmcopy_bt_wire::metainfo::{METADATA_LEN_MAX, Torrent};
    use swarmcopy_bt_wire::peer::{FrameHead, Limits, Message};
    use swarmcopy_digest::{Isa, sha1_many_with};
    use swarmcopy_layout::{Layout, Span, Spans};
    use swarmcopy_piece_store::Store;
    use swarmcopy_scheduler::{Action, Event, Instant, Outcome, Scheduler};

    #[inline(never)]
    pub(super) fn sha1(isa: Isa, pieces: &[&[&[u8]]]) -> usize {
        sha1_many_with(isa, pieces).len()
    }

    #[inline(never)]
    pub(super) fn bencode(torrent: &[u8]) -> usize {
        let limits = BencodeLimits::message(METADATA_LEN_MAX).with_node_max(1_000_000);
        bencode::parse(torrent, &limits).unwrap().node_count()
    }

    #[inline(never)]
    pub(super) fn metainfo(torrent: &[u8]) -> usize {
        Torrent::parse(torrent).unwrap().info.files.len()
    }

    #[inline(never)]
    pub(super) fn encode(messages: &[Message], out: &mut BytesMut) -> usize {
        for message in messages {
            message.encode(out);
        }
        out.len()
    }

    #[inline(never)]
    pub(super) fn decode(mut wire: Bytes, limits: &Limits) -> usize {
        let mut count = 0;
        while let Some((head, used)) = FrameHead::parse(&wire, limits).unwrap() {
            let len = used + usize::try_from(head.payload_len()).unwrap();
            let mut frame = wire.split_to(len);
            drop(Message::decode(&head, frame.split_off(used), limits).unwrap());
            count += 1;
        }
        count
    }

    /// Copies all of a content whose bytes come as fast as they are asked for.
    #[inline(never)]
    pub(super) fn scheduler(scheduler: &mut Scheduler, layout: &Layout, news: Vec<Event>) -> usize {
        let mut now = Instant::from_micros(1);
        let mut events = 0;
        let mut tell = |scheduler: &mut Scheduler, now, event| {
            events += 1;
            scheduler.handle(now, event);
        };
        for event in news {
            tell(scheduler, now, event);
        }
        while !scheduler.is_complete() {
            let mut fetches = Vec::new();
            while let Some(action) = scheduler.poll_action() {
                if let Action::Fetch { job, span, .. } = action {
                    fetches.push((job, span));
                }
            }
            for (job, span) in fetches {
                now = now + Duration::from_millis(1);
                let (outcome, bytes, missing) = (Outcome::Done, span.len(), Spans::new());
                let pieces: Vec<_> = layout.pieces_of(span).collect();
                tell(
                    scheduler,
                    now,
                    Event::JobEnd {
                        job,
                        outcome,
                        bytes,
                        missing,
                    },
                );
                for piece in pieces {
                    tell(scheduler, now, Event::PieceOk { piece });
                }
            }
            if let Some(due) = scheduler.poll_timeout() {
                now = now.max(due);
                scheduler.handle_timeout(now);
            }
        }
        events
    }

    /// Takes memory for all blocks and hands it back filled; other threads do the rest.
    #[inline(never)]
    pub(super) fn store(store: &Store, len: u64, block_len: u64) -> usize {
        let mut rest = Span::new(0, len);
        let mut blocks = 0;
        while let Some((span, buffer)) = store.reserve(rest.head(block_len), 1) {
            store.commit(span, 1, buffer);
            rest = rest.after(span.len());
            blocks += 1;
        }
        blocks
    }
}

const NAMES: [&str; 8] = [
    "sha1_scalar",
    "sha1_avx2",
    "bencode",
    "metainfo",
    "encode",
    "decode",
    "scheduler",
    "store",
];
const FILES: u32 = 2000;
const MESSAGES: u32 = 2000;
const PIECE_LEN: u64 = 1 << 20;
const PIECES: u32 = 300;
const PEERS: u32 = 30;
const STORE_LEN: u64 = 16 << 20;

fn sha1(isa: Isa) -> usize {
    let bytes = swarmcopy_benches::noise(1 << 20);
    let parts: Vec<[&[u8]; 1]> = bytes.chunks(1 << 17).map(|piece| [piece]).collect();
    let pieces: Vec<&[&[u8]]> = parts.iter().map(<[&[u8]; 1]>::as_slice).collect();
    hot::sha1(isa, &pieces)
}

fn torrent() -> Vec<u8> {
    let mut builder = Builder::new("suite", 1 << 20, Form::Tree);
    let file = |number| {
        let folder = format!("package-{:03}", number / 100);
        let names = vec!["lib".into(), folder, format!("module-{number:05}.bin")];
        File::new(names, 300_000)
    };
    builder.files = (0..FILES).map(file).collect();
    builder.pieces = vec![[7; 20]; 573];
    builder.build().unwrap().bytes
}

fn messages() -> Vec<Message> {
    let data = Bytes::from(swarmcopy_benches::noise(64));
    let message = |index| match index % 4 {
        0 => Message::Have(index),
        1 => Message::Piece {
            index,
            begin: 0,
            data: data.clone(),
        },
        _ => Message::Request {
            index,
            begin: 0,
            len: BLOCK_LEN,
        },
    };
    (0..MESSAGES).map(message).collect()
}

fn decode() -> usize {
    let mut wire = BytesMut::new();
    for message in messages() {
        message.encode(&mut wire);
    }
    hot::decode(wire.freeze(), &Limits::for_pieces(MESSAGES))
}

fn layout(len: u64) -> Arc<Layout> {
    let builder = Layout::builder(PIECE_LEN).file(RelPath::parse("content").unwrap(), len);
    Arc::new(builder.build().unwrap())
}

fn scheduler() -> usize {
    let layout = layout(PIECE_LEN * u64::from(PIECES));
    let config = Config::new(OriginConfig::new(NodeId([9; 8]), [1; 32]));
    let (wanted, have) = (PieceSet::full(PIECES), PieceSet::empty(PIECES));
    let mut scheduler = Scheduler::new(
        config,
        Arc::clone(&layout),
        wanted,
        have,
        (Instant::ZERO, 1),
    );
    let news = (0..PEERS).flat_map(|peer| {
        let source = SourceId(peer);
        let node = NodeId(u64::from(peer + 1).to_be_bytes());
        let hello = Some(Hello {
            node,
            ..Hello::default()
        });
        let info = SourceInfo::Peer { hello };
        let has = Has::Set(PieceSet::full(PIECES));
        [
            Event::SourceUp { source, info },
            Event::SourceHas { source, has },
            Event::Unchoked { source },
        ]
    });
    hot::scheduler(&mut scheduler, &layout, news.collect())
}

fn store() -> usize {
    let layout = layout(STORE_LEN);
    let digest = PieceDigest::Sha1(swarmcopy_digest::sha1(&vec![0; 1 << 20]));
    let pieces = usize::try_from(layout.pieces()).unwrap();
    let digests = Arc::new(PieceDigests::new(vec![digest; pieces]));
    let name = RelPath::parse("content").unwrap();
    let target = Target::new(name, Shape::File, layout, digests, [1; 32]).unwrap();
    let disk = Arc::new(MemoryDisk::new());
    let (store, _) = Store::open_on(disk, target, &Options::default(), Box::new(|_| ())).unwrap();
    hot::store(&store, STORE_LEN, u64::from(BLOCK_LEN))
}

fn main() {
    let Some(name) = std::env::args().nth(1) else {
        println!("{}", NAMES.join(" "));
        return;
    };
    let done = match name.as_str() {
        "sha1_scalar" => sha1(Isa::Scalar),
        "sha1_avx2" if !Isa::Avx2.is_available() => 0,
        "sha1_avx2" => sha1(Isa::Avx2),
        "bencode" => hot::bencode(&torrent()),
        "metainfo" => hot::metainfo(&torrent()),
        "encode" => hot::encode(&messages(), &mut BytesMut::with_capacity(1 << 20)),
        "decode" => decode(),
        "scheduler" => scheduler(),
        "store" => store(),
        _ => panic!("no such function: {name}"),
    };
    println!("{}", black_box(done));
}
