//! Words about addresses, one after another, and what must hold whatever they are.

use arbitrary::{Arbitrary, Unstructured};
use swarmcopy_bt_wire::extension::Pex;

use super::*;

/// Words of a script that are played.
const WORDS_MAX: usize = 300;

#[derive(Debug, Arbitrary)]
enum Word {
    Learn {
        ip: u8,
        port: u16,
        via: u8,
    },
    Told {
        by: u8,
        first: u8,
        count: u8,
    },
    /// A message of peer exchange as it came.
    Pex {
        by: u8,
        payload: Vec<u8>,
    },
    Dial,
    Fail(u8),
    Link(u8),
    Unlink(u8),
    Ourselves(u8),
    Ban {
        at: u8,
        lie: bool,
    },
    Wait(u16),
}

fn via_of(which: u8) -> Via {
    match which % 6 {
        0 => Via::Pex,
        1 => Via::Dht,
        2 => Via::Incoming,
        3 => Via::Tracker,
        4 => Via::Lsd,
        _ => Via::Named,
    }
}

/// A book with what a test knows of it.
struct Bench {
    book: AddressBook,
    start: Instant,
    now: Instant,
    dials: u128,
}

impl Bench {
    fn pick(&self, which: u8) -> SocketAddr {
        let mut all: Vec<_> = self.book.entries.keys().copied().collect();
        all.sort_unstable();
        let nobody = SocketAddr::from(([10, 9, 9, 9], 9));
        let at = usize::from(which).checked_rem(all.len());
        at.map_or(nobody, |at| all[at])
    }

    fn play(&mut self, word: &Word) {
        let now = self.now;
        let teller = |by: u8| Some(IpAddr::from([10, 0, 1, by % 4]));
        match word {
            Word::Learn { ip, port, via } => {
                let addr = SocketAddr::from(([10, 0, 0, ip % 8], *port));
                self.book.learn(addr, via_of(*via), now);
            }
            Word::Told { by, first, count } => {
                for number in 0..*count {
                    let addr = SocketAddr::from(([10, 1, *first, number], 6881));
                    self.book.learn_from(addr, Via::Pex, teller(*by), now);
                }
            }
            Word::Pex { by, payload } => {
                let pex = Pex::parse(payload).unwrap_or_default();
                for peer in &pex.added {
                    self.book.learn_from(peer.addr, Via::Pex, teller(*by), now);
                }
            }
            Word::Dial => {
                if let Some(addr) = self.book.next_dial(now) {
                    self.dials += 1;
                    assert!(!self.book.bans.holds_addr(addr, now), "{addr} is banned");
                    let state = State::Dialling { since: now };
                    assert_eq!(self.book.entries[&addr].state, state);
                }
            }
            Word::Fail(which) => self.book.failed(self.pick(*which), now),
            Word::Link(which) => self.book.linked(self.pick(*which)),
            Word::Unlink(which) => self.book.unlinked(self.pick(*which), now),
            Word::Ourselves(which) => self.book.is_ourselves(self.pick(*which)),
            Word::Ban { at, lie } => {
                let offence = if *lie {
                    Offence::Lie
                } else {
                    Offence::Violation
                };
                self.book.ban(self.pick(*at), [*at; 20], offence, now);
            }
            Word::Wait(ms) => self.now += Duration::from_millis((*ms).into()),
        }
    }

    fn check(&self) {
        let entries = &self.book.entries;
        assert!(entries.len() <= ADDRESSES_MAX);
        for teller in 0..4 {
            let teller = Some(IpAddr::from([10, 0, 1, teller]));
            let told = entries.values().filter(|entry| entry.teller == teller);
            assert!(told.count() <= TOLD_MAX);
        }
        let lived = self.now.duration_since(self.start).as_millis();
        let allowed = u128::from(DIALS.0) + lived / DIALS.1.as_millis();
        assert!(self.dials <= allowed, "{} dials of {allowed}", self.dials);
    }

    /// Whoever a person names is dialled soon.
    fn dials_the_honest(&mut self) {
        let honest = SocketAddr::from(([192, 0, 2, 7], 6881));
        let is_new = self.book.learn(honest, Via::Named, self.now);
        let was_met = !is_new;
        let mut dialled = was_met;
        for _ in 0..100 {
            self.now += Duration::from_millis(100);
            while let Some(addr) = self.book.next_dial(self.now) {
                dialled |= addr == honest;
                self.book.failed(addr, self.now);
            }
        }
        assert!(dialled, "an honest peer waits for more than ten seconds");
    }
}

/// Whatever is said, the book stays bounded, dials keep their rate, nobody who is banned is dialled, and whom a person
/// names is.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(mut words) = Vec::<Word>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    words.truncate(WORDS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    let _time = runtime.enter();
    let start = Instant::now();
    let book = AddressBook::new(start);
    let mut bench = Bench {
        book,
        start,
        now: start,
        dials: 0,
    };
    for word in &words {
        bench.play(word);
        bench.check();
    }
    bench.dials_the_honest();
}
