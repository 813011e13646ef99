//! Limits and the budget of origins, as a source of the embedder's own meets them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use swarmcopy::{Config, CopyOptions, Limits, Session};

use crate::support::{GRACE, Room, ended, session, until};

const RATE: u64 = 2_000_000;
/// A machine that is busy makes a copy slow, none makes it fast.
const TRIES: usize = 5;

/// Copies 2.5 s worth until what the source was asked for is within 5 % of the rate; it must never be more.
async fn holds(session: impl AsyncFn() -> Session, options: impl Fn(CopyOptions) -> CopyOptions) {
    let mut paces = Vec::new();
    while paces.len() < TRIES {
        let (room, session) = (Room::new(&[5_000_000]), session().await);
        let source = Arc::new(room.source());
        let content = room.content().source(source.clone());
        let copy = session.add(content, options(room.options())).await.unwrap();
        let outcome = ended(&copy).await;
        session.shutdown(GRACE).await;
        assert!(outcome.report.complete && room.is_copied());
        let pace = source.pace() / RATE as f64;
        assert!(pace <= 1.05, "{pace} of the rate");
        if pace >= 0.95 {
            return;
        }
        paces.push(pace);
    }
    panic!("{paces:?} of the rate");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_the_line_holds_within_5_percent() {
    let limited = async || {
        let session = session().await;
        session.set_limits(Limits::none().down(RATE)).unwrap();
        session
    };
    holds(limited, |options| options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_that_a_session_is_built_with_holds_within_5_percent() {
    let built = async || {
        let mut config = Config::default();
        config.listen = Some(([127, 0, 0, 1], 0).into());
        config.lsd = false;
        config.limit_down = Some(RATE);
        let session = Session::builder().config(config).build().await;
        session.unwrap()
    };
    holds(built, |options| options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_of_origins_holds_within_5_percent() {
    let within = |mut options: CopyOptions| {
        options.origin_rate = Some(RATE);
        options
    };
    holds(session, within).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_while_copies_run() {
    let (room, session) = (Room::new(&[3_000_000]), session().await);
    session.set_limits(Limits::none().down(100_000)).unwrap();
    let content = room.content().source(Arc::new(room.source()));
    let start = Instant::now();
    let copy = session.add(content, room.options()).await.unwrap();
    until(&copy, |look| look.verified > 0).await;
    session.set_limits(Limits::none()).unwrap();
    let outcome = ended(&copy).await;
    assert!(outcome.report.complete && room.is_copied());
    // half a minute, had the limit stayed
    let took = start.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    session.shutdown(GRACE).await;
}
