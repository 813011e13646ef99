//! What a store takes without anybody bringing it: bytes that lie on the disk, or in an older copy.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use swarmcopy_layout::{FileIndex, PieceIndex, PieceSet};

use crate::adopt::{Lender, adopt};
use crate::check::{CheckReport, check_files};
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
        let handle = |piece: PieceIndex, is_right: Result<bool, StoreError>| {
            let is_right = is_right?;
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
            Ok(())
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

    /// Checks a copy that is only read, file by file; its right pieces can be read from then on. `report`
    /// hears of each piece, in no order and from several threads; an error that it gives ends the check.
    /// Blocks.
    pub fn check(
        &self,
        report: &(dyn Fn(PieceIndex, bool) -> Result<(), StoreError> + Sync),
    ) -> Result<CheckReport, StoreError> {
        let shared = &self.shared;
        check_files(
            &shared.target,
            &shared.files,
            self.threads_max,
            &|piece, right| {
                if right {
                    shared.have().insert(piece);
                }
                report(piece, right)
            },
        )
    }
}
