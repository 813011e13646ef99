//! What all ways of discovery together say, in the scheduler's words.
//!
//! No I/O. What must stay true: `Nobody` is said only after each configured way has had its chance.

use std::time::Duration;

use swarmcopy_scheduler::Discovery;
use tokio::time::Instant;

/// How long after a local announcement nobody counts as having answered.
const LSD_TIME: Duration = Duration::from_secs(1);

/// State of the ways that lead to other machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Not configured.
    Off,
    /// Under way.
    Waiting,
    /// Done since then.
    Done(Instant),
    /// Without success.
    Failed,
}

/// All ways of a swarm.
#[derive(Debug)]
pub(crate) struct Ways {
    pub(crate) trackers: Way,
    pub(crate) lsd: Way,
    /// Whether a person named anybody.
    pub(crate) named: bool,
    /// Names that a person gave and that were not looked up yet.
    pub(crate) looking_up: usize,
    /// Whether discovery brought anybody; whom peers alone tell of, and who came by itself, does not count. Our
    /// own address, which trackers tell too, counts only until it is seen to be ours.
    pub(crate) known: bool,
    /// Whether each of them was met or could not be reached.
    pub(crate) tried: bool,
}

impl Ways {
    /// What is to be said as of `now`.
    pub(crate) fn say(&self, now: Instant) -> Discovery {
        let lsd_answered = match self.lsd {
            Way::Done(at) => now.saturating_duration_since(at) >= LSD_TIME,
            Way::Waiting => false,
            Way::Off | Way::Failed => true,
        };
        match (self.trackers, self.lsd) {
            _ if (self.named || self.known) && self.tried && self.looking_up == 0 => Discovery::Met,
            _ if self.named || self.known => Discovery::Named,
            (Way::Off, Way::Off) => Discovery::Off,
            (Way::Waiting, _) => Discovery::Waiting,
            // a tracker that knows nobody knows it for all
            (Way::Done(_), _) => Discovery::Nobody,
            _ if lsd_answered => Discovery::Nobody,
            (_, Way::Done(_)) => Discovery::Announced,
            _ => Discovery::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_is_said_only_when_each_way_had_its_chance() {
        let now = Instant::now();
        let later = now + LSD_TIME;
        let say = |trackers, lsd, known, at| {
            Ways {
                trackers,
                lsd,
                named: false,
                looking_up: 0,
                known,
                tried: false,
            }
            .say(at)
        };
        assert_eq!(say(Way::Off, Way::Off, false, now), Discovery::Off);
        assert_eq!(say(Way::Off, Way::Off, true, now), Discovery::Named);
        assert_eq!(
            say(Way::Waiting, Way::Done(now), false, later),
            Discovery::Waiting
        );
        assert_eq!(
            say(Way::Done(now), Way::Done(now), false, now),
            Discovery::Nobody
        );
        assert_eq!(
            say(Way::Failed, Way::Done(now), false, now),
            Discovery::Announced
        );
        assert_eq!(
            say(Way::Failed, Way::Done(now), false, later),
            Discovery::Nobody
        );
        assert_eq!(say(Way::Failed, Way::Failed, false, now), Discovery::Nobody);
        assert_eq!(say(Way::Off, Way::Waiting, false, now), Discovery::Waiting);
        assert_eq!(say(Way::Done(now), Way::Off, true, now), Discovery::Named);
    }

    #[tokio::test]
    async fn who_is_known_is_met_once_each_was_tried() {
        let say = |known| {
            Ways {
                trackers: Way::Off,
                lsd: Way::Off,
                named: false,
                looking_up: 0,
                known,
                tried: true,
            }
            .say(Instant::now())
        };
        assert_eq!(say(true), Discovery::Met);
        assert_eq!(say(false), Discovery::Off);
    }
}
