//! Answers of trackers, one after another, and what must hold whatever they are.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use swarmcopy_bt_wire::tracker::{
    Family, PEERS_MAX, PeerForm, TEXT_LEN_MAX, TrackerPeer, UdpReply,
};
use swarmcopy_sources::http::unpacked;
use tokio::sync::mpsc;

use super::*;
use crate::testing::{Options, common};

/// Words of a script that are played.
const WORDS_MAX: usize = 100;
/// Longest pause between two announces, with what rounding adds.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 3600 + 1);
/// Longest answer that is unpacked here.
const BODY_LEN_MAX: usize = 1 << 20;

#[derive(Debug, Arbitrary)]
enum Word {
    Answer {
        interval: u32,
        min_interval: Option<u32>,
        peers: Vec<([u8; 4], u16)>,
        warning: Option<String>,
        tracker_id: Option<Vec<u8>>,
        compact: bool,
    },
    Refusal(String),
    Body(Vec<u8>),
    Datagram(Vec<u8>),
    Nothing,
    Completed,
}

fn body(word: &Word) -> Vec<u8> {
    let Word::Answer {
        interval,
        min_interval,
        peers,
        warning,
        tracker_id,
        compact,
    } = word
    else {
        return Vec::new();
    };
    let peer = |(ip, port): &([u8; 4], u16)| TrackerPeer::new((*ip, *port).into(), None);
    let mut reply = AnnounceReply::new(*interval, peers.iter().map(peer).collect());
    reply.min_interval_s = *min_interval;
    reply.warning.clone_from(warning);
    reply.tracker_id.clone_from(tracker_id);
    reply.encode(if *compact {
        PeerForm::Compact
    } else {
        PeerForm::Dictionary
    })
}

struct Bench {
    announcer: Announcer,
    events: mpsc::Receiver<SwarmEvent>,
    commands: mpsc::Receiver<Command>,
}

impl Bench {
    fn new() -> Self {
        let (send, events) = mpsc::channel(8);
        let (hub, commands) = mpsc::channel(8);
        let common = Arc::new(common(&Options::default(), send, hub));
        let url = Url::parse("http://t.example/announce").unwrap();
        Self {
            announcer: Announcer {
                http: None,
                schedule: Schedule::new(Instant::now()),
                key: 1,
                heard: None,
                common,
                tiers: Tiers::new(vec![vec![url]]),
                bind_ip: None,
                public: Vec::new(),
            },
            events,
            commands,
        }
    }

    async fn take(&mut self, body: Vec<u8>) -> Option<usize> {
        let body = unpacked(body, BODY_LEN_MAX)?;
        let reply = AnnounceReply::parse(&body).ok()?;
        assert!(reply.peers.len() <= PEERS_MAX);
        let id = reply.tracker_id.as_ref().map_or(0, Vec::len);
        assert!(id <= TEXT_LEN_MAX);
        let url = self.announcer.tiers.get(0, 0).cloned().unwrap();
        self.announcer.handle_reply(url, reply).await;
        let mut found = None;
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Addresses { addrs, .. } = command {
                found = Some(addrs.len());
            }
        }
        let mut told = 0;
        while let Ok(event) = self.events.try_recv() {
            told += usize::from(matches!(event, SwarmEvent::TrackerNote { .. }));
        }
        assert_eq!(told, 1, "one word about each answer");
        found
    }

    async fn play(&mut self, word: &Word) {
        match word {
            Word::Answer { .. } => drop(self.take(body(word)).await),
            Word::Refusal(why) => {
                let taken = self.take(AnnounceReply::encode_failure(why)).await;
                assert_eq!(taken, None, "a refusal is no answer");
            }
            Word::Body(bytes) => drop(self.take(bytes.clone()).await),
            Word::Datagram(bytes) => {
                for family in [Family::V4, Family::V6] {
                    let reply = UdpReply::decode(bytes, family);
                    if let Ok(UdpReply::Announce { peers, .. }) = reply {
                        assert!(peers.len() <= bytes.len() / 6);
                    }
                }
            }
            Word::Nothing => self.announcer.schedule.failed(Instant::now()),
            Word::Completed => {
                let url = self.announcer.tiers.get(0, 0).cloned().unwrap();
                let asked = self.announcer.request(&url, Event::Completed);
                assert!(asked.url(&url).as_str().len() < 64 * 1024);
            }
        }
    }

    /// Whatever trackers said, one is asked again in bounds.
    fn check(&self) {
        let now = Instant::now();
        for known in [0, 100] {
            let pause = self
                .announcer
                .schedule
                .due(known)
                .saturating_duration_since(now);
            assert!(pause <= PAUSE_MAX, "{pause:?}");
        }
    }
}

/// Whatever trackers answer, what is taken of it is bounded, they are asked again in time, and an honest one is heard.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(mut words) = Vec::<Word>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    words.truncate(WORDS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::new();
        for word in &words {
            bench.play(word).await;
            bench.check();
        }
        let honest = Word::Answer {
            interval: 60,
            min_interval: None,
            peers: vec![([192, 0, 2, 7], 7)],
            warning: None,
            tracker_id: None,
            compact: true,
        };
        assert_eq!(bench.take(body(&honest)).await, Some(1));
        let pause = bench
            .announcer
            .schedule
            .due(100)
            .saturating_duration_since(Instant::now());
        assert!(pause <= Duration::from_secs(60));
    });
}
