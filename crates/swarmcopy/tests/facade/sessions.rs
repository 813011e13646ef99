//! Sessions: built, asked for copies, limited while they run, shut down.

use std::error::Error as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use swarmcopy::source::async_trait;
use swarmcopy::{
    AddError, BuildError, ContentId, CopyOptions, Discovery, ErrorKind, Limits, OptionName,
    Session, Stay,
};
use tokio::sync::Semaphore;

use crate::support::{GRACE, Room, ended, session};

#[test]
fn a_session_without_a_runtime_is_an_error_and_no_panic() {
    let building = pin!(Session::builder().build());
    let built = building.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(built, Poll::Ready(Err(BuildError::NoRuntime))));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_with_its_cause() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let built = Session::builder().listen(addr).lsd(false).build().await;
    let error = built.unwrap_err();
    assert!(matches!(&error, BuildError::Listen { addr: Some(at), .. } if *at == addr));
    assert!(error.source().is_some() && error.to_string().contains(&addr.to_string()));
    assert_eq!(swarmcopy::Error::from(error).kind(), ErrorKind::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_twice_gives_the_copy_that_runs() {
    let (room, session) = (Room::new(&[100]), session().await);
    let gate = Arc::new(Semaphore::new(0));
    let content = room.content().source(Arc::new(room.source().gated(&gate)));
    let copy = session.add(content.clone(), room.options()).await.unwrap();
    assert_eq!(copy.id(), content.id());
    match session.add(content.clone(), room.options()).await {
        Err(AddError::Running(running)) => assert_eq!(running.id(), copy.id()),
        other => panic!("{other:?}"),
    }
    assert_eq!(session.copies().len(), 1);
    assert!(session.get(content.id()).is_some());
    assert!(session.get(ContentId::new([0; 20])).is_none());
    gate.add_permits(100);
    assert!(ended(&copy).await.report.complete);
    // over, it may be added again
    assert!(session.copies().is_empty());
    let again = session.add(content, room.options()).await.unwrap();
    assert_eq!(ended(&again).await.report.reused, 100);
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_after_the_end_of_the_session() {
    let (room, session) = (Room::new(&[100]), session().await);
    let gate = Arc::new(Semaphore::new(0));
    let content = room.content().source(Arc::new(room.source().gated(&gate)));
    let copy = session.add(content.clone(), room.options()).await.unwrap();
    session.clone().shutdown(GRACE).await;
    let outcome = ended(&copy).await;
    assert_eq!(outcome.failure.unwrap().kind, ErrorKind::Interrupted);
    let late = session.add(content, room.options()).await;
    assert!(matches!(late, Err(AddError::ShutDown)), "{late:?}");
}

#[tokio::test]
async fn options_that_cannot_be_right_fail_where_they_are_given() {
    let options = || CopyOptions::new("to");
    let named = |result: Result<CopyOptions, swarmcopy::OptionError>| result.unwrap_err().option();
    assert_eq!(named(options().mirror("gopher://h/")), OptionName::Mirror);
    assert_eq!(named(options().peer("no port")), OptionName::Peer);
    assert_eq!(named(options().tracker("tracker")), OptionName::Tracker);
    assert_eq!(named(options().select("[a")), OptionName::Select);
    let (room, session) = (Room::new(&[100]), session().await);
    // a field is looked at before anything begins
    let mut options = room.options();
    options.readers_max = 0;
    let added = session.add(room.content(), options).await;
    assert!(matches!(added, Err(AddError::Option(_))), "{added:?}");
    let mut options = room.options().share(room.share());
    options.select = vec!["nothing-like-it".to_owned()];
    let added = session.add(room.content(), options).await;
    assert!(matches!(added, Err(AddError::Start(_))), "{added:?}");
    assert!(!room.target().exists());
    let none = Limits::none().down(0);
    assert_eq!(
        session.set_limits(none).unwrap_err().option(),
        OptionName::Rate
    );
    let built = Session::builder().limits(none).build().await;
    assert!(matches!(built, Err(BuildError::Option(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_found_by_a_discovery_of_the_embedder() {
    #[derive(Debug)]
    struct Inventory(SocketAddr);
    #[async_trait]
    impl Discovery for Inventory {
        async fn peers(&self, _: ContentId) -> Vec<SocketAddr> {
            vec![self.0]
        }
    }
    #[derive(Debug)]
    struct Faulty;
    #[async_trait]
    impl Discovery for Faulty {
        async fn peers(&self, _: ContentId) -> Vec<SocketAddr> {
            panic!("no inventory")
        }
    }
    let (room, seeds) = (Room::new(&[200_000]), session().await);
    let seed = room.content().seed_from(room.share());
    let stays = room.options().stay(Stay::Always);
    let seed = seeds.add(seed, stays).await.unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let builder = Session::builder().listen(listen).lsd(false);
    let builder = builder.discovery(Arc::new(Faulty));
    let builder = builder.discovery(Arc::new(Inventory(seed.started().listen)));
    let gets = builder.build().await.unwrap();
    let copy = gets.add(room.content(), room.options()).await.unwrap();
    let outcome = ended(&copy).await;
    assert_eq!(outcome.report.from_peers, 200_000);
    gets.shutdown(GRACE).await;
    seeds.shutdown(GRACE).await;
}
