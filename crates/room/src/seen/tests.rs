//! Rules of what is seen: states, who comes back, who was expected, and what pages are told.

use std::time::{Duration, Instant};

use swarmcopy::{MachineStatus, Sighting};

use super::*;
use crate::machine::{SILENT, STUCK, State};

const SECOND: Duration = Duration::from_secs(1);

struct Room {
    seen: Seen,
    now: Instant,
}

impl Room {
    fn new(expected: &[&str]) -> Self {
        let about = About {
            name: "CS5".to_owned(),
            bytes: 1000,
            pieces: 10,
        };
        let expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        let now = Instant::now();
        Self {
            seen: Seen::new(about, &expected, now),
            now,
        }
    }

    fn meet(&mut self, id: u64, ours: bool) {
        let addr = format!("127.0.0.1:{}", 7000 + id).parse().unwrap();
        let sighting = Sighting::Met {
            id,
            addr,
            peer_id: [0; 20],
            client: "client".to_owned(),
            ours,
        };
        self.seen.see(sighting, self.now);
    }

    fn tell(&mut self, id: u64, change: impl FnOnce(&mut MachineStatus)) {
        let mut status = MachineStatus::default();
        status.name = format!("lab-{id}");
        status.phase = "copying".to_owned();
        status.bytes = 1000;
        change(&mut status);
        let status = Box::new(status);
        self.seen.see(Sighting::Machine { id, status }, self.now);
    }

    fn gone(&mut self, id: u64) {
        let why = "closed by the peer".to_owned();
        self.seen.see(Sighting::Gone { id, why }, self.now);
    }

    fn states(&self) -> Vec<(String, State)> {
        let machines = self.seen.view(self.now).machines;
        machines.into_iter().map(|it| (it.name, it.state)).collect()
    }

    fn state(&self, name: &str) -> State {
        let states = self.states();
        let found = states.iter().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("no {name} in {states:?}")).1
    }
}

#[test]
fn a_machine_stands_as_it_says() {
    let mut room = Room::new(&[]);
    for id in 0..5 {
        room.meet(id, true);
    }
    room.tell(0, |it| it.verified = 1000);
    room.tell(1, |it| it.rate = 7);
    room.tell(2, |it| {
        it.wait = "hours".to_owned();
        it.wait_ms = 3000;
    });
    room.tell(3, |it| {
        it.wait = "hours".to_owned();
        it.wait_ms = u64::try_from(STUCK.as_millis()).unwrap();
    });
    room.tell(4, |it| it.phase = "checking".to_owned());
    let states = ["lab-0", "lab-1", "lab-2", "lab-3", "lab-4"].map(|name| room.state(name));
    let wanted = [
        State::Done,
        State::Copying,
        State::Waiting,
        State::Stuck,
        State::Checking,
    ];
    assert_eq!(states, wanted);
    assert_eq!(
        room.states()[0],
        ("lab-3".to_owned(), State::Stuck),
        "the urgent first"
    );
}

#[test]
fn who_does_not_answer_is_silent_and_an_answer_ends_that() {
    let mut room = Room::new(&[]);
    room.meet(1, true);
    room.tell(1, |it| it.verified = 1000);
    room.now += SILENT;
    assert_eq!(room.state("lab-1"), State::Silent);
    room.tell(1, |it| it.verified = 1000);
    assert_eq!(room.state("lab-1"), State::Done);
}

#[test]
fn who_went_complete_has_left_and_who_went_before_is_missed() {
    let mut room = Room::new(&[]);
    for id in [1, 2] {
        room.meet(id, true);
        room.tell(id, |it| it.verified = 500 * id);
        room.gone(id);
    }
    assert_eq!(room.state("lab-1"), State::Silent);
    assert_eq!(room.state("lab-2"), State::Left);
    assert_eq!(room.seen.is_complete(), Some(false));
}

#[test]
fn a_machine_that_starts_again_is_one_machine() {
    let mut room = Room::new(&[]);
    room.meet(1, true);
    room.tell(1, |it| it.rate = 5);
    room.gone(1);
    let version = room.seen.update(0, room.now).version;
    let mut again = Sighting::Met {
        id: 9,
        addr: "127.0.0.1:9999".parse().unwrap(),
        peer_id: [1; 20],
        client: "client".to_owned(),
        ours: true,
    };
    room.seen.see(again.clone(), room.now);
    room.tell(9, |it| it.name = "lab-1".to_owned());
    assert_eq!(room.states(), [("lab-1".to_owned(), State::Copying)]);
    let update = room.seen.update(version, room.now);
    assert_eq!((update.dropped, update.machines.len()), (vec![1], 1));
    // two that are there at a time are two
    if let Sighting::Met { id, .. } = &mut again {
        *id = 10;
    }
    room.seen.see(again, room.now);
    room.tell(10, |it| it.name = "lab-1".to_owned());
    assert_eq!(room.states().len(), 2);
}

#[test]
fn who_was_expected_is_missed_until_it_comes() {
    let mut room = Room::new(&["LAB-1", "lab-2"]);
    assert_eq!(room.state("LAB-1"), State::Expected);
    assert_eq!(room.seen.is_complete(), Some(false));
    room.meet(1, true);
    room.tell(1, |it| it.verified = 1000);
    let states = room.states();
    let wanted = [("lab-2", State::Expected), ("lab-1", State::Done)];
    assert_eq!(states, wanted.map(|(name, state)| (name.to_owned(), state)));
}

#[test]
fn a_page_is_told_what_changed_and_what_time_changed() {
    let mut room = Room::new(&[]);
    for id in 0..10 {
        room.meet(id, true);
        room.tell(id, |_| {});
    }
    room.seen.pass(room.now);
    let all = room.seen.update(0, room.now);
    assert!(all.all && all.machines.len() == 10);
    room.tell(3, |it| it.rate = 1);
    let next = room.seen.update(all.version, room.now);
    assert_eq!(
        next.machines
            .iter()
            .map(|it| it.name.as_str())
            .collect::<Vec<_>>(),
        ["lab-3"]
    );
    assert!(room.seen.update(next.version, room.now).machines.is_empty());
    room.now += SILENT;
    room.seen.pass(room.now);
    assert_eq!(room.seen.update(next.version, room.now).machines.len(), 10);
}

#[test]
fn rates_are_what_came_between_two_answers() {
    let mut room = Room::new(&[]);
    room.meet(1, true);
    room.tell(1, |it| it.from_mirror = 100);
    room.now += 2 * SECOND;
    room.tell(1, |it| {
        it.from_mirror = 300;
        it.slots = vec![0];
        it.readers_max = 3;
        it.rate = 100;
        it.verified = 300;
        it.room_origin_bytes = 1500;
    });
    let view = room.seen.view(room.now);
    assert_eq!(view.machines[0].rates.mirror, 100);
    let origin = &view.origin;
    assert_eq!(
        (origin.readers, origin.readers_max, origin.rate),
        (1, 3, 100)
    );
    assert!((origin.copies - 1.5).abs() < 1e-9, "{}", origin.copies);
    assert_eq!(
        view.machines[0].seconds_left,
        Some(14),
        "the mean of two answers is 50 a second"
    );
    assert_eq!(view.totals.seconds_left, Some(14));
}

#[test]
fn the_time_left_is_not_known_while_one_stands_still() {
    let mut room = Room::new(&[]);
    for id in 0..2 {
        room.meet(id, true);
        room.tell(id, |it| it.rate = 10 * id);
    }
    assert_eq!(room.seen.view(room.now).totals.seconds_left, None);
}

#[test]
fn the_time_that_the_others_take_is_known_while_one_stands_still() {
    let mut room = Room::new(&[]);
    for (id, rate) in [(0, 0), (1, 10), (2, 100)] {
        room.meet(id, true);
        room.tell(id, |it| it.rate = rate);
    }
    let totals = room.seen.view(room.now).totals;
    let slow = totals.seconds_left_moving.unwrap();
    assert_eq!((totals.seconds_left, slow), (None, 100));
}

#[test]
fn an_answer_is_told_to_a_page_once() {
    let mut room = Room::new(&[]);
    room.meet(1, true);
    room.tell(1, |it| it.rate = 10);
    let first = room.seen.update(0, room.now);
    assert_eq!(first.machines[0].history, [(0, 10)]);
    for rate in [20, 30] {
        room.now += SECOND;
        room.tell(1, |it| it.rate = rate);
    }
    let second = room.seen.update(first.version, room.now);
    assert_eq!(second.machines[0].history, [(1, 20), (2, 30)]);
    room.now += SECOND;
    room.tell(1, |it| it.rate = 40);
    let third = room.seen.update(second.version, room.now);
    assert_eq!(third.machines[0].history, [(3, 40)]);
    let anew = room.seen.update(0, room.now);
    assert_eq!(anew.machines[0].history.len(), 4);
}

#[test]
fn another_client_shows_its_pieces_which_are_told_in_bytes() {
    let mut room = Room::new(&[]);
    room.meet(1, false);
    for (pieces, bytes) in [(3, 300), (99, 1000)] {
        room.seen.see(Sighting::Shows { id: 1, pieces }, room.now);
        let view = room.seen.view(room.now);
        let it = &view.machines[0];
        assert_eq!(
            (it.state, it.verified, it.bytes),
            (State::Other, bytes, 1000)
        );
        assert_eq!(view.totals.machines, 0);
        assert_eq!(view.totals.verified, 0);
    }
}

#[test]
fn no_more_machines_are_remembered_than_there_may_be() {
    let mut room = Room::new(&[]);
    for id in 0..u64::try_from(MACHINES_MAX).unwrap() + 10 {
        room.meet(id, true);
        if id % 2 == 0 {
            room.gone(id);
        }
    }
    assert_eq!(room.seen.view(room.now).machines.len(), MACHINES_MAX);
    let survivor = room.seen.link_of(2);
    assert_eq!(survivor, Some(1), "those that are gone are forgotten first");
}

#[test]
fn a_list_of_expected_machines_is_read() {
    let text = "# the lab\nlab-1\n  lab-2  # broken\n\nLAB-1\n";
    assert_eq!(expected_names(text).unwrap(), ["lab-1", "lab-2"]);
    assert!(
        expected_names(&"x".repeat(49))
            .unwrap_err()
            .contains("longer than")
    );
    let many: String = (0..=EXPECTED_MAX).map(|n| format!("m{n}\n")).collect();
    assert!(expected_names(&many).unwrap_err().contains("more than"));
}
