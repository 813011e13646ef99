//! A made-up content, and a store to pour it into.
#![expect(dead_code, reason = "each test program uses another part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use swarmcopy_layout::{
    Attributes, Layout, PieceDigest, PieceDigests, PieceIndex, PieceSet, RelPath, Span,
};
use swarmcopy_piece_store::{
    Disk, OnEvent, Options, Resume, Shape, Store, StoreError, StoreEvent, Target,
};

/// Nothing here takes that long.
const DEADLINE: Duration = Duration::from_mins(3);

pub(crate) struct Sample {
    pub(crate) target: Target,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn path(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

impl Sample {
    pub(crate) fn new(shape: Shape, layout: Layout) -> Self {
        let mut bytes = noise(usize::try_from(layout.len()).unwrap(), 7);
        for (_, file) in layout.files().filter(|(_, file)| file.attributes().pad) {
            bytes[range(file.span())].fill(0);
        }
        let digests = layout
            .piece_indexes()
            .map(|piece| swarmcopy_digest::sha1(&bytes[range(layout.piece_span(piece))]))
            .map(PieceDigest::Sha1)
            .collect();
        let digests = Arc::new(PieceDigests::new(digests));
        let target = Target::new(path("NAME"), shape, Arc::new(layout), digests, [7; 32]);
        Self {
            target: target.unwrap(),
            bytes,
        }
    }

    /// A tree with small, large, empty and pad files and a program; 11 pieces of 16 KiB.
    pub(crate) fn tree() -> Self {
        let mut builder = Layout::builder(16 << 10)
            .file(path("a/small one"), 1000)
            .file(path("a/b/large #1"), 100_000)
            .file(path("empty"), 0);
        builder.push(
            path("bin/tool"),
            12_345,
            Attributes::default().with_executable(true),
        );
        builder.push(path(".pad/1"), 1343, Attributes::pad());
        builder = builder
            .file(path("z/ü"), 50_000)
            .file(path("last empty"), 0);
        Self::new(Shape::Tree, builder.build().unwrap())
    }

    pub(crate) fn file(len: u64, piece_len: u64) -> Self {
        let layout = Layout::builder(piece_len)
            .file(path("other name"), len)
            .build()
            .unwrap();
        Self::new(Shape::File, layout)
    }

    pub(crate) fn piece(&self, index: u32) -> PieceIndex {
        self.target.layout().piece(index).unwrap()
    }

    pub(crate) fn span(&self, index: u32) -> Span {
        self.target.layout().piece_span(self.piece(index))
    }

    pub(crate) fn whole(&self) -> Span {
        Span::new(0, self.target.layout().len())
    }

    /// The files as they should lie below DIR.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let name = Path::new("NAME");
        let place = |at: &RelPath| match self.target.shape() {
            Shape::Tree => name.join(at.as_str()),
            Shape::File => name.to_owned(),
        };
        let stored = self.target.stored_files();
        stored
            .map(|(_, file)| (place(file.path()), self.bytes[range(file.span())].to_vec()))
            .collect()
    }

    pub(crate) fn open_on(
        &self,
        disk: Arc<dyn Disk>,
        options: &Options,
    ) -> Result<Opened, StoreError> {
        let (on_event, events) = events();
        let (store, resume) = Store::open_on(disk, self.target.clone(), options, on_event)?;
        Ok(Opened {
            store,
            resume,
            events,
        })
    }

    pub(crate) fn open(&self, dir: &Path) -> Result<Opened, StoreError> {
        let (on_event, events) = events();
        let opened = Store::open(dir, self.target.clone(), &Options::default(), on_event);
        let (store, resume) = opened?;
        Ok(Opened {
            store,
            resume,
            events,
        })
    }
}

pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) resume: Resume,
    pub(crate) events: Receiver<StoreEvent>,
}

impl Opened {
    /// Fills what is missing of `span` with the right bytes, in blocks.
    pub(crate) fn feed(&self, sample: &Sample, span: Span, sender: u32) {
        self.feed_with(span, sender, |span, buffer| {
            buffer.copy_from_slice(&sample.bytes[range(span)]);
        });
    }

    pub(crate) fn feed_with(&self, span: Span, sender: u32, put: impl Fn(Span, &mut [u8])) {
        let mut rest = span;
        while !rest.is_empty() {
            let block = rest.head(16 << 10);
            let mut open = block;
            while let Some((span, mut buffer)) = self.store.reserve(open, sender) {
                put(span, &mut buffer);
                self.store.commit(span, sender, buffer);
                open = Span::between(span.end(), block.end());
            }
            rest = rest.after(block.len());
        }
    }

    pub(crate) fn next(&self) -> StoreEvent {
        self.events
            .recv_timeout(DEADLINE)
            .expect("the store says nothing")
    }

    /// Waits until so many pieces more are verified; anything else fails.
    pub(crate) fn wait_ok(&self, pieces: u32) {
        for _ in 0..pieces {
            let event = self.next();
            assert!(matches!(event, StoreEvent::PieceOk { .. }), "{event:?}");
        }
    }
}

fn events() -> (OnEvent, Receiver<StoreEvent>) {
    let (sender, receiver) = channel();
    (
        Box::new(move |event| sender.send(event).unwrap_or_default()),
        receiver,
    )
}

pub(crate) fn range(span: Span) -> std::ops::Range<usize> {
    usize::try_from(span.start()).unwrap()..usize::try_from(span.end()).unwrap()
}

pub(crate) fn indexes(set: &PieceSet) -> Vec<u32> {
    set.iter().map(PieceIndex::value).collect()
}
