//! The resume journal NAME.swarmcopy: which pieces are verified and safe on the disk.
//!
//! One append-only file, locked against other processes. What must stay true: a piece is recorded
//! only by a caller that has synchronised its bytes; what is read back was recorded for exactly this
//! content and layout; everything from the first wrong record on is cut.

use std::collections::HashMap;
use std::io::{self, ErrorKind, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;

use swarmcopy_layout::PieceSet;

use crate::disk::{Disk, DiskLock, FileStat};
use crate::error::StoreError;
use crate::files::{u64_of, usize_of};
use crate::target::Target;

mod record;
#[cfg(any(test, fuzzing))]
pub(crate) mod sequences;

pub(crate) use record::Record;
use record::{HEADER_LEN, RECORD_LEN, crc32, header};

/// Bytes of a journal that are read at once.
const CHUNK_LEN: usize = 4096 * RECORD_LEN;

/// What an earlier run recorded.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) pieces: PieceSet,
    /// By file: its stamp when pieces of it were last recorded.
    pub(crate) stamps: HashMap<u32, u32>,
}

/// Folds what tells whether a file was changed.
pub(crate) fn stamp(stat: FileStat) -> u32 {
    crc32(
        stat.len
            .to_le_bytes()
            .into_iter()
            .chain(stat.modified_ns.to_le_bytes()),
    )
}

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    end: u64,
    lock: Option<Box<dyn DiskLock>>,
}

impl Journal {
    /// Locks and reads the journal of `target`, or starts a new one; one of another content or
    /// layout is replaced.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        path: PathBuf,
        target: &Target,
    ) -> Result<(Self, Recorded), StoreError> {
        let shown = disk.display_path(&path);
        let lock = disk.lock(&path).map_err(|cause| match cause.kind() {
            ErrorKind::WouldBlock => StoreError::Locked {
                path: shown.clone(),
            },
            _ => StoreError::disk("open", &shown, cause),
        })?;
        let mut journal = Self {
            disk,
            path,
            end: 0,
            lock: Some(lock),
        };
        let recorded = journal.load(target)?;
        Ok((journal, recorded))
    }

    fn load(&mut self, target: &Target) -> Result<Recorded, StoreError> {
        let shown = self.disk.display_path(&self.path);
        let reads = |cause| StoreError::disk("read", &shown, cause);
        let writes = |cause| StoreError::disk("write", &shown, cause);
        let pieces = PieceSet::empty(target.layout().pieces());
        let mut recorded = Recorded {
            pieces,
            stamps: HashMap::new(),
        };
        let expected = header(target);
        let mut found = [0; HEADER_LEN];
        if self.read(&mut found, 0).map_err(reads)? == HEADER_LEN && found == expected {
            self.end = u64_of(HEADER_LEN);
            self.load_records(target, &mut recorded).map_err(reads)?;
            let cut = self.disk.set_len(&self.path, self.end);
            cut.map_err(writes)?;
        } else {
            let header = &mut [IoSlice::new(&expected)];
            let begun = self.disk.set_len(&self.path, 0);
            begun
                .and_then(|()| self.disk.write_at(&self.path, header, 0))
                .map_err(writes)?;
            self.end = u64_of(HEADER_LEN);
        }
        Ok(recorded)
    }

    fn load_records(&mut self, target: &Target, recorded: &mut Recorded) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK_LEN];
        loop {
            let read = self.read(&mut chunk, self.end)?;
            let whole = chunk.get(..read - read % RECORD_LEN).unwrap_or_default();
            for bytes in whole.chunks(RECORD_LEN) {
                let Some(record) = Record::decode(bytes, self.end) else {
                    return Ok(());
                };
                if !recorded.take(record, target) {
                    return Ok(());
                }
                self.end += u64_of(RECORD_LEN);
            }
            if read < chunk.len() {
                return Ok(());
            }
        }
    }

    /// Reads as much as there is, up to the whole buffer.
    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self
                .disk
                .read_at(&self.path, rest, offset.saturating_add(u64_of(done)))?
            {
                0 => break,
                read => done += read,
            }
        }
        Ok(done)
    }

    /// Appends records and waits until they are safe.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(records.len().saturating_mul(RECORD_LEN));
        let mut at = self.end;
        for record in records {
            bytes.extend_from_slice(&record.encode(at));
            at = at.saturating_add(u64_of(RECORD_LEN));
        }
        let done = self
            .disk
            .write_at(&self.path, &mut [IoSlice::new(&bytes)], self.end)
            .and_then(|()| self.disk.sync(std::slice::from_ref(&self.path)));
        done.map_err(|cause| {
            StoreError::disk("write", &self.disk.display_path(&self.path), cause)
        })?;
        self.end = at;
        Ok(())
    }

    /// Removes the journal: the copy is complete.
    pub(crate) fn remove(mut self) -> Result<(), StoreError> {
        self.lock = None;
        let shown = self.disk.display_path(&self.path);
        self.disk
            .remove(&self.path)
            .map_err(|cause| StoreError::disk("remove", &shown, cause))
    }
}

impl Recorded {
    /// Takes a record; tells whether it can be one of this content.
    fn take(&mut self, record: Record, target: &Target) -> bool {
        match record {
            Record::Piece(index) => {
                let piece = target.layout().piece(index);
                piece.is_some_and(|piece| {
                    self.pieces.insert(piece);
                    true
                })
            }
            Record::Stamp { file, stamp } => {
                let there = usize_of(u64::from(file)) < target.layout().files().len();
                if there {
                    self.stamps.insert(file, stamp);
                }
                there
            }
        }
    }
}
