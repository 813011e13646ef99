//! Copies that are steered while they run.

use std::path::Path;
use std::sync::Arc;

use swarmcopy::{AddError, Content, ErrorKind, Event, NoUse, OriginMode, Phase, Stay};
use tokio::sync::Semaphore;

use crate::support::{GRACE, Room, ended, session, until, within};

fn held(folder: &Path) -> bool {
    folder.join("tree.swarmcopy-held").exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_copy_holds_nothing_and_goes_on_from_there() {
    let (room, session) = (Room::new(&[30_000_000]), session().await);
    let gate = Arc::new(Semaphore::new(4));
    let content = room.content().source(Arc::new(room.source().gated(&gate)));
    let copy = session.add(content, room.options()).await.unwrap();
    until(&copy, |look| look.verified > 500_000).await;
    within(copy.pause()).await;
    assert_eq!(copy.status().phase, Phase::Paused);
    assert!(!held(&room.target()));
    within(copy.pause()).await;
    gate.add_permits(1000);
    within(copy.resume()).await.unwrap();
    within(copy.resume()).await.unwrap();
    let outcome = ended(&copy).await;
    assert!(outcome.failure.is_none() && outcome.report.complete && room.is_copied());
    let report = outcome.report;
    assert_eq!(report.reused, 0);
    assert!(report.from_mirror >= 30_000_000, "{}", report.from_mirror);
    // nothing that was verified came again
    assert!(report.from_mirror < 60_000_000, "{}", report.from_mirror);
    let over = copy.resume().await;
    assert!(matches!(over, Err(AddError::Over)), "{over:?}");
    within(copy.pause()).await;
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_copy_is_stopped_with_a_report() {
    let (room, session) = (Room::new(&[3_000_000]), session().await);
    let gate = Arc::new(Semaphore::new(1));
    let content = room.content().source(Arc::new(room.source().gated(&gate)));
    let copy = session.add(content, room.options()).await.unwrap();
    until(&copy, |look| look.verified > 0).await;
    within(copy.pause()).await;
    let outcome = within(copy.stop()).await;
    assert_eq!(outcome.failure.unwrap().kind, ErrorKind::Interrupted);
    assert!(outcome.report.from_mirror > 0);
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_files_are_chosen_while_it_runs() {
    let (room, session) = (Room::new(&[200_000, 200_000]), session().await);
    let content = room.content().source(Arc::new(room.source()));
    let options = room.options().select("f0").unwrap().stay(Stay::Always);
    let copy = session.add(content, options).await.unwrap();
    within(copy.complete()).await.unwrap();
    assert_eq!(copy.started().files, 1);
    let wrong = copy.select(["[a"]).await;
    assert!(matches!(wrong, Err(AddError::Option(_))), "{wrong:?}");
    let none = within(copy.select(["nothing-like-it"])).await;
    assert!(matches!(none, Err(AddError::Start(_))), "{none:?}");
    assert_eq!(copy.started().files, 1, "the former choice holds");
    within(copy.select(["f0", "f1"])).await.unwrap();
    until(&copy, |look| {
        look.phase == Phase::Serving && look.verified == 400_000
    })
    .await;
    assert_eq!(copy.started().files, 2);
    within(copy.stop()).await;
    assert!(room.is_copied());
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_and_origins_may_be_named_later() {
    let (room, session) = (Room::new(&[2_000_000]), session().await);
    let nobody = room.options().peer("127.0.0.1:1").unwrap();
    let copy = session.add(room.content(), nobody).await.unwrap();
    assert!(copy.add_peer("no port").await.is_err());
    assert!(copy.add_mirror("gopher://h/").await.is_err());
    copy.add_peer("127.0.0.1:2").await.unwrap();
    until(&copy, |look| {
        look.sources.iter().any(|it| it.name == "127.0.0.1:2")
    })
    .await;
    copy.add_mirror("http://127.0.0.1:1/").await.unwrap();
    until(&copy, |look| {
        look.sources
            .iter()
            .any(|it| it.name == "http://127.0.0.1:1/")
    })
    .await;
    copy.add_origin(Arc::new(room.source())).await.unwrap();
    assert!(ended(&copy).await.report.complete && room.is_copied());
    assert!(matches!(
        copy.add_peer("127.0.0.1:2").await,
        Err(AddError::Over)
    ));
    session.shutdown(GRACE).await;
}

fn useless(added: Result<(), AddError>) -> NoUse {
    match added {
        Err(AddError::NoUse(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_says_for_whom_it_has_no_use() {
    let (room, session) = (Room::new(&[100_000]), session().await);
    let gate = Arc::new(Semaphore::new(0));
    let source = || Arc::new(room.source().gated(&gate));
    let mut options = room.options().peer("127.0.0.1:1").unwrap();
    options.origin = OriginMode::Never;
    let copy = session.add(room.content(), options).await.unwrap();
    for paused in [false, true] {
        if paused {
            within(copy.pause()).await;
        }
        let mirror = copy.add_mirror("http://127.0.0.1:1/").await;
        assert_eq!(useless(mirror), NoUse::Never);
        let origin = copy.add_origin(source()).await;
        assert_eq!(useless(origin), NoUse::Never);
        copy.add_peer("127.0.0.1:2").await.unwrap();
    }
    within(copy.stop()).await;
    let seed = room.content().seed_from(room.share());
    let options = room.options().stay(Stay::Always);
    let seed = session.add(seed, options).await.unwrap();
    let mirror = seed.add_mirror("http://127.0.0.1:1/").await;
    assert_eq!(useless(mirror), NoUse::Serves);
    let origin = seed.add_origin(source()).await;
    assert_eq!(useless(origin), NoUse::Serves);
    seed.add_peer("127.0.0.1:2").await.unwrap();
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_by_hashes_of_whole_files_takes_mirrors_and_no_peers() {
    let (room, session) = (Room::new(&[4]), session().await);
    let document =
        br#"<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="a.bin"><size>100000000</size>
        <hash type="sha-256">9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</hash>
        <url>http://127.0.0.1:1/a.bin</url></file></metalink>"#;
    let content = Content::metalink(document, None).unwrap();
    let copy = session.add(content, room.options()).await.unwrap();
    assert_eq!(useless(copy.add_peer("127.0.0.1:2").await), NoUse::NoSwarm);
    copy.add_mirror("http://127.0.0.1:2/").await.unwrap();
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_are_dropped_at_will_unless_they_stop_the_copy() {
    let (room, session) = (Room::new(&[100]), session().await);
    let gate = Arc::new(Semaphore::new(0));
    let content = room.content().source(Arc::new(room.source().gated(&gate)));
    let copy = session.add(content.clone(), room.options()).await.unwrap();
    let id = copy.id();
    drop(copy);
    let copy = session.get(id).expect("it runs on");
    let stops = copy.clone().stop_on_drop();
    assert_eq!(stops.id(), id);
    drop(stops);
    let failure = ended(&copy).await.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Interrupted);
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_tell_phases_files_decisions_and_the_end() {
    let (room, session) = (Room::new(&[100_000, 300_000]), session().await);
    let content = room.content().source(Arc::new(room.source()));
    let copy = session.add(content, room.options()).await.unwrap();
    let mut events = copy.events();
    let (mut files, mut phases, mut complete, mut decisions) = (Vec::new(), Vec::new(), 0, 0);
    while let Some(event) = within(events.next()).await {
        match event {
            Event::FileDone(path) => files.push(path),
            Event::Phase(phase) => phases.push(phase),
            Event::Complete(_) => complete += 1,
            Event::Decision(_) => decisions += 1,
            _ => {}
        }
    }
    files.sort();
    assert_eq!(
        (files, complete),
        (vec!["f0".to_owned(), "f1".to_owned()], 1)
    );
    assert_eq!(phases.last(), Some(&Phase::Ended));
    assert!(decisions > 0);
    session.shutdown(GRACE).await;
}
