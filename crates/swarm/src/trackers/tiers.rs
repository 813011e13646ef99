//! Trackers in tiers (BEP 12).
//!
//! No I/O. What must stay true: a tier is tried only after all before it have failed.

use std::fmt;

use swarmcopy_address::ShownAll;
use url::Url;

/// Trackers of one content at most; a torrent may name more.
const TRACKERS_MAX: usize = 64;

/// The tiers in the order in which they are tried.
pub(super) struct Tiers(Vec<Vec<Url>>);

impl fmt::Debug for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShownAll(self.0.iter().flatten()).fmt(f)
    }
}

impl Tiers {
    /// Takes the tiers of a torrent, each shuffled.
    pub(super) fn new(mut tiers: Vec<Vec<Url>>) -> Self {
        let mut rng = crate::chance::rng();
        let mut room = TRACKERS_MAX;
        for tier in &mut tiers {
            tier.truncate(room);
            room = room.saturating_sub(tier.len());
            rng.shuffle(tier);
        }
        tiers.retain(|tier| !tier.is_empty());
        Self(tiers)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The places to try, in order.
    pub(super) fn order(&self) -> Vec<(usize, usize)> {
        let tiers = self.0.iter().enumerate();
        tiers
            .flat_map(|(tier, urls)| (0..urls.len()).map(move |at| (tier, at)))
            .collect()
    }

    pub(super) fn get(&self, tier: usize, at: usize) -> Option<&Url> {
        self.0.get(tier)?.get(at)
    }

    /// Puts the tracker that answered at the front of its tier.
    pub(super) fn answered(&mut self, tier: usize, at: usize) {
        if let Some(front) = self.0.get_mut(tier).and_then(|urls| urls.get_mut(..=at)) {
            front.rotate_right(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tracker_that_answered_comes_first_in_its_tier() {
        let url = |name: &str| Url::parse(&format!("http://{name}/announce")).unwrap();
        let mut tiers = Tiers(vec![vec![url("a"), url("b"), url("c")], vec![url("d")]]);
        assert_eq!(tiers.order(), [(0, 0), (0, 1), (0, 2), (1, 0)]);
        tiers.answered(0, 2);
        assert_eq!(tiers.0[0], [url("c"), url("a"), url("b")]);
        tiers.answered(1, 0);
        assert_eq!(tiers.get(1, 0), Some(&url("d")));
    }

    #[test]
    fn a_torrent_with_thousands_of_trackers_is_cut() {
        let url = Url::parse("udp://t:1").unwrap();
        let tiers = Tiers::new(vec![vec![url.clone(); 40], vec![], vec![url; 4000]]);
        assert_eq!(tiers.order().len(), TRACKERS_MAX);
    }
}
