//! What comes to one machine, from look to look.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy::{Progress, SourceKind};

use crate::Came;

/// Turns sums at each look into what came between looks.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    at: Duration,
    sums: BTreeMap<SourceKind, u64>,
    came: Vec<Came>,
}

impl Flow {
    /// A later look at the machine.
    pub(crate) fn look(&mut self, progress: &Progress) {
        self.note(progress.elapsed, &progress.brought);
    }

    fn note(&mut self, at: Duration, sums: &BTreeMap<SourceKind, u64>) {
        if at <= self.at {
            return;
        }
        for (kind, sum) in sums {
            let before = self.sums.insert(*kind, *sum).unwrap_or(0);
            let bytes = sum.saturating_sub(before);
            if bytes > 0 {
                self.came.push(Came {
                    from: self.at,
                    until: at,
                    kind: *kind,
                    bytes,
                });
            }
        }
        self.at = at;
    }

    /// All that came.
    pub(crate) fn end(self) -> Vec<Came> {
        self.came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_between_two_looks_is_told_once() {
        let mut flow = Flow::default();
        let seconds = Duration::from_secs;
        let sums =
            |share, peer| BTreeMap::from([(SourceKind::Share, share), (SourceKind::Peer, peer)]);
        flow.note(seconds(1), &sums(10, 0));
        flow.note(seconds(2), &sums(10, 7));
        flow.note(seconds(2), &sums(90, 90));
        flow.note(seconds(4), &sums(15, 7));
        let came = flow.end();
        let told: Vec<_> = came
            .iter()
            .map(|it| (it.from.as_secs(), it.until.as_secs(), it.kind, it.bytes))
            .collect();
        let wanted = [
            (0, 1, SourceKind::Share, 10),
            (1, 2, SourceKind::Peer, 7),
            (2, 4, SourceKind::Share, 5),
        ];
        assert_eq!(told, wanted);
    }
}
