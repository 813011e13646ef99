//! Datagrams of a local network, one after another, and what must hold whatever they are.

use std::net::Ipv4Addr;

use arbitrary::{Arbitrary, Unstructured};
use swarmcopy_bt_wire::lsd::GROUP_V4;
use tokio::sync::mpsc;

use super::*;
use crate::testing::{Options, common};

/// Words of a script that are played.
const WORDS_MAX: usize = 200;
/// Commands that a hub has room for here.
const HUB_MAX: usize = 64;

#[derive(Debug, Arbitrary)]
enum Word {
    /// A machine calls.
    Call {
        from: u8,
        port: u16,
        hashes: Vec<u8>,
        cookie: Option<String>,
    },
    /// One after another of many.
    Crowd { net: u8, count: u8 },
    /// Any bytes.
    Raw { from: u8, bytes: Vec<u8> },
    /// It is looked what is to be announced.
    Look,
}

struct Bench {
    state: State,
    info_hash: [u8; 20],
    commands: mpsc::Receiver<Command>,
    /// Calls that were passed on, by host.
    found: HashMap<IpAddr, u32>,
    start: Instant,
}

impl Bench {
    fn new() -> Self {
        let (events, _) = mpsc::channel(1);
        let (hub, commands) = mpsc::channel(HUB_MAX);
        let common = Arc::new(common(&Options::default(), events, hub));
        let now = Instant::now();
        let info_hash = common.info_hash;
        let content = Content {
            due: now,
            lonely: 0,
            announced: false,
            common,
        };
        Self {
            state: State {
                contents: Mutex::new(HashMap::from([(info_hash, content)])),
                callers: Mutex::default(),
                changed: Notify::new(),
                cookie: cookie(false),
            },
            info_hash,
            commands,
            found: HashMap::new(),
            start: now,
        }
    }

    fn hear(&mut self, from: IpAddr, datagram: &[u8]) {
        if let Ok(announce) = Announce::parse(datagram) {
            assert!(announce.info_hashes.len() <= INFO_HASHES_MAX && announce.port != 0);
            self.state.heard(&announce, from);
        }
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Addresses { addrs, .. } = command {
                for addr in addrs {
                    *self.found.entry(addr.ip()).or_default() += 1;
                }
            }
        }
    }

    fn call(&mut self, from: IpAddr, port: u16, hashes: Vec<[u8; 20]>, cookie: Option<&str>) {
        let mut announce = Announce::new(port, hashes);
        if let Some(cookie) = cookie {
            announce = announce.with_cookie(cookie);
        }
        self.hear(from, &announce.encode(GROUP_V4.into()));
    }

    fn play(&mut self, word: &Word) {
        let host = |from: u8| IpAddr::from(Ipv4Addr::new(10, 0, 0, from));
        match word {
            Word::Call {
                from,
                port,
                hashes,
                cookie,
            } => {
                let hash = |which: &u8| match which % 3 {
                    0 => self.info_hash,
                    _ => [*which; 20],
                };
                let hashes = hashes.iter().map(hash).collect();
                self.call(host(*from), *port, hashes, cookie.as_deref());
            }
            Word::Crowd { net, count } => {
                for last in 0..*count {
                    let from = Ipv4Addr::new(10, 1, *net, last);
                    self.call(from.into(), 1, vec![self.info_hash], None);
                }
            }
            Word::Raw { from, bytes } => self.hear(host(*from), bytes),
            Word::Look => {
                let now = Instant::now();
                let (_, next) = self.state.due(now);
                assert!(next >= now + DATAGRAM_PAUSE && next <= now + EVERY + DATAGRAM_PAUSE);
            }
        }
    }

    fn check(&mut self) {
        let callers = self.state.callers.lock().unwrap().len();
        assert!(callers <= CALLERS_MAX);
        let grown = self.start.elapsed().as_millis() / CALLS.1.as_millis() + 1;
        let allowed = u128::from(CALLS.0) + grown;
        for (host, calls) in &self.found {
            assert!(u128::from(*calls) <= allowed, "{calls} calls of {host}");
        }
        if callers < CALLERS_MAX {
            let honest = IpAddr::from([192, 0, 2, 7]);
            self.call(honest, 7, vec![self.info_hash], None);
            assert!(
                self.found.contains_key(&honest),
                "an honest machine is not heard"
            );
        }
    }
}

/// Whatever is called, no machine is heard more often than the limit says, what is remembered is bounded, and an honest
/// machine is heard.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(mut words) = Vec::<Word>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    words.truncate(WORDS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    let _time = runtime.enter();
    let mut bench = Bench::new();
    for word in &words {
        bench.play(word);
    }
    bench.check();
}
