//! Servers that know no `REST`: files come from their beginning alone, and whole all the same.

use swarmcopy_layout::Span;
use swarmcopy_sources::Blame;

use super::{Rig, options};
use crate::support::content::content;
use crate::support::ftp::{Act, Command};

const LONG: usize = 5 << 20;
const MIB: u64 = 1 << 20;
/// How such servers say so.
const REFUSALS: [&str; 5] = [
    "502 REST not implemented",
    "500 unknown command",
    "504 not for that parameter",
    "501 what",
    "550 no restarts here",
];

fn mib(first: u64, count: u64) -> Span {
    Span::new(first * MIB, count * MIB)
}

/// A long file and a small one at a server that says this to `REST`, over at most so many connections.
async fn long(streams_max: u32, refusal: &'static str) -> Rig {
    scripted(streams_max, move |command| match command.verb.as_str() {
        "REST" => Act::Say(refusal),
        _ => Act::Right,
    })
    .await
}

async fn scripted(
    streams_max: u32,
    script: impl Fn(&Command) -> Act + Send + Sync + 'static,
) -> Rig {
    let content = content(256 * 1024, &[("long", LONG), ("small", 300_000)]);
    let mut options = options();
    options.streams_max = streams_max;
    Rig::of(content, options, script).await
}

/// Fetches these spans at once, each of which must go well.
async fn all_good(rig: &Rig, spans: &[Span]) {
    let fetches = spans.iter().map(|span| rig.fetch(*span));
    for end in futures_util::future::join_all(fetches).await {
        end.unwrap();
    }
}

#[tokio::test]
async fn a_part_comes_from_a_server_without_rest_whatever_it_says_to_that() {
    for refusal in REFUSALS {
        let rig = Rig::new(move |command| match command.verb.as_str() {
            "REST" => Act::Say(refusal),
            _ => Act::Right,
        })
        .await;
        rig.fetch(rig.part()).await.unwrap();
        assert_eq!(rig.sink.filled().iter().collect::<Vec<_>>(), [rig.part()]);
        rig.fetch(Span::new(0, rig.content.layout.len()))
            .await
            .unwrap();
        assert_eq!(rig.server.commands("REST"), ["50000"], "{refusal}");
        assert_eq!(rig.server.connections(), 1, "{refusal}");
    }
}

#[tokio::test]
async fn a_long_file_of_a_server_without_rest_is_read_once() {
    for refusal in REFUSALS {
        let rig = long(8, refusal).await;
        rig.fetch(mib(4, 1)).await.unwrap();
        all_good(&rig, &[mib(2, 1), mib(3, 1), mib(0, 1), mib(1, 1)]).await;
        rig.fetch(Span::new(5 * MIB, 300_000)).await.unwrap();
        assert!(
            rig.sink
                .filled()
                .covers(Span::new(0, rig.content.layout.len()))
        );
        let mut read = rig.server.commands("RETR");
        read.sort();
        assert_eq!(read, ["tree/long", "tree/small"], "{refusal}");
    }
}

#[tokio::test]
async fn over_one_connection_a_long_file_gives_way_to_another_and_comes_all_the_same() {
    let rig = long(1, REFUSALS[0]).await;
    for first in 0..2 {
        rig.fetch(mib(first, 1)).await.unwrap();
    }
    rig.fetch(Span::new(5 * MIB, 300_000)).await.unwrap();
    all_good(&rig, &[mib(4, 1), mib(2, 1), mib(3, 1)]).await;
    assert!(
        rig.sink
            .filled()
            .covers(Span::new(0, rig.content.layout.len()))
    );
}

#[tokio::test]
async fn a_transfer_that_breaks_off_begins_again_where_there_is_no_rest() {
    let rig = scripted(8, |command| match (command.verb.as_str(), command.number) {
        ("REST", _) => Act::Say(REFUSALS[0]),
        ("RETR", 0..2) => Act::Cut(3 << 20, "426 broken"),
        _ => Act::Right,
    })
    .await;
    all_good(&rig, &[mib(1, 1), mib(4, 1)]).await;
}

#[tokio::test]
async fn a_file_that_never_comes_whole_from_a_server_without_rest_is_lacked_with_the_reason() {
    let rig = scripted(8, |command| match command.verb.as_str() {
        "REST" => Act::Say(REFUSALS[0]),
        "RETR" => Act::Cut(3 << 20, "426 broken"),
        _ => Act::Right,
    })
    .await;
    rig.fetch(mib(2, 1)).await.unwrap();
    let mut error = rig.fetch(mib(4, 1)).await.unwrap_err();
    while error.blame() == Blame::Broken {
        error = rig.fetch(mib(4, 1)).await.unwrap_err();
    }
    assert_eq!(error.blame(), Blame::Lacks(rig.content.span("long")));
    assert!(error.to_string().contains("breaks off"), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_at_rest_is_not_one_without_it() {
    let rig = scripted(8, |command| match (command.verb.as_str(), command.number) {
        ("REST", 0) => Act::Say("450 later"),
        _ => Act::Right,
    })
    .await;
    let error = rig.fetch(mib(4, 1)).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Busy { retry_after: None });
    rig.fetch(mib(4, 1)).await.unwrap();
    assert_eq!(rig.server.commands("REST").len(), 2);
}
