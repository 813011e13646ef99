//! What was named and brings no pieces by itself: trackers, peers without a link, shares that are not there, the
//! local network.
//!
//! Each has a number like any source, and a standing that follows its last answer.

use std::time::{Duration, Instant};

use swarmcopy_swarm::{NamedAnswer, TrackerNote};

use super::Engine;
use super::account::LAN;
use crate::{SourceKind, SourceState};

impl Engine {
    /// A tracker was asked: what it said, and when it is asked again.
    pub(super) fn note_tracker(&mut self, tracker: &str, note: &TrackerNote, again: Duration) {
        tracing::info!(%tracker, ?note, "tracker");
        let now = Instant::now();
        let Some(standing) = self.account.named(SourceKind::Tracker, tracker) else {
            return;
        };
        standing.ended(now, None);
        match note {
            TrackerNote::Failed(why) => {
                standing.fails(SourceState::Down, why.clone(), Some(now + again));
            }
            TrackerNote::Warning(words) => standing.works(Some(words.clone())),
            _ => standing.works(None),
        }
    }

    /// Something is known of a peer that was named. While its link stands, that is told of instead.
    pub(super) fn note_peer(&mut self, peer: &str, answer: &NamedAnswer) {
        self.account.hide_peer(peer, *answer == NamedAnswer::Linked);
        let now = Instant::now();
        let Some(standing) = self.account.named(SourceKind::Peer, peer) else {
            return;
        };
        standing.ended(now, None);
        match answer {
            NamedAnswer::NotFound(why) => standing.fails(SourceState::Down, why.clone(), None),
            NamedAnswer::Failed { why, again } => {
                let next = again.map(|after| now + after);
                standing.fails(SourceState::Down, why.clone(), next);
            }
            _ => standing.works(None),
        }
    }

    /// A local announcement went out, or could not.
    pub(super) fn note_announced(&mut self, sent: bool) {
        if let Some(standing) = self.account.named(SourceKind::Discovery, LAN) {
            standing.ended(Instant::now(), None);
            if sent {
                standing.works(None);
            } else {
                let why = "no network takes our announcement".to_owned();
                standing.fails(SourceState::Down, why, None);
            }
        }
    }
}
