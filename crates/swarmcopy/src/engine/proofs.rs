//! What was proven of a copy that is only served.
//!
//! What must stay true: a piece is shown to others only once it was hashed and is right; the copy is called
//! complete only once all of it is.

use std::time::Instant;

use swarmcopy_piece_store::{CheckReport, StoreError};
use swarmcopy_scheduler::Event;

use super::{Engine, stored_len};
use crate::{Error, ErrorKind, Phase, tree, verify};

impl Engine {
    /// Shows others what was proven since the last look.
    pub(super) fn look_at_proofs(&mut self) {
        if !self.content.is_seed() || self.completed.is_some() || self.damaged_at.is_some() {
            return;
        }
        let mut proven = self.store.have();
        proven.subtract(self.scheduler.have());
        for piece in proven.iter() {
            self.verified += stored_len(self.store.target(), piece);
            self.swarm.have(piece);
            self.tell(Event::PieceProven { piece });
        }
        if self.damaged_at.is_none() {
            self.phase = Phase::Checking;
        }
    }

    /// All of the copy was hashed.
    pub(super) fn checked(&mut self, checked: Result<CheckReport, StoreError>) {
        let report = match checked {
            Ok(report) => report,
            Err(error) => {
                self.failed = Some(error.into());
                return;
            }
        };
        self.look_at_proofs();
        if report.is_whole() {
            return self.finished(Ok(tree::Applied::default()));
        }
        self.damaged = verify::faults(&report);
        self.damaged_at = Some(Instant::now());
        self.phase = Phase::Serving;
        if self.store.have().is_empty() {
            let message = format!("nothing of {} is right here", self.content.name());
            let error = Error::new(ErrorKind::Mismatch, message);
            self.failed = Some(error.with_incomplete(self.damaged.clone()));
        }
        self.look();
    }
}
