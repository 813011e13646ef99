//! Rooms that once broke a promise, each with several seeds: the links, faults and machines are theirs, chance is not.

use swarmcopy_sim::weather::{Promise, Room, play};

const SEEDS: std::ops::Range<u64> = 1..9;
const LIVE: &[Promise] = &[Promise::Hangs, Promise::Liveness];
const LIVE_AND_SWIFT: &[Promise] = &[Promise::Hangs, Promise::Liveness, Promise::Pace];

/// Plays the room with each seed; it keeps these promises.
fn keeps(room: &str, promises: &[Promise]) {
    for seed in SEEDS {
        let room: Room = format!("r seed={seed} {room}").parse().unwrap();
        let verdict = play(&room);
        let broken = promises.iter().any(|promise| verdict.breaks(*promise));
        assert!(!broken, "seed {seed}: {:?}", verdict.broken);
    }
}

#[test]
fn a_late_joiner_does_not_stop_the_machine_that_is_nearly_done() {
    let room = "pieces=144x131072 latency=500us; m join=21243ms up=840657 down=840657; \
                m up=840657 down=840657; o up=895253";
    keeps(room, LIVE_AND_SWIFT);
}

#[test]
fn an_origin_out_of_reach_of_one_machine_of_several_is_read_by_another_soon() {
    let room = "pieces=9x16384 latency=500us; m join=7979us up=182814 down=182814; \
                m up=430974 down=430974 reaches=1; m up=117921 down=117921; \
                o up=4309740; o up=4309740";
    keeps(room, LIVE_AND_SWIFT);
}

#[test]
fn an_origin_out_of_reach_of_one_machine_of_two_is_given_up_before_it_stalls_the_other() {
    let room = "pieces=12x16384 latency=500us; m up=177763 down=177763; \
                m up=407992 down=407992 reaches=10; o up=4079920";
    keeps(room, LIVE);
}

#[test]
fn machines_by_radio_do_not_wait_for_one_that_has_all_it_wants() {
    let room = "pieces=9x1048576 latency=500us; \
                m up=1250000000 down=1250000000 k=3 class=wifi; \
                m up=1250000000 down=1250000000 wants=87; o up=237054175";
    keeps(room, LIVE_AND_SWIFT);
}

#[test]
fn who_was_left_in_order_is_not_cut_off() {
    let room = "pieces=112x1048576 latency=500us; m up=217716759 down=217716759 stay=0s; \
                m up=101857172 down=101857172 k=4 isolated=wait; o up=1002965836";
    keeps(room, LIVE);
}

#[test]
fn a_mirror_that_is_silent_from_the_start_beside_a_good_one_costs_a_second() {
    let room = "pieces=315x1048576 latency=500us; m join=210ms up=713615897 down=713615897; \
                m up=713615897 down=713615897; o up=71361589; o up=1250000000; t 0s origin 0 silent";
    keeps(room, LIVE_AND_SWIFT);
}

#[test]
fn a_slow_machine_makes_no_fast_one_give_its_slots_back() {
    let room = "pieces=546x16384 latency=1752us; m up=371609 down=371609; m up=50000 down=50000; \
                o up=3716090";
    keeps(room, LIVE_AND_SWIFT);
    let room = "pieces=1717x16384 latency=200us; m up=2223490 down=2223490; \
                m up=12171917 down=12171917; o up=60140164";
    keeps(room, LIVE);
}

#[test]
fn a_thin_uplink_keeps_what_its_machine_read_from_the_others_for_no_longer_than_it_must() {
    // the thin one needs 28 s to pass on what it reads of 42 MB
    let room = "pieces=1267x32768 latency=200us; m up=500000 down=10000000; \
                m up=10000000 down=10000000; m up=10000000 down=10000000; o up=10000000";
    for seed in SEEDS {
        let room: Room = format!("r seed={seed} {room}").parse().unwrap();
        let verdict = play(&room);
        assert!(
            verdict.pace.unwrap() < 2.5,
            "seed {seed}: {:?}",
            verdict.broken
        );
    }
}

#[test]
fn a_machine_that_hardly_takes_what_a_fast_one_reads_holds_it_up_for_a_moment() {
    let room = "pieces=128x1048576 latency=500us; m up=12500000 down=12500000; \
                m up=625000 down=625000; o up=12500000";
    keeps(room, LIVE_AND_SWIFT);
}

#[test]
fn who_has_read_its_slot_goes_on_with_those_of_a_slower_reader_without_a_pause() {
    let room = "pieces=256x4194304 latency=510us; m join=17516us up=35997083 down=35997083; \
                m join=3576us up=27525217 down=27525217; o up=227434188";
    for seed in SEEDS {
        let room: Room = format!("r seed={seed} {room}").parse().unwrap();
        let pace = play(&room).pace.unwrap();
        assert!(pace < 1.2, "seed {seed}: {pace}");
    }
}

#[test]
fn a_far_peer_whose_first_answer_takes_longer_than_strangers_are_waited_for_is_waited_for_longer_in_the_end()
 {
    let room = "pieces=1x16384 latency=300ms; m up=50000 down=50000 role=stock; \
                m up=50000 down=50000; o up=593250";
    keeps(room, &[Promise::Hangs]);
}

#[test]
fn a_mirror_that_failed_is_asked_again_for_what_those_that_answer_have_wrong() {
    let room = "pieces=6x16384 latency=500us; m up=445334 down=445334; o up=4453340; \
                o up=445334 wrong=1; t 144ms origin 0 refusing; t 15315ms origin 0 well";
    keeps(room, LIVE);
}

#[test]
fn what_a_mirror_had_wrong_is_tried_again_after_all_that_it_may_have_right() {
    let room = "pieces=279x65536 latency=500us; m up=99511 down=99511 reaches=13; \
                o up=2922391 wrong=4; o up=28931000";
    keeps(room, LIVE);
}

#[test]
fn what_a_good_mirror_lacks_is_read_of_one_that_has_other_pieces_wrong() {
    let room = "pieces=90x262144 latency=500us; \
                m up=17613642 down=17613642 k=4 budget=5871214; \
                m join=199ms up=17613642 down=17613642 k=4 budget=5871214; \
                o up=176136420 lacks=7; o up=2879032 wrong=3";
    keeps(room, &[Promise::Hangs]);
}

#[test]
fn machines_by_radio_are_stopped_by_no_forger_that_says_to_have_a_cable() {
    let room = "pieces=1x16384 latency=500us; m up=114001 down=114001 k=3 class=wifi; \
                m up=114001 down=114001 k=3 class=wifi; m up=114001 down=114001 role=claimer; o up=430632";
    keeps(room, &[Promise::Hangs]);
}

#[test]
fn what_only_a_machine_without_power_has_is_read_by_one_that_can_though_others_try_in_vain() {
    let room = "pieces=40x16384 latency=500us; m join=3961ms up=50000 down=50000 reaches=10; \
                m join=6581us up=50000 down=50000; m join=3191ms up=50000 down=50000 reaches=10; \
                m join=2191ms up=50000 down=50000 reaches=10; m join=1191ms up=50000 down=50000 reaches=10; \
                m up=777061 down=777061; o up=7770610; t 792ms power-loss 5";
    keeps(room, &[Promise::Hangs]);
}

#[test]
fn pieces_that_were_wrong_take_little_of_a_slow_line() {
    let room = "pieces=315x65536 latency=500us; m join=13122ms up=99511 down=99511; \
                m up=2395893 down=2395893; o up=2922391 wrong=4";
    for seed in SEEDS {
        let room: Room = format!("r seed={seed} {room}").parse().unwrap();
        let copies = play(&room).copies;
        assert!(copies < 2.5, "seed {seed}: {copies} copies");
    }
}
