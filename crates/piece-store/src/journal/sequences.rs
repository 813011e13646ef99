//! Writes to a journal, and what a disk may do to it, one after another; and what must hold whatever that is.

use std::collections::BTreeSet;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, RelPath};

use super::*;
use crate::Shape;
use crate::disk::MemoryDisk;

/// Words of a script that are played.
const WORDS_MAX: usize = 100;
const PIECES: u32 = 50;
const PATH: &str = "f.swarmcopy";
/// Longest journal that a script makes.
const LEN_MAX: usize = 1 << 20;

#[derive(Debug, Arbitrary)]
enum Word {
    Append(Vec<(u8, Option<u32>)>),
    Reopen,
    /// The file ends earlier.
    Cut(u16),
    /// A byte is another.
    Flip {
        at: u16,
        by: u8,
    },
    /// The file is something else.
    Replace(Vec<u8>),
    /// More lies behind its end.
    Grow(Vec<u8>),
}

fn target() -> Target {
    let path = RelPath::parse("f").unwrap();
    let layout = Layout::builder(16).file(path.clone(), 16 * u64::from(PIECES));
    let layout = Arc::new(layout.build().unwrap());
    let digests = vec![PieceDigest::Sha1([0; 20]); layout.pieces() as usize];
    let digests = Arc::new(PieceDigests::new(digests));
    Target::new(path, Shape::File, layout, digests, [7; 32]).unwrap()
}

struct Bench {
    disk: Arc<MemoryDisk>,
    target: Target,
    journal: Option<Journal>,
    /// All pieces that were ever recorded.
    told: BTreeSet<u32>,
    /// Those that must be there: nothing was done to the file since.
    due: BTreeSet<u32>,
}

impl Bench {
    fn new() -> Self {
        Self {
            disk: Arc::new(MemoryDisk::new()),
            target: target(),
            journal: None,
            told: BTreeSet::new(),
            due: BTreeSet::new(),
        }
    }

    fn open(&mut self) {
        self.journal = None;
        let disk: Arc<dyn Disk> = Arc::<MemoryDisk>::clone(&self.disk);
        let (journal, recorded) = Journal::open(disk, PATH.into(), &self.target).unwrap();
        let found: BTreeSet<u32> = recorded.pieces.iter().map(|piece| piece.value()).collect();
        assert!(found.is_subset(&self.told), "a piece that nobody recorded");
        assert!(found.is_superset(&self.due), "a recorded piece is lost");
        self.due.clone_from(&found);
        let len = self.bytes().len();
        assert!(len >= HEADER_LEN && (len - HEADER_LEN).is_multiple_of(RECORD_LEN));
        self.journal = Some(journal);
    }

    fn bytes(&self) -> Vec<u8> {
        self.disk.bytes(Path::new(PATH)).unwrap_or_default()
    }

    /// Something is done to the file behind the journal's back.
    fn damage(&mut self, damage: impl FnOnce(&mut Vec<u8>)) {
        self.journal = None;
        let mut bytes = self.bytes();
        damage(&mut bytes);
        bytes.truncate(LEN_MAX);
        self.disk.put(Path::new(PATH), &bytes);
        self.due.clear();
        self.open();
    }

    fn append(&mut self, records: &[(u8, Option<u32>)]) {
        let records: Vec<_> = records
            .iter()
            .map(|(number, stamp)| match stamp {
                Some(stamp) => Record::Stamp {
                    file: 0,
                    stamp: *stamp,
                },
                None => Record::Piece(u32::from(*number) % PIECES),
            })
            .collect();
        for record in &records {
            if let Record::Piece(piece) = record {
                self.told.insert(*piece);
                self.due.insert(*piece);
            }
        }
        self.journal.as_mut().unwrap().append(&records).unwrap();
    }

    fn play(&mut self, word: &Word) {
        match word {
            Word::Append(records) => self.append(records),
            Word::Reopen => self.open(),
            Word::Cut(len) => self.damage(|bytes| bytes.truncate((*len).into())),
            Word::Flip { at, by } => self.damage(|bytes| {
                if let Some(at) = usize::from(*at).checked_rem(bytes.len()) {
                    bytes[at] ^= by;
                }
            }),
            Word::Replace(with) => self.damage(|bytes| bytes.clone_from(with)),
            Word::Grow(more) => self.damage(|bytes| bytes.extend_from_slice(more)),
        }
    }
}

/// Whatever is done to a journal: what is read back was recorded, what was recorded and not touched is read back, and
/// it can be written again.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(mut words) = Vec::<Word>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    words.truncate(WORDS_MAX);
    let mut bench = Bench::new();
    bench.open();
    for word in &words {
        bench.play(word);
    }
    bench.append(&[(1, None), (2, None)]);
    bench.open();
    assert!(bench.due.contains(&1) && bench.due.contains(&2));
}
