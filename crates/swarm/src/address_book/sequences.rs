//! Random words about addresses, one after another, and what must hold whatever they are.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Any {
    Learn { ip: u8, port: u16, via: u8 },
    Told { by: u8, first: u8, count: u8 },
    Dial,
    Fail(u8),
    Link(u8),
    Unlink(u8),
    Ourselves(u8),
    Ban { at: u8, lie: bool },
    Wait(u16),
}

fn any_word() -> impl Strategy<Value = Any> {
    prop_oneof![
        4 => (any::<u8>(), 1u16..200, 0u8..6).prop_map(|(ip, port, via)| Any::Learn { ip, port, via }),
        3 => (0u8..4, any::<u8>(), any::<u8>()).prop_map(|(by, first, count)| Any::Told { by, first, count }),
        4 => Just(Any::Dial),
        2 => any::<u8>().prop_map(Any::Fail),
        2 => any::<u8>().prop_map(Any::Link),
        1 => any::<u8>().prop_map(Any::Unlink),
        1 => any::<u8>().prop_map(Any::Ourselves),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(at, lie)| Any::Ban { at, lie }),
        2 => (0u16..2000).prop_map(Any::Wait),
    ]
}

fn via_of(which: u8) -> Via {
    [
        Via::Pex,
        Via::Dht,
        Via::Incoming,
        Via::Tracker,
        Via::Lsd,
        Via::Named,
    ][usize::from(which)]
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

    fn play(&mut self, word: &Any) {
        let now = self.now;
        match *word {
            Any::Learn { ip, port, via } => {
                let addr = SocketAddr::from(([10, 0, 0, ip % 8], port));
                self.book.learn(addr, via_of(via), now);
            }
            Any::Told { by, first, count } => {
                for number in 0..count {
                    let addr = SocketAddr::from(([10, 1, first, number], 6881));
                    let by = IpAddr::from([10, 0, 1, by]);
                    self.book.learn_from(addr, Via::Pex, Some(by), now);
                }
            }
            Any::Dial => {
                if let Some(addr) = self.book.next_dial(now) {
                    self.dials += 1;
                    assert!(!self.book.bans.holds_addr(addr, now), "{addr} is banned");
                    assert_eq!(
                        self.book.entries[&addr].state,
                        State::Dialling { since: now }
                    );
                }
            }
            Any::Fail(which) => self.book.failed(self.pick(which), now),
            Any::Link(which) => self.book.linked(self.pick(which)),
            Any::Unlink(which) => self.book.unlinked(self.pick(which), now),
            Any::Ourselves(which) => self.book.is_ourselves(self.pick(which)),
            Any::Ban { at, lie } => {
                let offence = if lie {
                    Offence::Lie
                } else {
                    Offence::Violation
                };
                self.book.ban(self.pick(at), [at; 20], offence, now);
            }
            Any::Wait(ms) => self.now += Duration::from_millis(ms.into()),
        }
    }

    fn check(&self) {
        let entries = &self.book.entries;
        assert!(entries.len() <= addresses_max);
        for teller in 0..4 {
            let teller = Some(IpAddr::from([10, 0, 1, teller]));
            let told = entries.values().filter(|entry| entry.teller == teller);
            assert!(told.count() <= TOLD_MAX);
        }
        let lived = self.now.duration_since(self.start).as_millis();
        let allowed = u128::from(DIALS.0) + lived / DIALS.1.as_millis();
        assert!(self.dials <= allowed, "{} dials of {allowed}", self.dials);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_said_the_book_stays_bounded_and_who_is_named_is_dialled(
        words in prop::collection::vec(any_word(), 1..200)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _time = runtime.enter();
        let start = Instant::now();
        let book = AddressBook::new(start);
        let mut bench = Bench { book, start, now: start, dials: 0 };
        for word in &words {
            bench.play(word);
            bench.check();
        }
        let honest = SocketAddr::from(([192, 0, 2, 7], 6881));
        prop_assert!(bench.book.learn(honest, Via::Named, bench.now));
        let mut dialled = false;
        for _ in 0..100 {
            bench.now += Duration::from_millis(100);
            while let Some(addr) = bench.book.next_dial(bench.now) {
                dialled |= addr == honest;
                bench.book.failed(addr, bench.now);
            }
        }
        prop_assert!(dialled, "an honest peer waits for more than ten seconds");
    }
}
