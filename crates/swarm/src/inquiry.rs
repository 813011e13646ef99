//! What came of asking peers and trackers for a description, for whoever waits for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::TrackerNote;

/// So many are remembered; who is asked beyond them is not told of.
const ASKED_MAX: usize = 64;
/// What is known of who was not heard yet.
const UNHEARD: &str = "no answer yet";

/// What came of asking peers and trackers for a description. Clones are views of the same.
#[derive(Debug, Clone, Default)]
pub struct Inquiry(Arc<Mutex<BTreeMap<String, String>>>);

impl Inquiry {
    /// Who was asked, peers by address and trackers without their secrets, and the last that is known of each.
    pub fn answers(&self) -> Vec<(String, String)> {
        let asked = self.asked();
        let all = asked.iter();
        all.map(|(name, answer)| (name.clone(), answer.clone()))
            .collect()
    }

    /// That one is asked.
    pub(crate) fn asks(&self, name: String) {
        self.note(name, UNHEARD.to_owned());
    }

    /// Where a peer is that was named; its addresses answer from now on.
    pub(crate) fn found(&self, peer: String, addrs: &[SocketAddr]) {
        let shown: Vec<_> = addrs.iter().map(SocketAddr::to_string).collect();
        if !shown.contains(&peer) {
            self.note(peer, format!("it is at {}", shown.join(", ")));
        }
    }

    /// What came of one.
    pub(crate) fn note(&self, name: String, answer: String) {
        let mut asked = self.asked();
        if asked.len() < ASKED_MAX || asked.contains_key(&name) {
            asked.insert(name, answer);
        }
    }

    /// What a tracker said.
    pub(crate) fn note_tracker(&self, name: String, note: &TrackerNote) {
        let answer = match note {
            TrackerNote::Answered { peers: 0 } => "it knows no peers".to_owned(),
            TrackerNote::Answered { peers: 1 } => "it named a peer".to_owned(),
            TrackerNote::Answered { peers } => format!("it named {peers} peers"),
            TrackerNote::Warning(what) | TrackerNote::Failed(what) => what.clone(),
        };
        self.note(name, answer);
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_is_known_of_each_is_told_and_no_more_than_a_screen_of_them() {
        let inquiry = Inquiry::default();
        inquiry.asks("a".to_owned());
        inquiry.clone().note("a".to_owned(), "refused".to_owned());
        inquiry.note_tracker("b".to_owned(), &TrackerNote::Answered { peers: 2 });
        let told = [("a", "refused"), ("b", "it named 2 peers")];
        let told = told.map(|(name, answer)| (name.to_owned(), answer.to_owned()));
        assert_eq!(inquiry.answers(), told);
        let at: SocketAddr = ([10, 0, 0, 7], 1).into();
        inquiry.found("b".to_owned(), &[at]);
        inquiry.found(at.to_string(), &[at]);
        assert_eq!(inquiry.answers()[1].1, "it is at 10.0.0.7:1");
        assert_eq!(inquiry.answers().len(), 2);
        for number in 0..2 * ASKED_MAX {
            inquiry.asks(number.to_string());
        }
        inquiry.note("a".to_owned(), "silent".to_owned());
        let answers = inquiry.answers();
        assert_eq!(answers.len(), ASKED_MAX);
        assert!(answers.contains(&("a".to_owned(), "silent".to_owned())));
    }
}
