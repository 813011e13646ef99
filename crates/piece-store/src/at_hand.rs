//! What a store takes without anybody bringing it: bytes that lie on the disk, or in an older copy.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use swarmcopy_layout::{FileIndex, PieceIndex, PieceSet};

use crate::adopt::{Lender, adopt};
use crate::error::StoreError;
use crate::scan::scan;
use crate::store::Store;

impl Store {
    /// Hashes pieces that lie on the disk and takes the right ones; `report` hears of each piece,
    /// in no order and from several threads. Blocks.
    pub fn recheck(
        &self,
        pieces: &PieceSet,
        report: &(dyn Fn(PieceIndex, bool) + Sync),
    ) -> Result<PieceSet, StoreError> {
        let shared = &self.shared;
        let right = Mutex::new(PieceSet::empty(pieces.capacity()));
        let handle = |piece: PieceIndex, is_right: bool| {
            if is_right {
                right
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(piece);
                shared.assemblies.shut(piece);
                shared.note(&[piece]);
                shared.have().insert(piece);
            }
            report(piece, is_right);
        };
        scan(
            &shared.target,
            &shared.files,
            pieces,
            self.threads_max,
            &handle,
        )?;
        Ok(right.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes those of `pieces`, which are missing, that `lender` has right; `report` hears of each of
    /// them, from several threads. Blocks.
    pub fn adopt(
        &self,
        pieces: &PieceSet,
        lender: &dyn Lender,
        report: &(dyn Fn(PieceIndex) + Sync),
    ) -> Result<PieceSet, StoreError> {
        adopt(&self.shared, pieces, self.threads_max, lender, report)
    }

    /// Lets the file at `source` stand where `file` goes, if nothing is there and the disk can share
    /// the bytes of two files; tells whether it did. Nothing is known of the bytes: they are to be
    /// [rechecked](Self::recheck). Blocks.
    pub fn share_bytes(&self, file: FileIndex, source: &Path) -> Result<bool, StoreError> {
        let files = &self.shared.files;
        let path = files.path_of(file);
        let shared = files.disk().share_bytes(&path, source);
        let shared = shared.map_err(|cause| files.error("write", &path, cause))?;
        if shared {
            files.note_found(file);
        }
        Ok(shared)
    }

    /// Whether the bytes of `piece` on the disk are right; hashed once, then remembered. Blocks.
    pub fn verify_piece(&self, piece: PieceIndex) -> Result<bool, StoreError> {
        if self.has(piece) {
            return Ok(true);
        }
        let mut one = PieceSet::empty(self.shared.target.layout().pieces());
        one.insert(piece);
        Ok(!self.recheck(&one, &|_, _| ())?.is_empty())
    }
}
