//! Who looks on: feeds what a session sees into the room, and asks one machine for more.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use swarmcopy::{Content, CopyOptions, Error, Session, StatusQuestion};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::seen::{About, Key, Seen};
use crate::web::{SharedRoom, lock};

/// How often states are looked at that change by time alone.
const TICK: Duration = Duration::from_millis(500);
/// Least time between two questions to one machine for more.
const DETAIL_EVERY: Duration = Duration::from_secs(2);
/// Wishes to look closely that may wait.
const DETAILS_MAX: usize = 64;

/// Machines to look at that may wait.
const MEETINGS_MAX: usize = 64;

/// A room that is being watched.
#[derive(Debug)]
pub struct Watch {
    /// What is seen.
    pub room: SharedRoom,
    /// Who wants to see a machine closely says so here.
    pub details: mpsc::Sender<Key>,
    /// Who knows where a machine listens says so here; the others are found by discovery.
    pub meetings: mpsc::Sender<SocketAddr>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    /// Looks on from now on, until `stop` is cancelled. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// If there can be no room of this content.
    pub fn start(
        session: &Session,
        (content, options): (&Content, &CopyOptions),
        expected: &[String],
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let layout = content.layout();
        let about = About {
            name: content.name().to_owned(),
            bytes: layout.len(),
            pieces: layout.pieces(),
        };
        let looked = session.look_on(content, options)?;
        let room = Arc::new(Mutex::new(Seen::new(about, expected, Instant::now())));
        let (details, wanted) = mpsc::channel(DETAILS_MAX);
        let (meetings, met) = mpsc::channel(MEETINGS_MAX);
        let task = tokio::spawn(run(looked, Arc::clone(&room), (wanted, met), stop));
        Ok(Self {
            room,
            details,
            meetings,
            task,
        })
    }

    /// Waits until the watch has ended, behind its stop.
    pub async fn ended(self) {
        // a task that failed has ended, too
        let _ = self.task.await;
    }
}

async fn run(
    mut looked: swarmcopy::Room,
    room: SharedRoom,
    (mut wanted, mut met): (mpsc::Receiver<Key>, mpsc::Receiver<SocketAddr>),
    stop: CancellationToken,
) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked: BTreeMap<Key, Instant> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            sighting = looked.next() => match sighting {
                Some(sighting) => lock(&room).see(sighting, Instant::now()),
                None => break,
            },
            Some(addr) = met.recv() => looked.meet(addr),
            Some(key) = wanted.recv() => ask(&looked, &room, &mut asked, key),
            _ = ticks.tick() => lock(&room).pass(Instant::now()),
        }
    }
    looked.close().await;
}

fn ask(looked: &swarmcopy::Room, room: &SharedRoom, asked: &mut BTreeMap<Key, Instant>, key: Key) {
    let now = Instant::now();
    let fresh = |at: &Instant| now.saturating_duration_since(*at) < DETAIL_EVERY;
    asked.retain(|_, at| fresh(at));
    if asked.contains_key(&key) {
        return;
    }
    let link = lock(room).link_of(key);
    if let Some(link) = link {
        asked.insert(key, now);
        looked.ask(link, StatusQuestion::Sources);
        looked.ask(link, StatusQuestion::Decisions);
    }
}
