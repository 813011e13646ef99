//! FTP mirrors against a scripted server: one test per way in which a server may behave.

mod sealed;
mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use swarmcopy_layout::Span;
use swarmcopy_sources::contract::PermitKeeper;
use swarmcopy_sources::http::Netrc;
use swarmcopy_sources::{
    Blame, FtpSource, MemorySink, MirrorOptions, OriginSource, Ownership, PieceSource, Shape,
    SourceError, SpanSink, mirror_at,
};

use crate::support::content::{Content, awkward, name};
use crate::support::ftp::{Act, Command, FtpServer};
use crate::support::permit::permit;

const DEADLINE: Duration = Duration::from_secs(20);

/// The awkward tree at a scripted FTP server.
struct Rig {
    content: Content,
    server: FtpServer,
    sink: Arc<MemorySink>,
    source: Arc<dyn PieceSource>,
    _scheduler: PermitKeeper,
}

fn options() -> MirrorOptions {
    let mut options = MirrorOptions::default();
    options.idle_timeout = Duration::from_millis(300);
    options
}

impl Rig {
    async fn new(script: impl Fn(&Command) -> Act + Send + Sync + 'static) -> Self {
        Self::with(options(), script).await
    }

    async fn with(
        options: MirrorOptions,
        script: impl Fn(&Command) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::of(awkward(), options, script).await
    }

    async fn of(
        content: Content,
        options: MirrorOptions,
        script: impl Fn(&Command) -> Act + Send + Sync + 'static,
    ) -> Self {
        let server = FtpServer::start(&content, script).await;
        let layout = Arc::clone(&content.layout);
        let mirror = mirror_at(&server.url(), &name("tree"), Shape::Tree, layout, options)
            .await
            .unwrap();
        let (permit, scheduler) = permit(&content.layout);
        let source = mirror.open(permit).await.unwrap();
        let sink = Arc::new(MemorySink::new(
            content.bytes.len(),
            content.layout.piece_len(),
        ));
        Self {
            content,
            server,
            sink,
            source,
            _scheduler: scheduler,
        }
    }

    async fn fetch(&self, span: Span) -> Result<(), SourceError> {
        let sink = SpanSink::new(self.sink.clone());
        let fetch = self.source.fetch(span, &sink);
        let end = tokio::time::timeout(DEADLINE, fetch).await.unwrap();
        let came = self.sink.to_vec();
        for run in self.sink.filled().iter() {
            let at = |offset: u64| usize::try_from(offset).unwrap();
            let range = at(run.start())..at(run.end());
            assert!(
                came[range.clone()] == self.content.bytes[range],
                "wrong bytes in {run}"
            );
        }
        end
    }

    /// A part of the file `big`.
    fn part(&self) -> Span {
        Span::new(self.content.span("big").start() + 50_000, 100_000)
    }

    /// Fetches a part of the file `big`, which must be lacked with these words and not asked for again.
    async fn lacked(&self, span: Span, words: &str) {
        let error = self.fetch(span).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.blame(), Blame::Lacks(self.content.span("big")));
        let asked = self.server.commands("RETR").len() + self.server.commands("SIZE").len();
        assert_eq!(self.fetch(span).await, Err(error));
        let again = self.server.commands("RETR").len() + self.server.commands("SIZE").len();
        assert_eq!(again, asked);
    }
}

#[tokio::test]
async fn a_tree_comes_over_one_connection_by_its_names() {
    let rig = Rig::new(|_| Act::Right).await;
    rig.fetch(Span::new(0, rig.content.layout.len()))
        .await
        .unwrap();
    assert_eq!(rig.sink.filled().len(), rig.content.layout.len());
    assert_eq!(rig.server.connections(), 1);
    assert_eq!(rig.server.commands("TYPE"), ["I"]);
    assert_eq!(rig.server.commands("USER"), ["anonymous"]);
    let name = "tree/a/b c/#%?&+ [x]ü.bin".to_owned();
    assert!(rig.server.commands("RETR").contains(&name));
    assert!(
        rig.server.commands("SIZE").is_empty(),
        "files read whole show their size"
    );
}

#[tokio::test]
async fn a_part_of_a_file_is_asked_for_by_rest_after_its_size() {
    let rig = Rig::new(|_| Act::Right).await;
    rig.fetch(rig.part()).await.unwrap();
    assert_eq!(rig.sink.filled().iter().collect::<Vec<_>>(), [rig.part()]);
    let next = Span::new(rig.part().end(), 50_000);
    rig.fetch(next).await.unwrap();
    assert_eq!(rig.server.commands("REST"), ["50000", "150000"]);
    assert_eq!(rig.server.commands("SIZE"), ["tree/big"]);
    assert_eq!(
        rig.server.connections(),
        1,
        "a cut transfer leaves its connection in order"
    );
}

#[tokio::test]
async fn data_comes_from_the_control_address_whatever_pasv_says() {
    // the scripted server names 192.0.2.1, where nobody answers
    let rig = Rig::new(|_| Act::Right).await;
    rig.fetch(rig.content.span("last")).await.unwrap();
    assert_eq!(rig.server.commands("PASV").len(), 1);
}

#[tokio::test]
async fn missing_550_drops_the_file() {
    let rig = Rig::new(|command| match command.rest.as_str() {
        "tree/big" => Act::Say("550 no such file"),
        _ => Act::Right,
    })
    .await;
    rig.lacked(rig.part(), "550").await;
    rig.lacked(rig.content.span("big"), "550").await;
    rig.fetch(rig.content.span("last")).await.unwrap();
    assert_eq!(rig.server.connections(), 1);
}

#[tokio::test]
async fn a_wrong_size_drops_the_file() {
    let rig = Rig::new(|command| match command.verb.as_str() {
        "SIZE" => Act::Say("213 299999"),
        _ => Act::Right,
    })
    .await;
    rig.lacked(rig.part(), "299999 bytes").await;
}

#[tokio::test]
async fn a_file_that_ends_early_with_226_drops_the_file() {
    let rig = Rig::new(|command| match command.verb.as_str() {
        "RETR" => Act::Cut(100_000, "226 done"),
        _ => Act::Right,
    })
    .await;
    rig.lacked(rig.content.span("big"), "100000 bytes").await;
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_continued() {
    let rig = Rig::new(|command| match (command.verb.as_str(), command.number) {
        ("RETR", 0) => Act::Cut(40_000, "426 broken"),
        _ => Act::Right,
    })
    .await;
    rig.fetch(rig.part()).await.unwrap();
    assert_eq!(rig.server.commands("REST"), ["50000", "90000"]);
}

#[tokio::test]
async fn too_many_connections_421_is_busy() {
    let rig = Rig::new(|command| match command.verb.as_str() {
        "USER" => Act::SayAndClose("421 too many connections"),
        _ => Act::Right,
    })
    .await;
    let error = rig.fetch(rig.part()).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Busy { retry_after: None });
    assert!(
        error.to_string().contains("too many connections"),
        "{error}"
    );
}

#[tokio::test]
async fn a_kept_connection_that_timed_out_is_replaced() {
    let rig = Rig::new(|command| match (command.verb.as_str(), command.number) {
        ("PASV", 1) => Act::SayAndClose("421 timeout"),
        _ => Act::Right,
    })
    .await;
    rig.fetch(rig.content.span("last")).await.unwrap();
    rig.fetch(rig.content.span("a/one")).await.unwrap();
    assert_eq!(rig.server.connections(), 2);
}

#[tokio::test]
async fn a_refused_login_530_is_broken_with_the_servers_words() {
    let rig = Rig::new(|command| match command.verb.as_str() {
        "PASS" => Act::Say("530 who are you"),
        _ => Act::Right,
    })
    .await;
    let error = rig.fetch(rig.part()).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Broken);
    assert!(error.to_string().contains("530 who are you"), "{error}");
}

#[tokio::test]
async fn a_silent_transfer_is_busy_and_what_came_stays() {
    let rig = Rig::new(|command| match command.verb.as_str() {
        "RETR" => Act::Stall(40_000),
        _ => Act::Right,
    })
    .await;
    let error = rig.fetch(rig.part()).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Busy { retry_after: None });
    assert_eq!(rig.sink.filled().len(), 40_000);
}

#[tokio::test]
async fn a_server_without_size_is_read_by_the_end_of_its_files() {
    let rig = Rig::new(|command| match command.verb.as_str() {
        "SIZE" => Act::Say("502 unknown"),
        _ => Act::Right,
    })
    .await;
    rig.fetch(rig.part()).await.unwrap();
}

#[tokio::test]
async fn a_netrc_login_is_used_and_a_password_is_never_shown() {
    let mut options = options();
    let netrc = "machine 127.0.0.1 login me password s3cret";
    options.netrc = Some(Arc::new(Netrc::parse(netrc)));
    let rig = Rig::with(options, |command| match command.verb.as_str() {
        "TYPE" => Act::Say("530 no"),
        _ => Act::Right,
    })
    .await;
    let error = rig.fetch(rig.part()).await.unwrap_err();
    assert_eq!(rig.server.commands("USER"), ["me"]);
    assert_eq!(rig.server.commands("PASS"), ["s3cret"]);
    let shown = format!("{error} {error:?} {:?}", rig.source);
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn other_peoples_servers_get_one_connection() {
    let streams = |url: &'static str| async move {
        let mut options = options();
        options.ownership = Ownership::Others;
        let layout = Arc::clone(&awkward().layout);
        let server = FtpSource::new(url, &name("tree"), Shape::Tree, layout, options).unwrap();
        server.find_home().await;
        server.streams_max()
    };
    assert_eq!(streams("ftp://192.0.2.1/").await, 1);
    assert_eq!(streams("ftp://10.0.0.1/").await, 8);
}

#[tokio::test]
async fn a_password_may_be_superfluous() {
    for reply in [("PASS", "202 no need"), ("USER", "230 in")] {
        let rig = Rig::new(move |command| {
            if command.verb == reply.0 {
                Act::Say(reply.1)
            } else {
                Act::Right
            }
        })
        .await;
        rig.fetch(rig.part()).await.unwrap();
    }
}

#[tokio::test]
async fn two_sessions_log_in_at_a_time_and_the_others_wait_for_them() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let rig = Rig::new(move |command| {
        match command.verb.as_str() {
            "USER" => {
                let together = now.fetch_add(1, Ordering::SeqCst) + 1;
                seen.fetch_max(together, Ordering::SeqCst);
            }
            // the last word of a login
            "TYPE" => drop(now.fetch_sub(1, Ordering::SeqCst)),
            _ => {}
        }
        Act::Right
    })
    .await;
    let part = |number: u64| Span::new(rig.part().start() + number * 20_000, 20_000);
    let all = tokio::join!(
        rig.fetch(part(0)),
        rig.fetch(part(1)),
        rig.fetch(part(2)),
        rig.fetch(part(3)),
        rig.fetch(part(4)),
    );
    assert_eq!(all, (Ok(()), Ok(()), Ok(()), Ok(()), Ok(())));
    assert!(rig.server.connections() > 2, "nobody had to wait");
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_knows_no_pasv_is_asked_by_epsv_once_it_said_so() {
    for (refusal, mark) in [
        ("502 not implemented", '|'),
        ("500 what", '!'),
        ("522 use EPSV", '|'),
    ] {
        let rig = Rig::new(move |command| match command.verb.as_str() {
            "PASV" => Act::Say(refusal),
            "EPSV" => Act::SayExtended(mark),
            _ => Act::Right,
        })
        .await;
        rig.fetch(rig.part()).await.unwrap();
        rig.fetch(rig.content.span("last")).await.unwrap();
        assert_eq!(rig.server.commands("PASV").len(), 1, "{refusal}");
        assert_eq!(rig.server.connections(), 1, "{refusal}");
    }
}

#[tokio::test]
async fn a_server_that_tells_sizes_in_its_own_form_is_read_by_the_end_of_its_files() {
    let rig = Rig::new(|command| match command.verb.as_str() {
        "SIZE" => Act::Say("213 300000 bytes"),
        _ => Act::Right,
    })
    .await;
    rig.fetch(rig.part()).await.unwrap();
}

#[tokio::test]
async fn data_ports_are_read_from_odd_replies() {
    for form in [
        "227 passive 192,0,2,1,",
        "227 =192,0,2,1,",
        "227 passive ( 192, 0, 2, 1, ",
    ] {
        let rig = Rig::new(move |command| {
            if command.verb == "PASV" {
                Act::SayPort(form)
            } else {
                Act::Right
            }
        })
        .await;
        rig.fetch(rig.part()).await.unwrap();
        let whole = Span::new(0, rig.content.layout.len());
        rig.fetch(whole).await.unwrap();
        assert_eq!(rig.server.connections(), 1, "{form}");
    }
}
