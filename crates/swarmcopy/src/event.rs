//! What happens to a copy, as a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::ReusableBoxFuture;

use crate::{Explanation, Phase, SourceKind};

/// Events that a slow listener may lag behind before it misses some.
const EVENTS_MAX: usize = 4096;

/// Something that happened to a copy.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// It does something else now.
    Phase(Phase),
    /// A wanted file is verified and on disk: its path, joined with `/`.
    FileDone(String),
    /// A source that was used is in trouble, or gone.
    SourceLost {
        /// Its kind.
        kind: SourceKind,
        /// Its name: a path, a URL without credentials, an address.
        name: String,
        /// Its last answer.
        why: String,
    },
    /// A decision was taken: at most one is told for a reason and a source in a second.
    Decision(Explanation),
    /// Nothing moves: what is waited for. `None` once something moves again.
    Waiting(Option<String>),
    /// Every wanted piece is verified and on disk; how long that took.
    Complete(Duration),
    /// This many events were missed: the listener is too slow.
    Missed(u64),
}

/// Where a copy tells its events; those who listen end when it is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Teller(broadcast::Sender<Event>);

impl Teller {
    /// Tells whoever listens.
    pub(crate) fn tell(&self, event: Event) {
        // nobody may be listening
        let _ = self.0.send(event);
    }
}

/// Where to listen to a copy.
#[derive(Debug)]
pub(crate) struct Told {
    sender: broadcast::WeakSender<Event>,
    /// For the first that listens: what was told from the start.
    first: Mutex<Option<broadcast::Receiver<Event>>>,
}

impl Told {
    /// Listens: from the start for the first that asks, from now on for others.
    pub(crate) fn listen(&self) -> Events {
        let first = self.first.lock();
        let first = first.unwrap_or_else(PoisonError::into_inner).take();
        let events = first.or_else(|| Some(self.sender.upgrade()?.subscribe()));
        Events(events.map(|events| ReusableBoxFuture::new(receive(events))))
    }
}

/// Makes both ends.
pub(crate) fn events() -> (Teller, Told) {
    let (sender, first) = broadcast::channel(EVENTS_MAX);
    let told = Told {
        sender: sender.downgrade(),
        first: Mutex::new(Some(first)),
    };
    (Teller(sender), told)
}

/// The events of a copy; ends when the copy does.
pub struct Events(Option<ReusableBoxFuture<'static, Received>>);

type Received = (Result<Event, RecvError>, broadcast::Receiver<Event>);

impl Events {
    /// The next event; `None` when the copy is over. May be dropped at any await.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let Some(receiving) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let (result, receiver) = ready!(receiving.poll(context));
        receiving.set(receive(receiver));
        let event = match result {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(RecvError::Closed) => {
                self.0 = None;
                None
            }
        };
        Poll::Ready(event)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

async fn receive(mut receiver: broadcast::Receiver<Event>) -> Received {
    (receiver.recv().await, receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_hears_all_from_the_start_and_the_end_is_told() {
        let (teller, told) = events();
        teller.tell(Event::Complete(Duration::ZERO));
        let (mut first, mut second) = (told.listen(), told.listen());
        teller.tell(Event::Waiting(None));
        drop(teller);
        assert!(matches!(first.next().await, Some(Event::Complete(_))));
        for events in [&mut first, &mut second] {
            assert!(matches!(events.next().await, Some(Event::Waiting(None))));
            assert!(events.next().await.is_none() && events.next().await.is_none());
        }
        assert!(told.listen().next().await.is_none());
    }

    #[tokio::test]
    async fn a_slow_listener_is_told_how_much_it_missed() {
        let (teller, told) = events();
        for _ in 0..EVENTS_MAX + 7 {
            teller.tell(Event::Waiting(None));
        }
        let missed = told.listen().next().await;
        assert!(matches!(missed, Some(Event::Missed(7))), "{missed:?}");
    }
}
