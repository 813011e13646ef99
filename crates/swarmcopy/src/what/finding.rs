//! How it goes to find what a name stands for.

use std::time::Duration;

use swarmcopy_swarm::Inquiry;

use crate::{Error, ErrorKind};

/// Answers that an error tells.
const TOLD_MAX: usize = 8;

/// How it goes to find what a name stands for: who was asked what a magnet link means. To be looked at while
/// [`Session::find_watched`](crate::Session::find_watched) runs; clones are views of the same.
#[derive(Debug, Clone, Default)]
pub struct Finding(pub(super) Inquiry);

/// Somebody who was asked what a magnet link means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// A peer's address, or a tracker's without its secrets.
    pub name: String,
    /// The last that is known of it, for a person.
    pub answer: String,
}

impl Finding {
    /// Who was asked so far, by name; nobody where that is not needed.
    pub fn asked(&self) -> Vec<Asked> {
        let answers = self.0.answers().into_iter();
        answers
            .map(|(name, answer)| Asked { name, answer })
            .collect()
    }

    /// That nobody described the magnet link in time.
    pub(super) fn in_vain(&self, time: Duration) -> Error {
        let seconds = time.max(Duration::from_secs(1)).as_secs();
        let mut message = format!("no peer described the magnet link in {seconds} s");
        for (at, Asked { name, answer }) in self.asked().into_iter().take(TOLD_MAX).enumerate() {
            let mark = if at == 0 { ": " } else { "; " };
            message.extend([mark, &name, ": ", &answer]);
        }
        Error::new(ErrorKind::Incomplete, message)
    }
}
