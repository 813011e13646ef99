//! Local discovery (BEP 14): telling the local network by multicast what can be had here.
//!
//! What must stay true: our own announcements are known by their cookie and ignored; a content is
//! announced every five minutes, and more often only while it knows nobody; a network without
//! multicast does no harm, nor does who calls all the time.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use swarmcopy_bt_wire::lsd::{Announce, DATAGRAM_LEN_MAX, INFO_HASHES_MAX};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use self::sockets::Group;
use crate::address_book::Via;
use crate::command::Command;
use crate::common::Common;
use crate::tokens::Tokens;
use crate::{SwarmError, SwarmEvent};

#[cfg(any(test, fuzzing))]
pub(crate) mod sequences;
mod sockets;

/// Pause between announcements of a content (BEP 14).
const EVERY: Duration = Duration::from_mins(5);
/// Pause before the second announcement of a content that knows nobody; doubled each time. A full line loses datagrams:
/// three are on their way before a machine that heard nobody reads the origin.
const LONELY_MIN: Duration = Duration::from_millis(75);
/// How often that pause is doubled at most.
const LONELY_DOUBLINGS: u32 = 12;
/// Least pause between two datagrams.
const DATAGRAM_PAUSE: Duration = Duration::from_millis(50);
/// Contents that are announced at most.
const CONTENTS_MAX: usize = 1000;
/// Calls of one machine that are heard at once, and the time in which one more is.
const CALLS: (u32, Duration) = (8, Duration::from_millis(250));
/// Machines whose calls are counted; others are not heard meanwhile.
const CALLERS_MAX: usize = 1024;
/// What the cookie of who only looks on begins with.
const LOOKS_ON: &str = "sclook";
/// Pause after the socket fails.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

/// How local discovery works.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LsdOptions {
    /// The address to send from and to listen on; without one, all adapters are used.
    pub ip: Option<IpAddr>,
    /// Whether this process only looks on at rooms: who hears that waits for nobody on its account.
    pub looks_on: bool,
}

impl LsdOptions {
    /// Local discovery by the adapter with this address; without one by all.
    pub fn on(ip: Option<IpAddr>) -> Self {
        Self {
            ip,
            looks_on: false,
        }
    }
}

/// Local discovery of a process, for all its contents.
#[derive(Debug)]
pub struct Lsd {
    state: Arc<State>,
    cancel: CancellationToken,
}

#[derive(Debug)]
struct State {
    contents: Mutex<HashMap<[u8; 20], Content>>,
    callers: Mutex<HashMap<IpAddr, Tokens>>,
    changed: Notify,
    cookie: String,
}

#[derive(Debug)]
struct Content {
    common: Arc<Common>,
    due: Instant,
    /// How often it was announced without knowing anybody.
    lonely: u32,
    announced: bool,
}

impl Lsd {
    /// Opens the sockets; fails only when no family has multicast. Must be called in a tokio
    /// runtime; stops when `cancel` is cancelled.
    pub fn start(
        options: &LsdOptions,
        cancel: &CancellationToken,
    ) -> Result<Arc<Self>, SwarmError> {
        let v4 = match options.ip {
            Some(IpAddr::V6(_)) => Err(io::ErrorKind::Unsupported.into()),
            Some(IpAddr::V4(ip)) => Group::open_v4(Some(ip)),
            None => Group::open_v4(None),
        };
        let v6 = match options.ip {
            Some(IpAddr::V4(_)) => Err(io::ErrorKind::Unsupported.into()),
            Some(IpAddr::V6(ip)) => Group::open_v6(Some(ip)),
            None => Group::open_v6(None),
        };
        let groups = match (v4, v6) {
            (Err(error), Err(_)) => return Err(SwarmError::Lsd(error)),
            (v4, v6) => v4.into_iter().chain(v6).map(Arc::new).collect::<Vec<_>>(),
        };
        let lsd = Arc::new(Self {
            state: Arc::new(State {
                contents: Mutex::default(),
                callers: Mutex::default(),
                changed: Notify::new(),
                cookie: cookie(options.looks_on),
            }),
            cancel: cancel.child_token(),
        });
        for group in &groups {
            lsd.spawn(hear(Arc::clone(group), Arc::clone(&lsd.state)));
        }
        lsd.spawn(announce(groups, Arc::clone(&lsd.state)));
        Ok(lsd)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        tokio::spawn(async move { cancel.run_until_cancelled(task).await });
    }

    /// Announces a content from now on, and who announces it too is told to its hub. A content that nobody can be
    /// reached for here is only listened for.
    pub(crate) fn register(&self, common: &Arc<Common>) {
        let mut contents = self.state.contents();
        if contents.len() < CONTENTS_MAX {
            let due = Instant::now();
            let common = Arc::clone(common);
            let content = Content {
                due,
                lonely: 0,
                announced: false,
                common,
            };
            contents.insert(content.common.info_hash, content);
            self.state.changed.notify_one();
        }
    }

    /// The same for a swarm that only asks for a description; false if the content is there already.
    pub(crate) fn register_if_free(&self, common: &Arc<Common>) -> bool {
        let free = !self.state.contents().contains_key(&common.info_hash);
        if free {
            self.register(common);
        }
        free
    }

    pub(crate) fn unregister(&self, info_hash: &[u8; 20]) {
        self.state.contents().remove(info_hash);
    }
}

impl Drop for Lsd {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl State {
    fn contents(&self) -> MutexGuard<'_, HashMap<[u8; 20], Content>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The info-hashes to announce now with one port, and when to look again.
    fn due(&self, now: Instant) -> (Option<Announce>, Instant) {
        let mut contents = self.contents();
        let mut due: Vec<_> = contents
            .values_mut()
            .filter(|content| content.due <= now && content.common.listen_port != 0)
            .collect();
        let port = due.first().map(|content| content.common.listen_port);
        due.retain(|content| Some(content.common.listen_port) == port);
        due.truncate(INFO_HASHES_MAX);
        let hashes: Vec<_> = due.iter().map(|content| content.common.info_hash).collect();
        for content in due {
            content.announced(now);
        }
        let next = contents
            .values()
            .filter(|content| content.common.listen_port != 0)
            .map(|content| content.due)
            .min()
            .unwrap_or(now + EVERY);
        let announce = port.map(|port| Announce::new(port, hashes).with_cookie(&self.cookie));
        (announce, next.max(now + DATAGRAM_PAUSE))
    }

    /// Tells the hubs of contents that were announced for the first time how it went.
    fn sent(&self, announce: &Announce, sent: bool) {
        let mut contents = self.contents();
        for info_hash in &announce.info_hashes {
            if let Some(content) = contents.get_mut(info_hash)
                && !std::mem::replace(&mut content.announced, true)
            {
                // a hub that is too busy to hear it knows others already
                let _ = content.common.hub.try_send(Command::LsdAnnounced { sent });
                // only for a person to see
                let _ = content
                    .common
                    .events
                    .try_send(SwarmEvent::Announced { sent });
            }
        }
    }

    /// Whether one more call of this machine is heard.
    fn may_call(&self, from: IpAddr, now: Instant) -> bool {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS_MAX && !callers.contains_key(&from) {
            callers.retain(|_, tokens| !tokens.is_full(now));
            if callers.len() >= CALLERS_MAX {
                return false;
            }
        }
        let fresh = || Tokens::new(now, CALLS.0, CALLS.1);
        callers.entry(from).or_insert_with(fresh).take(now)
    }

    /// Somebody announces contents: those that we have too are told of it.
    fn heard(&self, announce: &Announce, from: IpAddr) {
        if announce.cookie.as_deref() == Some(self.cookie.as_str()) {
            return;
        }
        let addr = SocketAddr::new(from.to_canonical(), announce.port);
        if !self.may_call(addr.ip(), Instant::now()) {
            return;
        }
        let contents = self.contents();
        // one datagram is one call for a content, however often it names it
        let named: BTreeSet<_> = announce.info_hashes.iter().collect();
        for info_hash in named {
            if let Some(content) = contents.get(info_hash) {
                let looks_on = announce
                    .cookie
                    .as_deref()
                    .is_some_and(|it| it.starts_with(LOOKS_ON));
                let found = Command::Addresses {
                    addrs: vec![addr],
                    via: if looks_on { Via::Pex } else { Via::Lsd },
                };
                // the announcement comes again
                let _ = content.common.hub.try_send(found);
            }
        }
    }
}

/// A cookie that nobody else has.
fn cookie(looks_on: bool) -> String {
    let begin = if looks_on { LOOKS_ON } else { "" };
    format!("{begin}{:016x}", crate::chance::rng().u64(..))
}

impl Content {
    fn announced(&mut self, now: Instant) {
        let known = self
            .common
            .totals
            .known
            .load(std::sync::atomic::Ordering::Relaxed);
        let pause = if known == 0 {
            let doublings = self.lonely.min(LONELY_DOUBLINGS);
            self.lonely = self.lonely.saturating_add(1);
            LONELY_MIN * (1 << doublings)
        } else {
            EVERY
        };
        self.due = now + pause.min(EVERY);
    }
}

/// Sends what is due, for ever.
async fn announce(groups: Vec<Arc<Group>>, state: Arc<State>) {
    loop {
        let (announce, next) = state.due(Instant::now());
        if let Some(announce) = announce {
            let mut sent = false;
            for group in &groups {
                sent |= group.call(&announce);
            }
            state.sent(&announce, sent);
        }
        tokio::select! {
            () = sleep_until(next) => {}
            () = state.changed.notified() => {}
        }
    }
}

/// Hears announcements, for ever.
async fn hear(group: Arc<Group>, state: Arc<State>) {
    let mut buffer = vec![0; DATAGRAM_LEN_MAX + 1];
    loop {
        match group.heard(&mut buffer).await {
            Ok((len, from)) => {
                let datagram = buffer.get(..len).unwrap_or_default();
                // whatever else is sent to the group is none of our business
                if let Ok(announce) = Announce::parse(datagram) {
                    state.heard(&announce, from);
                }
            }
            Err(_) => sleep(ERROR_PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests;
