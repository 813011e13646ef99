//! What becomes of the peers that a person named, told in words.
//!
//! What must stay true: only peers that a person named are told of, so that the memory for it is bounded by what that
//! person wrote; what finds no room is told later, and the last word on a peer replaces the one before.

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::sync::mpsc;

use crate::{LinkEnd, NamedAnswer, SwarmEvent};

/// The named peers of a swarm.
#[derive(Debug, Default)]
pub(super) struct NamedPeers {
    names: HashMap<SocketAddr, String>,
    news: VecDeque<(String, NamedAnswer)>,
}

impl NamedPeers {
    /// Tells what is new; what finds no room is told the next time.
    pub(super) fn tell(&mut self, events: &mpsc::Sender<SwarmEvent>) {
        while let Some((peer, answer)) = self.news.front() {
            let (peer, answer) = (peer.clone(), answer.clone());
            if events.try_send(SwarmEvent::Named { peer, answer }).is_err() {
                return;
            }
            self.news.pop_front();
        }
    }

    /// A person named the peer at this address so.
    pub(super) fn name(&mut self, addr: SocketAddr, peer: &str) {
        self.names.insert(addr, peer.to_owned());
    }

    /// Something is known of a peer that a person named.
    pub(super) fn note(&mut self, peer: String, answer: NamedAnswer) {
        self.news.retain(|(other, _)| *other != peer);
        self.news.push_back((peer, answer));
    }

    /// Something is known of the peer at this address, if a person named it.
    pub(super) fn note_at(&mut self, addr: SocketAddr, answer: NamedAnswer) {
        if let Some(peer) = self.names.get(&addr) {
            self.note(peer.clone(), answer);
        }
    }
}

/// How far a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It did not become a link.
    Dial,
    /// It was a link.
    Link,
}

/// Why a peer can't be linked, for a person.
pub(super) fn words(end: &LinkEnd, stage: Stage) -> String {
    let words = match (end, stage) {
        (LinkEnd::Io(ErrorKind::ConnectionRefused), _) => {
            "nobody listens there by TCP; it may be switched off, or speak uTP alone"
        }
        (LinkEnd::Silent, Stage::Dial) => "it does not answer",
        (LinkEnd::ByPeer | LinkEnd::Io(ErrorKind::ConnectionReset), Stage::Dial) => {
            "it hangs up before it greets: it may demand encryption that is off here, lack this content, or be full"
        }
        (LinkEnd::Io(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable), _) => {
            "no way leads there"
        }
        _ => return end.to_string(),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_peer_replaces_the_one_before() {
        let mut named = NamedPeers::default();
        let addr = SocketAddr::from(([192, 0, 2, 1], 1));
        named.note_at(addr, NamedAnswer::Linked);
        assert!(named.news.is_empty(), "nobody named it");
        named.names.insert(addr, "pc:1".to_owned());
        for _ in 0..1000 {
            let why = "x".to_owned();
            named.note_at(addr, NamedAnswer::Failed { why, again: None });
        }
        named.note_at(addr, NamedAnswer::Linked);
        let (events, mut told) = mpsc::channel(1);
        named.tell(&events);
        let event = told.try_recv();
        assert!(
            matches!(&event, Ok(SwarmEvent::Named { peer, answer: NamedAnswer::Linked }) if peer == "pc:1"),
            "{event:?}"
        );
        named.tell(&events);
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn who_hangs_up_before_the_greeting_may_demand_encryption() {
        for end in [LinkEnd::ByPeer, LinkEnd::Io(ErrorKind::ConnectionReset)] {
            assert!(words(&end, Stage::Dial).contains("encryption"));
            assert!(!words(&end, Stage::Link).contains("encryption"));
        }
        let refused = LinkEnd::Io(ErrorKind::ConnectionRefused);
        assert!(words(&refused, Stage::Dial).contains("uTP"));
    }
}
