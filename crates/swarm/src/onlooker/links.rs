//! Whom an onlooker is linked to, and whose turn it is to be asked.
//!
//! No I/O. What must stay true: a peer is linked once, whatever addresses lead to it; no machine is asked more often
//! than every two seconds, and all of them together are asked at most [`ASKED_A_SECOND`] times a second.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use swarmcopy_bt_wire::extension::StatusQuestion;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::tokens::Tokens;

/// Questions a second in all.
pub(super) const ASKED_A_SECOND: u32 = 200;
/// Least pause between two questions to one machine.
const EVERY_MIN: Duration = Duration::from_secs(2);
/// Longest pause, however many machines there are.
const EVERY_MAX: Duration = Duration::from_secs(10);
/// Peers that are looked at, at most.
pub(super) const LINKS_MAX: usize = 2000;
/// Addresses of one peer that are remembered.
const ADDRS_MAX: usize = 8;

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    peer_id: [u8; 20],
    /// What leads to it and was dialled.
    addrs: Vec<SocketAddr>,
    questions: mpsc::Sender<StatusQuestion>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Links {
    all: HashMap<u64, Link>,
    /// When each is to be asked again, the longest waiting first.
    round: VecDeque<(u64, Instant)>,
    budget: Tokens,
}

impl Links {
    pub(super) fn new(now: Instant) -> Self {
        let every = Duration::from_secs(1) / ASKED_A_SECOND;
        Self {
            all: HashMap::new(),
            round: VecDeque::new(),
            budget: Tokens::new(now, ASKED_A_SECOND / 10, every),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The link to a peer of this name, which another address leads to; remembers that.
    pub(super) fn is_linked(&mut self, peer_id: &[u8; 20], by: Option<SocketAddr>) -> bool {
        let mut links = self.all.values_mut();
        let Some(link) = links.find(|link| link.peer_id == *peer_id) else {
            return false;
        };
        link.addrs
            .extend(by.filter(|_| link.addrs.len() < ADDRS_MAX));
        true
    }

    pub(super) fn add(
        &mut self,
        id: u64,
        (peer_id, by): ([u8; 20], Option<SocketAddr>),
        questions: mpsc::Sender<StatusQuestion>,
        now: Instant,
    ) {
        let link = Link {
            peer_id,
            addrs: by.into_iter().collect(),
            questions,
        };
        self.all.insert(id, link);
        self.round.push_front((id, now));
    }

    /// Takes a link out; gives the addresses that led to it.
    pub(super) fn remove(&mut self, id: u64) -> Vec<SocketAddr> {
        self.round.retain(|(other, _)| *other != id);
        self.all
            .remove(&id)
            .map_or_else(Vec::new, |link| link.addrs)
    }

    /// Asks one peer.
    pub(super) fn ask(&self, id: u64, question: StatusQuestion) {
        if let Some(link) = self.all.get(&id) {
            // one that has not taken the last questions yet is asked again
            let _ = link.questions.try_send(question);
        }
    }

    /// How long a machine is left alone behind a question.
    fn every(&self) -> Duration {
        let links = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let all = Duration::from_secs(1).saturating_mul(links) / ASKED_A_SECOND;
        all.clamp(EVERY_MIN, EVERY_MAX)
    }

    /// Asks everybody whose turn it is and for whom there is budget.
    pub(super) fn ask_due(&mut self, now: Instant) {
        let every = self.every();
        while let Some((id, due)) = self.round.front().copied()
            && due <= now
            && self.budget.take(now)
        {
            self.round.pop_front();
            self.ask(id, StatusQuestion::Machine);
            self.round.push_back((id, now + every));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Asked = Vec<(u64, mpsc::Receiver<StatusQuestion>, Vec<Instant>)>;

    fn room(machines: u64, now: Instant) -> (Links, Asked) {
        let mut links = Links::new(now);
        let asked = (0..machines).map(|id| {
            let (questions, asked) = mpsc::channel(4);
            let mut peer_id = [0; 20];
            peer_id[..8].copy_from_slice(&id.to_be_bytes());
            links.add(id, (peer_id, None), questions, now);
            (id, asked, Vec::new())
        });
        let asked = asked.collect();
        (links, asked)
    }

    fn play(machines: u64, seconds: u64) -> Asked {
        let start = Instant::now();
        let (mut links, mut asked) = room(machines, start);
        for step in 0..seconds * 50 {
            let now = start + Duration::from_millis(step * 20);
            links.ask_due(now);
            for (_, questions, times) in &mut asked {
                while questions.try_recv().is_ok() {
                    times.push(now);
                }
            }
        }
        asked
    }

    #[tokio::test]
    async fn a_few_machines_are_asked_every_two_seconds() {
        for (id, _, times) in play(8, 20) {
            assert_eq!(times.len(), 10, "machine {id}");
        }
    }

    #[tokio::test]
    async fn a_thousand_machines_are_asked_two_hundred_times_a_second_in_turn() {
        let asked = play(1000, 30);
        let all: usize = asked.iter().map(|(_, _, times)| times.len()).sum();
        assert!((5900..=6020).contains(&all), "{all} questions in 30 s");
        for (id, _, times) in asked {
            assert!(
                (5..=7).contains(&times.len()),
                "machine {id}: {}",
                times.len()
            );
        }
    }

    #[tokio::test]
    async fn a_peer_is_linked_once() {
        let now = Instant::now();
        let (mut links, _asked) = room(1, now);
        let other = "127.0.0.1:7".parse().ok();
        assert!(links.is_linked(&[0; 20], other));
        assert!(!links.is_linked(&[1; 20], other));
        assert_eq!(links.remove(0), other.into_iter().collect::<Vec<_>>());
        assert_eq!(links.len(), 0);
        links.ask_due(now + EVERY_MAX);
    }
}
