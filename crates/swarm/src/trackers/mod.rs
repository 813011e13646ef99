//! Announcing a content to its trackers, and learning of peers from them.
//!
//! What must stay true: the tracker that answers is asked again no sooner than it allows; tiers are
//! tried in order, and of a tier the tracker that answered last comes first (BEP 12).

#[cfg(feature = "tracker")]
mod http;
#[cfg(not(feature = "tracker"))]
mod no_http;
mod schedule;
#[cfg(any(test, fuzzing))]
pub(crate) mod sequences;
#[cfg(test)]
mod tests;
mod tiers;
mod udp;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use swarmcopy_address::{ShownAll, debug_shown, in_text};
use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest, Event};
use swarmcopy_sources::Reach;
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

#[cfg(feature = "tracker")]
use self::http::Http;
#[cfg(not(feature = "tracker"))]
use self::no_http::Http;
use self::schedule::Schedule;
use self::tiers::Tiers;
use crate::address_book::Via;
use crate::command::Command;
use crate::common::Common;
use crate::{SwarmConfig, SwarmEvent, TrackerNote, onlooker, tracker_name};

/// Time for a tracker to answer.
const ANSWER_TIME: Duration = Duration::from_secs(15);
/// Time for a tracker to hear that we leave.
const FAREWELL_TIME: Duration = Duration::from_secs(2);
/// How many peers are asked for.
const WANTED: u32 = 100;

/// Whom to ask, and by which ways.
pub(crate) struct Asked {
    pub(crate) tiers: Vec<Vec<Url>>,
    pub(crate) bind_ip: Option<IpAddr>,
    public: Vec<Url>,
    private_redirects: bool,
}

impl Asked {
    /// What a swarm's configuration says of that.
    pub(crate) fn of(config: &SwarmConfig, bind_ip: Option<IpAddr>) -> Self {
        Self {
            tiers: config.trackers.clone(),
            bind_ip,
            public: config.public_trackers.clone(),
            private_redirects: config.private_redirects,
        }
    }
}

/// Announces until the swarm is stopped, then says goodbye.
pub(crate) async fn run(common: Arc<Common>, asked: Asked) {
    let bind_ip = asked.bind_ip;
    let tiers = Tiers::new(asked.tiers);
    if tiers.is_empty() {
        return;
    }
    let cancel = common.cancel.clone();
    let mut announcer = Announcer {
        http: Http::new(
            &common.client,
            bind_ip,
            ANSWER_TIME,
            asked.private_redirects,
        ),
        schedule: Schedule::new(Instant::now()),
        // the same for all announces of this run, so that a tracker knows us by it
        key: crate::chance::rng().u32(..),
        heard: None,
        common,
        tiers,
        bind_ip,
        public: asked.public,
    };
    cancel.run_until_cancelled(announcer.run()).await;
    announcer.leave().await;
}

/// Asks a tracker by the protocol that its URL names.
async fn ask(
    http: Option<&Http>,
    url: &Url,
    request: &AnnounceRequest,
    (bind_ip, reach): (Option<IpAddr>, Reach),
) -> Result<AnnounceReply, String> {
    let asking = async {
        match (url.scheme(), http) {
            ("http" | "https", Some(http)) => http.announce(url, request, reach).await,
            ("udp", _) => udp::announce(url, request, bind_ip, reach).await,
            (scheme, _) => Err(format!("cannot ask a tracker by {scheme}")),
        }
    };
    timeout(ANSWER_TIME, asking)
        .await
        .unwrap_or_else(|_| Err("it does not answer".to_owned()))
}

struct Announcer {
    common: Arc<Common>,
    tiers: Tiers,
    bind_ip: Option<IpAddr>,
    /// Trackers that are asked at public addresses alone.
    public: Vec<Url>,
    http: Option<Http>,
    schedule: Schedule,
    key: u32,
    /// The tracker that has heard of us, with its id for us.
    heard: Option<(Url, Option<Vec<u8>>)>,
}

debug_shown!(Announcer {
    common, tiers, bind_ip, http, schedule, key;
    public: ShownAll(public.iter()),
    heard: ShownAll(heard.iter().map(|heard| &heard.0)),
});

impl Announcer {
    async fn run(&mut self) {
        let answered = self.round(Event::Started).await;
        // the hub is gone only when the swarm is
        let _ = self
            .common
            .hub
            .send(Command::TrackersAsked { answered })
            .await;
        let mut completed = self.common.have.is_full();
        loop {
            let known = self.common.totals.known.load(Ordering::Relaxed);
            let due = self.schedule.due(known);
            let now = Instant::now();
            tokio::select! {
                () = sleep_until(due.min(now + Schedule::LOOK_EVERY)) => {
                    if due <= Instant::now() {
                        let first = self.heard.is_none();
                        self.round(if first { Event::Started } else { Event::Interval }).await;
                    }
                }
                () = self.common.totals.completed.cancelled(), if !completed => {
                    completed = true;
                    self.round(Event::Completed).await;
                }
            }
        }
    }

    /// Asks one tracker after another until one answers.
    async fn round(&mut self, event: Event) -> bool {
        let mut failed = Vec::new();
        for (tier, at) in self.tiers.order() {
            let Some(url) = self.tiers.get(tier, at).cloned() else {
                continue;
            };
            let request = self.request(&url, event);
            match ask(self.http.as_ref(), &url, &request, self.way(&url)).await {
                Ok(reply) => {
                    self.tiers.answered(tier, at);
                    self.handle_reply(url, reply).await;
                    // who failed is asked again when who answered is
                    let again = self.schedule.regular();
                    for (url, note) in failed {
                        self.note(&url, note, again).await;
                    }
                    if onlooker::is_name(&self.common.peer_id) {
                        // it takes and gives nothing: nobody is to be led to it
                        self.leave().await;
                    }
                    return true;
                }
                Err(what) => {
                    let note = TrackerNote::Failed(what);
                    let again = self.schedule.after_failure();
                    self.note(&url, note.clone(), again).await;
                    failed.push((url, note));
                }
            }
        }
        self.schedule.failed(Instant::now());
        false
    }

    async fn handle_reply(&mut self, url: Url, reply: AnnounceReply) {
        self.schedule
            .answered(Instant::now(), reply.interval_s, reply.min_interval_s);
        let ours = Some(self.common.peer_id);
        let others = reply.peers.iter().filter(|peer| peer.id != ours);
        // trackers tell us of ourselves too
        let port = self.common.listen_port;
        let is_ours = |addr: &SocketAddr| Some(addr.ip()) == self.bind_ip && addr.port() == port;
        let addrs: Vec<_> = others
            .map(|peer| peer.addr)
            .filter(|addr| !is_ours(addr))
            .collect();
        let note = match reply.warning {
            Some(warning) => TrackerNote::Warning(warning),
            None => TrackerNote::Answered { peers: addrs.len() },
        };
        let known = self.common.totals.known.load(Ordering::Relaxed);
        let again = self.schedule.due(known.max(addrs.len()));
        let again = again.saturating_duration_since(Instant::now());
        self.note(&url, note, again).await;
        let _ = self
            .common
            .hub
            .send(Command::Addresses {
                addrs,
                via: Via::Tracker,
            })
            .await;
        self.heard = Some((url, reply.tracker_id));
    }

    fn way(&self, url: &Url) -> (Option<IpAddr>, Reach) {
        let reach = if self.public.contains(url) {
            Reach::Public
        } else {
            Reach::Any
        };
        (self.bind_ip, reach)
    }

    /// Tells the owner what a tracker said.
    async fn note(&self, url: &Url, note: TrackerNote, again: Duration) {
        let safe = |text: &String| in_text(text).into_owned();
        let note = match &note {
            TrackerNote::Warning(text) => TrackerNote::Warning(safe(text)),
            TrackerNote::Failed(text) => TrackerNote::Failed(safe(text)),
            TrackerNote::Answered { .. } => note,
        };
        let event = SwarmEvent::TrackerNote {
            tracker: tracker_name(url),
            note,
            again,
        };
        let _ = self.common.events.send(event).await;
    }

    fn request(&self, url: &Url, event: Event) -> AnnounceRequest {
        let common = &self.common;
        // a machine that can't be reached names a port all the same: trackers refuse 0
        let port = if common.listen_port == 0 {
            1
        } else {
            common.listen_port
        };
        let mut request = AnnounceRequest::new(common.info_hash, common.peer_id, port);
        request.uploaded = common.totals.bytes_up.load(Ordering::Relaxed);
        request.downloaded = common.totals.bytes_down.load(Ordering::Relaxed);
        request.left = common.left();
        request.event = event;
        request.numwant = Some(if event == Event::Stopped { 0 } else { WANTED });
        request.key = Some(self.key);
        let id = self.heard.as_ref().filter(|heard| heard.0 == *url);
        request.tracker_id = id.and_then(|heard| heard.1.clone());
        request
    }

    /// Tells the tracker that has heard of us that we leave.
    async fn leave(&self) {
        if let Some((url, _)) = &self.heard {
            let request = self.request(url, Event::Stopped);
            let asking = ask(self.http.as_ref(), url, &request, self.way(url));
            // whether it hears us or not, we are gone
            let _ = timeout(FAREWELL_TIME, asking).await;
        }
    }
}
