//! Sources of the embedder's own that work, fail, lie, hang and panic.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy::source::{RangeError, contract};
use swarmcopy::{Content, CopyOptions, ErrorKind, Outcome, SourceKind, SourceState, Stay};

use crate::support::{Does, GRACE, Room, Source, ended, session, until};

async fn copied(room: &Room, options: CopyOptions, sources: Vec<Arc<Source>>) -> Outcome {
    let content = |content: Content, source| content.source(source);
    let content = sources
        .into_iter()
        .fold(room.content(), |it, source| content(it, source));
    let session = session().await;
    let copy = session.add(content, options).await.unwrap();
    let outcome = ended(&copy).await;
    session.shutdown(GRACE).await;
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_own_source_brings_is_counted_as_of_a_mirror_and_asked_for_in_runs() {
    let room = Room::new(&[16 << 20]);
    let source = Arc::new(room.source());
    let outcome = copied(&room, room.options(), vec![Arc::clone(&source)]).await;
    assert!(outcome.report.complete && room.is_copied());
    assert_eq!(outcome.report.from_mirror, 16 << 20);
    // of 256 pieces
    let asked = source.asked();
    assert!(asked.len() <= 64, "{} requests: {asked:?}", asked.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_of_its_source_with_its_message_and_others_go_on() {
    let room = Room::new(&[1_000_000]);
    let faulty = Arc::new(room.source().always(Does::Panics));
    let outcome = copied(&room, room.options(), vec![faulty, Arc::new(room.source())]).await;
    assert!(outcome.report.complete && room.is_copied());
    let mut options = room.options();
    options.into = room.dir.path().join("other");
    options.refused_for = Some(Duration::from_millis(500));
    let faulty = Arc::new(room.source().always(Does::Panics));
    let failure = copied(&room, options, vec![faulty]).await.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Incomplete, "{failure}");
    let why = failure.sources[0].why.as_deref().unwrap();
    assert_eq!(why, "it panicked: index out of range");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_always_refuses_ends_the_copy_with_its_words_and_a_report() {
    let room = Room::new(&[1_000_000]);
    let mut options = room.options();
    assert_eq!(options.refused_for, Some(Duration::from_secs(30)));
    options.refused_for = Some(Duration::from_millis(500));
    let refusal = RangeError::Refused("403 Forbidden".to_owned());
    let source = Arc::new(room.source().always(Does::Fails(refusal)));
    let outcome = copied(&room, options, vec![source]).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Incomplete, "{failure}");
    assert_eq!(failure.files, ["f0"]);
    let source = &failure.sources[0];
    assert_eq!(
        (source.kind, source.name.as_str()),
        (SourceKind::Mirror, "store")
    );
    assert_eq!(source.state, SourceState::Refused);
    assert_eq!(source.why.as_deref(), Some("403 Forbidden"));
    let report = outcome.report;
    assert_eq!((report.complete, report.bytes), (false, 1_000_000));
    assert!(!report.reasons.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_costs_no_wrong_byte_and_is_named_where_nobody_else_is() {
    let room = Room::new(&[400_000]);
    let liar = Arc::new(room.source().always(Does::Lies));
    let outcome = copied(&room, room.options(), vec![Arc::clone(&liar)]).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Mismatch, "{failure}");
    assert!(
        failure.to_string().starts_with("the mirror differs"),
        "{failure}"
    );
    assert!(outcome.report.bad_pieces > 0);
    let outcome = copied(&room, room.options(), vec![liar, Arc::new(room.source())]).await;
    assert!(outcome.report.complete && room.is_copied());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_hangs_or_fails_for_a_while_is_asked_again() {
    let room = Room::new(&[1_000_000]);
    let script = [
        Does::Hangs,
        Does::Fails(RangeError::Broken("reset".to_owned())),
        Does::Panics,
        Does::Fails(RangeError::Refused("403".to_owned())),
    ];
    let source = Arc::new(room.source().does(&script));
    let outcome = copied(&room, room.options(), vec![source]).await;
    assert!(outcome.report.complete && room.is_copied());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_hangs_for_ever_ends_by_the_time_out_of_the_copy() {
    let room = Room::new(&[1_000_000]);
    let mut options = room.options();
    options.timeout = Some(Duration::from_secs(1));
    let source = Arc::new(room.source().always(Does::Hangs));
    let failure = copied(&room, options, vec![source]).await.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Incomplete, "{failure}");
    let why = failure.sources[0].why.as_deref().unwrap_or_default();
    assert!(why.starts_with("no answer in"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_frees_the_only_stream_of_its_source() {
    let room = Room::new(&[1_000_000]);
    let script = [Does::Panics, Does::Panics, Does::Panics];
    let source = Arc::new(room.source().streams(1).does(&script));
    let outcome = copied(&room, room.options(), vec![source]).await;
    assert!(outcome.report.complete && room.is_copied());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_source_panics_leaves_the_slot_to_others() {
    let room = Room::new(&[1_000_000]);
    let (first, second) = (session().await, session().await);
    let mut options = room.options();
    options.readers_max = 1;
    let faulty = room
        .content()
        .source(Arc::new(room.source().always(Does::Panics)));
    let faulty = first.add(faulty, options.clone()).await.unwrap();
    until(&faulty, |look| {
        look.sources
            .iter()
            .any(|source| source.state == SourceState::Down)
    })
    .await;
    // the same store, as its name says, in order
    options.into = room.dir.path().join("other");
    let peer = faulty.started().listen.to_string();
    let options = options.peer(peer).unwrap().stay(Stay::WhileNeeded(GRACE));
    let good = room.content().source(Arc::new(room.source()));
    let good = second.add(good, options).await.unwrap();
    let report = ended(&faulty).await.report;
    assert!(report.complete && room.is_copied());
    assert_eq!((report.from_mirror, report.from_peers), (0, 1_000_000));
    assert_eq!(ended(&good).await.report.from_mirror, 1_000_000);
    first.shutdown(GRACE).await;
    second.shutdown(GRACE).await;
}

#[tokio::test]
async fn an_own_source_is_held_to_the_contract_with_permits_for_tests() {
    let room = Room::padded(&[100_000, 7]);
    let layout = Arc::new(room.layout.clone());
    let holds = |source| contract::check_ranges(source, &layout, room.bytes().to_vec());
    holds(Arc::new(room.source())).await.unwrap();
    let broken = holds(Arc::new(room.source().always(Does::Lies))).await;
    assert!(broken.is_err());
    assert!(contract::permit(&layout).is_some());
}
