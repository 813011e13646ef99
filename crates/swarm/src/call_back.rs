//! Calls to machines of ours whose link broke: is the process dead, or only the way to it?
//!
//! A machine that refuses connections to where the process listened lives, and the process does not. Whoever
//! waits for the process then need not wait for silence to prove it. A firewall that refuses in a living
//! process's place costs it a slot, which another takes, and no more.

use std::collections::VecDeque;
use std::future::pending;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use swarmcopy_scheduler::NodeId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::handshake::connect;
use crate::limits::DIALS_MAX;
use crate::{LinkEnd, SwarmEvent};

/// Pauses before each call: a process that is just ending closes its links before, or after, it listens
/// no more.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(400),
];

/// The calls of a swarm, and what they brought.
#[derive(Debug, Default)]
pub(crate) struct CallBacks {
    calls: JoinSet<Option<NodeId>>,
    dead: VecDeque<NodeId>,
}

impl CallBacks {
    /// Calls a process at the address where it listened; at most [`DIALS_MAX`] at a time.
    pub(crate) fn call(&mut self, node: NodeId, addr: SocketAddr, from: Option<IpAddr>) {
        if self.calls.len() < DIALS_MAX {
            let call = async move { refuses(addr, from).await.then_some(node) };
            self.calls.spawn(call);
        }
    }

    /// Waits until a call has ended.
    pub(crate) async fn ended(&mut self) {
        match self.calls.join_next().await {
            Some(Ok(Some(node))) => self.dead.push_back(node),
            Some(_) => {}
            None => pending().await,
        }
    }

    /// Tells who is dead; what finds no room is told the next time.
    pub(crate) fn tell(&mut self, events: &mpsc::Sender<SwarmEvent>) {
        while let Some(node) = self.dead.front()
            && events.try_send(SwarmEvent::Dead { node: *node }).is_ok()
        {
            self.dead.pop_front();
        }
    }
}

/// Whether the machine at `addr` says that nothing listens there.
async fn refuses(addr: SocketAddr, from: Option<IpAddr>) -> bool {
    for pause in PAUSES {
        sleep(pause).await;
        match connect(addr, from).await {
            Err(LinkEnd::Io(ErrorKind::ConnectionRefused)) => return true,
            Err(_) => return false,
            Ok(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::testing::{closed, soon};

    #[tokio::test]
    async fn only_an_address_where_nothing_listens_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        assert!(!soon(refuses(addr, None)).await);
        let (addr, _held) = closed();
        assert!(soon(refuses(addr, None)).await);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_told_later() {
        let (addr, _held) = closed();
        let mut calls = CallBacks::default();
        for name in [1, 2] {
            calls.call(NodeId([name; 8]), addr, None);
            soon(calls.ended()).await;
        }
        let (send, mut events) = mpsc::channel(1);
        for name in [1, 2] {
            calls.tell(&send);
            let event = soon(events.recv()).await;
            assert!(
                matches!(event, Some(SwarmEvent::Dead { node }) if node.0 == [name; 8]),
                "{event:?}"
            );
        }
    }

    #[tokio::test]
    async fn no_more_are_called_at_a_time_than_may_be_dialled() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut calls = CallBacks::default();
        for _ in 0..DIALS_MAX + 5 {
            calls.call(NodeId([1; 8]), addr, None);
        }
        assert_eq!(calls.calls.len(), DIALS_MAX);
        soon(calls.ended()).await;
        calls.call(NodeId([1; 8]), addr, None);
        assert_eq!(calls.calls.len(), DIALS_MAX);
    }
}
