//! What of a copy is there already: pieces that lie at the target, and those that older copies have.
//!
//! What must stay true: whatever is not vouched for is hashed before it counts, and each piece is told once.

use std::sync::Arc;

use swarmcopy_layout::{PieceIndex, PieceSet};
use swarmcopy_piece_store::{Resume, Store, StoreError};
use tokio::sync::watch;

use crate::engine::Clock;
use crate::{Content, Error, ErrorKind, Phase, Progress, reuse};

/// Where checking is shown.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) clock: Clock,
    pub(crate) progress: watch::Sender<Progress>,
}

impl Look {
    /// A piece was looked at.
    fn looked(&self, store: &Store, piece: PieceIndex) {
        let target = store.target();
        let len = target.stored_len(target.layout().piece_span(piece));
        let elapsed = self.clock.elapsed();
        self.progress.send_modify(|look| {
            look.phase = Phase::Checking;
            look.elapsed = elapsed;
            look.verified += len;
            let micros = elapsed.as_micros().max(1);
            let rate = u128::from(look.verified) * 1_000_000 / micros;
            look.rate = u64::try_from(rate).unwrap_or(u64::MAX);
        });
    }
}

/// Hashes what lies at the target and nobody vouches for, then takes what older copies have. Gives the
/// pieces that are here, and how many bytes older copies gave.
pub(crate) async fn check(
    content: Content,
    store: Arc<Store>,
    resume: Resume,
    look: Look,
) -> Result<(PieceSet, u64), Error> {
    let checked = tokio::task::spawn_blocking(move || {
        let mut have = resume.have;
        have.union_with(&resume.hollow);
        if !resume.recheck.is_empty() {
            let report = |piece, _right| look.looked(&store, piece);
            have.union_with(&store.recheck(&resume.recheck, &report)?);
        }
        let mut missing = store.target().wanted();
        missing.subtract(&have);
        // each piece counts once
        let report = |piece| {
            if !resume.recheck.contains(piece) {
                look.looked(&store, piece);
            }
        };
        let lent = reuse::take(&content, &store, &missing, &report)?;
        have.union_with(&lent);
        let target = store.target();
        let lens = lent.iter().map(|piece| target.layout().piece_span(piece));
        Ok::<_, StoreError>((have, lens.map(|span| target.stored_len(span)).sum()))
    });
    let checked = checked.await.map_err(|error| {
        Error::new(ErrorKind::Failed, format!("cannot check the copy: {error}"))
    })?;
    Ok(checked?)
}
