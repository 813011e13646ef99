//! Live pages, by server-sent events: what has changed, once a second.
//!
//! What must stay true: a page that comes back gets what it missed, or all if that is not known; a slow page holds
//! up nobody.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::app::App;
use super::shared::lock;
use crate::seen::Key;

/// Time between two updates.
const EVERY: Duration = Duration::from_secs(1);

/// What a live page goes on with.
struct Live {
    app: App,
    ticks: Interval,
    version: u64,
    key: Option<Key>,
    _place: OwnedSemaphorePermit,
}

/// The whole room.
pub(super) async fn room(State(app): State<App>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let version = last.and_then(|id| version_of(id, app.instance));
    begin(app, None, version.unwrap_or(0))
}

/// One machine, which is asked for its sources and decisions while somebody looks.
pub(super) async fn machine(State(app): State<App>, Path(key): Path<Key>) -> Response {
    begin(app, Some(key), 0)
}

fn begin(app: App, key: Option<Key>, version: u64) -> Response {
    let Ok(place) = std::sync::Arc::clone(&app.live).try_acquire_owned() else {
        let words = "too many pages are open\n";
        return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let live = Live {
        app,
        ticks,
        version,
        key,
        _place: place,
    };
    Sse::new(events(live))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response()
}

fn events(live: Live) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(live, |mut live| async move {
        let stop = live.app.stop.clone();
        tokio::select! {
            () = stop.cancelled() => return None,
            _ = live.ticks.tick() => {}
        }
        let event = live.next()?;
        Some((Ok(event), live))
    })
}

impl Live {
    fn next(&mut self) -> Option<Event> {
        let now = Instant::now();
        match self.key {
            None => {
                let update = lock(&self.app.room).update(self.version, now);
                self.version = update.version;
                let id = format!("{}-{}", self.app.instance, update.version);
                event(&update).map(|event| event.id(id))
            }
            Some(key) => {
                // who looks closely is told more at the next tick; a busy asker is asked then
                let _ = self.app.details.try_send(key);
                let view = lock(&self.app.room).machine(key, now);
                event(&view)
            }
        }
    }
}

fn event(data: &impl Serialize) -> Option<Event> {
    let text = serde_json::to_string(data).ok()?;
    Some(Event::default().data(text))
}

/// The version in the name of an event of this run.
fn version_of(id: &str, instance: u64) -> Option<u64> {
    let (run, version) = id.split_once('-')?;
    (run.parse() == Ok(instance)).then_some(version.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_another_run_means_nothing() {
        assert_eq!(version_of("7-12", 7), Some(12));
        assert_eq!(version_of("8-12", 7), None);
        assert_eq!(version_of("12", 7), None);
        assert_eq!(version_of("7-x", 7), None);
    }
}
