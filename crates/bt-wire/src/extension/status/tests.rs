//! Rules of `sc_status`: what is written is read, nothing is too long, nothing hostile gets through.

use proptest::prelude::*;

use super::*;

fn full() -> MachineStatus {
    MachineStatus {
        name: "lab-07".to_owned(),
        version: "0.1.0".to_owned(),
        system: "linux x86_64".to_owned(),
        node: *b"\0\x01\xff456,8",
        phase: "copying".to_owned(),
        elapsed_ms: 61_000,
        bytes: 1 << 40,
        verified: 1 << 39,
        rate: 117_000_000,
        from_share: 1,
        from_mirror: 2,
        from_peers: 3,
        reused: 4,
        uploaded: 5,
        wasted: 6,
        bad_pieces: 7,
        peers: 59,
        slots: vec![0, 2],
        readers_max: 3,
        group: "lab".to_owned(),
        class: "wired".to_owned(),
        wait: "hours".to_owned(),
        wait_words: "the hours in which share and mirrors may be read".to_owned(),
        wait_ms: 3000,
        error: "mirror: 503".to_owned(),
        free: Some(0),
        room_origin_bytes: 1 << 41,
    }
}

fn parsed(message: &StatusMessage) -> StatusMessage {
    let bytes = message.encode();
    assert!(bytes.len() <= STATUS_LEN_MAX, "{} bytes", bytes.len());
    StatusMessage::parse(&bytes).unwrap()
}

#[test]
fn a_message_is_read_as_it_was_written() {
    let source = SourceStatus {
        kind: "mirror".to_owned(),
        name: "http://mirror.example".to_owned(),
        state: "busy".to_owned(),
        why: "503".to_owned(),
        rate: 1,
        bytes: 2,
    };
    let decision = DecisionStatus {
        code: "origin:slot-held".to_owned(),
        count: 9,
    };
    for message in [
        StatusMessage::Ask(StatusQuestion::Machine),
        StatusMessage::Ask(StatusQuestion::Sources),
        StatusMessage::Ask(StatusQuestion::Decisions),
        StatusMessage::Machine(Box::new(full())),
        StatusMessage::Machine(Box::default()),
        StatusMessage::Sources(vec![source.clone(), source]),
        StatusMessage::Decisions(vec![decision]),
        StatusMessage::Decisions(Vec::new()),
    ] {
        assert_eq!(parsed(&message), message);
    }
}

#[test]
fn texts_are_cut_between_characters() {
    let mut long = full();
    long.name = "ü".repeat(100);
    long.error = "ü".repeat(1000);
    let StatusMessage::Machine(read) = parsed(&StatusMessage::Machine(Box::new(long))) else {
        panic!("another message");
    };
    assert_eq!(read.name, "ü".repeat(STATUS_NAME_LEN_MAX / 2));
    assert_eq!(read.error, "ü".repeat(STATUS_WORDS_LEN_MAX / 2));
}

#[test]
fn the_longest_answer_that_can_be_fits() {
    let huge = "x".repeat(2000);
    let mut machine = full();
    for text in [
        &mut machine.name,
        &mut machine.version,
        &mut machine.system,
        &mut machine.phase,
        &mut machine.group,
        &mut machine.class,
        &mut machine.wait,
        &mut machine.wait_words,
        &mut machine.error,
    ] {
        text.clone_from(&huge);
    }
    for number in [
        &mut machine.elapsed_ms,
        &mut machine.bytes,
        &mut machine.verified,
        &mut machine.rate,
        &mut machine.from_share,
        &mut machine.from_mirror,
        &mut machine.from_peers,
        &mut machine.reused,
        &mut machine.uploaded,
        &mut machine.wasted,
        &mut machine.bad_pieces,
        &mut machine.wait_ms,
        &mut machine.room_origin_bytes,
    ] {
        *number = u64::MAX;
    }
    machine.peers = u32::MAX;
    machine.readers_max = u32::MAX;
    machine.free = Some(u64::MAX);
    machine.slots = vec![u32::MAX; 64];
    let StatusMessage::Machine(read) = parsed(&StatusMessage::Machine(Box::new(machine))) else {
        panic!("another message");
    };
    assert!(!read.wait_words.is_empty() && read.slots.len() == STATUS_SLOTS_MAX);
}

#[test]
fn a_list_is_cut_until_it_fits() {
    let source = SourceStatus {
        name: "n".repeat(STATUS_WORDS_LEN_MAX),
        why: "w".repeat(STATUS_WORDS_LEN_MAX),
        ..SourceStatus::default()
    };
    let StatusMessage::Sources(read) = parsed(&StatusMessage::Sources(vec![source; 50])) else {
        panic!("another message");
    };
    assert!((2..STATUS_SOURCES_MAX).contains(&read.len()));
}

#[test]
fn what_can_not_be_is_refused() {
    let many = "d2:xx".repeat(300);
    for wrong in [
        &b""[..],
        b"i1e",
        b"de",
        b"le",
        b"d1:qi0ee",
        b"d1:qi4ee",
        b"d1:qi-1ee",
        b"d1:q1:1e",
        b"d1:mi1ee",
        b"d1:mdee",
        b"d7:sources1:xe",
        b"d7:sourcesl1:xee",
        b"d9:decisionsld4:code1:xeee",
        many.as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(wrong);
        assert!(StatusMessage::parse(wrong).is_err(), "{shown}");
    }
    let mut long = StatusMessage::Ask(StatusQuestion::Machine).encode();
    long.resize(STATUS_LEN_MAX + 1, b' ');
    assert!(StatusMessage::parse(&long).is_err());
    let slots = Item::List((0u32..17).map(Item::from).collect());
    let machine = full().item(STATUS_WORDS_LEN_MAX).with("slots", slots);
    let bytes = Item::dict().with("m", machine).encode();
    assert!(StatusMessage::parse(&bytes).is_err(), "too many slots");
}

#[test]
fn a_text_from_outside_commands_no_terminal() {
    let mut machine = full();
    machine.name = "a\x1b[2J\nb".to_owned();
    let StatusMessage::Machine(read) = parsed(&StatusMessage::Machine(Box::new(machine))) else {
        panic!("another message");
    };
    assert_eq!(read.name, "a [2J b");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
        if let Ok(message) = StatusMessage::parse(&bytes) {
            prop_assert!(message.encode().len() <= STATUS_LEN_MAX);
        }
    }

    #[test]
    fn a_changed_byte_makes_it_no_longer(at in 0usize..700, byte: u8) {
        let mut bytes = StatusMessage::Machine(Box::new(full())).encode();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(message) = StatusMessage::parse(&bytes) {
            prop_assert!(message.encode().len() <= STATUS_LEN_MAX);
        }
    }
}
