//! Random rooms are drawn, described, judged and made smaller as their heads say.

use swarmcopy_sim::Numbers;
use swarmcopy_sim::weather::{self, Draw, KINDS, Kind, Promise, Room, play, shrink};

fn kinds() -> Vec<Kind> {
    KINDS.iter().map(|(_, kind)| *kind).collect()
}

fn room(line: &str) -> Room {
    line.parse().unwrap()
}

/// Two machines beside one origin, at 1 MB/s, with what else is said of the room.
fn two(more: &str) -> Room {
    let machines = "m up=1000000 down=1000000; m up=1000000 down=1000000";
    room(&format!(
        "r seed=3 pieces=200x16384; {machines}; o up=1000000; {more}"
    ))
}

#[test]
fn the_same_number_gives_the_same_room_and_the_same_course() {
    for number in 0..50 {
        let once = Draw::room(9, number, &kinds());
        let again = Draw::room(9, number, &kinds());
        assert_eq!(once.to_string(), again.to_string());
        if number < 5 {
            assert_eq!(weather::timeline(&once), weather::timeline(&again));
        }
    }
    let other = Draw::room(10, 0, &kinds());
    assert_ne!(Draw::room(9, 0, &kinds()).to_string(), other.to_string());
}

#[test]
fn a_room_played_with_other_numbers_goes_another_way_in_verdict_and_timeline() {
    let room = two("t 0s origin 0 silent; t 9s origin 0 well");
    let steps = |numbers| weather::play_with(&room, numbers).steps;
    for name in ["look", "slots.turn"] {
        let mut numbers = Numbers::default();
        assert!(!numbers.scale("lok", 400) && numbers == Numbers::default());
        assert!(numbers.scale(name, 400));
        assert_ne!(steps(numbers), steps(Numbers::default()), "{name}");
        assert_ne!(
            weather::timeline_with(&room, numbers),
            weather::timeline(&room),
            "{name}"
        );
    }
}

#[test]
fn a_description_says_all_of_a_room() {
    for number in 0..500 {
        let drawn = Draw::room(11, number, &kinds());
        let line = drawn.to_string();
        assert_eq!(room(&line).to_string(), line);
    }
    let number = (0..1000).find(|number| {
        let room = Draw::room(11, *number, &kinds());
        room.troubles.len() > 2 && room.machines.len() > 2
    });
    let drawn = Draw::room(11, number.unwrap(), &kinds());
    let read = room(&drawn.to_string());
    assert_eq!(weather::timeline(&drawn), weather::timeline(&read));
}

#[test]
fn what_describes_no_room_is_refused() {
    for line in [
        "x",
        "r pieces=0x1",
        "m speed=3",
        "t 5s explode 3",
        "t soon crash 1",
    ] {
        let error = line.parse::<Room>().unwrap_err().to_string();
        assert!(error.contains("cannot read"), "{line}: {error}");
    }
}

#[test]
fn a_room_that_can_get_nothing_breaks_nothing() {
    let nobody = room("r seed=3 pieces=20x16384; m up=1000000 down=1000000");
    let verdict = play(&nobody);
    assert!(verdict.broken.is_empty(), "{:?}", verdict.broken);
    let never = two("t 0s origin 0 refusing");
    let verdict = play(&never);
    assert!(verdict.broken.is_empty(), "{:?}", verdict.broken);
}

/// No scheduler keeps what is promised here: the bounds know nothing of an origin that thinks for minutes.
const STUCK: &str = "o up=1000000 answer=300s";

#[test]
fn who_gets_nothing_from_an_origin_that_is_well_hangs() {
    let line = format!("r seed=3 pieces=20x16384; m up=1000000 down=1000000; {STUCK}");
    let verdict = play(&room(&line));
    assert!(verdict.breaks(Promise::Hangs), "{:?}", verdict.broken);
    assert!(verdict.ended < std::time::Duration::from_mins(2));
}

#[test]
fn a_smaller_room_breaks_the_same_promise() {
    let machine = "m up=1000000 down=1000000 k=3 far=3ms stay=2s";
    let more = "t 1s freeze 1; t 2s thaw 1; t 3s crash 0";
    let machines = format!("{machine}; {machine}; {machine}");
    let line = format!("r seed=3 pieces=64x16384 files=3 jitter=2ms; {machines}; {STUCK}; {more}");
    let shrunk = shrink(&room(&line), Promise::Hangs).unwrap();
    assert!(shrunk.verdict.breaks(Promise::Hangs));
    let smallest = "r seed=3 pieces=1x16384 latency=500us; m up=1000000 down=1000000; ";
    let smallest = format!("{smallest}{STUCK}");
    assert_eq!(
        shrunk.room.to_string(),
        smallest,
        "after {} rooms",
        shrunk.tries
    );
    assert!(shrink(&two(""), Promise::Sound).is_none());
}

/// Plays a room that once broke these promises; it keeps them.
fn keeps(line: &str, promises: &[Promise]) {
    let verdict = play(&room(line));
    let broken = promises.iter().any(|promise| verdict.breaks(*promise));
    assert!(!broken, "{:?}", verdict.broken);
}

const LIVE: &[Promise] = &[Promise::Hangs, Promise::Liveness];

#[test]
fn an_origin_that_resets_amid_large_pieces_is_read_on() {
    let machine = "m up=62811141 down=62811141";
    let line = format!(
        "r seed=240408327192031 pieces=66x4194304; {machine}; {machine}; o up=6281114; \
         t 9356ms origin 0 resetting; t 13930ms origin 0 well"
    );
    keeps(&line, LIVE);
}

#[test]
fn readers_of_an_origin_that_needs_seconds_for_a_piece_are_waited_for() {
    let machine = "m up=7823473 down=7823473";
    let machines = [machine; 4].join("; ");
    let line = format!("r seed=240408312970719 pieces=12x2097152; {machines}; o up=852529");
    keeps(&line, &[Promise::Pace, Promise::Copies, Promise::Readers]);
}

#[test]
fn a_slow_machine_is_asked_by_one_that_may_not_read() {
    let line = "r seed=240408314805727 pieces=31x2097152 latency=901us jitter=50ms; \
                m up=4090852 down=4090852 stay=0s; m join=9323us up=258633 down=258633; \
                m join=5583ms up=7492403 down=7492403; m up=7758996 down=7758996 role=mute; \
                m join=2242ms up=7758996 down=7758996 role=mute; o up=77589960; t 7201ms leave 4";
    keeps(line, &[Promise::Hangs]);
}

#[test]
fn a_line_full_of_what_origins_send_makes_no_peer_look_silent() {
    let line = "r seed=240408326471135 pieces=90x16384; m join=9626us up=50000 down=50000; \
                m up=50000 down=50000; o up=500000; o up=477213";
    keeps(line, LIVE);
}

#[test]
fn a_fast_machine_does_not_wait_for_the_slots_of_one_at_a_quarter_of_its_rate() {
    let line = "r seed=275483431891228 pieces=16384x262144 latency=100us; \
                m join=18372us up=593729555 down=593729555; \
                m join=16247us up=147436958 down=147436958; o up=593729555";
    let verdict = play(&room(line));
    // at the slow one's rate it would take four times as long
    assert!(verdict.pace.unwrap() < 1.6, "{:?}", verdict.pace);
}

#[test]
fn who_has_all_and_sends_little_is_asked_out_of_turn() {
    let line = "r seed=275483436478748 pieces=442x262144 latency=119us; \
                m join=5608us up=232083846 down=232083846; m join=5572us up=32960171 down=32960171; \
                m join=5810us up=7736128 down=7736128; o up=1250000000";
    keeps(line, &[Promise::Pace, Promise::Copies]);
}
