//! What others stumbled on, each as a rule.

use std::fmt::Debug;
use std::sync::Arc;

use swarmcopy::{Content, CopyOptions, ErrorKind, MakeOptions, Outcome, make};

use crate::support::{GRACE, Room, ended, session};

#[tokio::test(flavor = "multi_thread")]
async fn pads_are_no_traffic() {
    let room = Room::padded(&[1000; 300]);
    let session = session().await;
    for with_share in [true, false] {
        let mut options = room.options();
        options.into = room.dir.path().join(format!("to-{with_share}"));
        let mut content = room.content();
        if with_share {
            options = options.share(room.share());
        } else {
            content = content.source(Arc::new(room.source()));
        }
        let copy = session.add(content, options).await.unwrap();
        let report = ended(&copy).await.into_result().unwrap();
        assert_eq!(report.bytes, 300_000);
        assert_eq!(report.from_share + report.from_mirror, 300_000);
        assert_eq!(report.origin_bytes, 300_000);
        assert!((report.swarm_copies() - 1.0).abs() < f64::EPSILON);
        let look = copy.status();
        assert_eq!((look.verified, look.bytes), (300_000, 300_000));
        let brought: u64 = look.sources.iter().map(|source| source.bytes).sum();
        assert_eq!(brought, 300_000);
    }
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_with_the_content_is_not_lost_by_options() {
    let (room, session) = (Room::new(&[100_000]), session().await);
    let content = room.content().share(room.share());
    let copy = session.add(content, room.options()).await.unwrap();
    assert_eq!(ended(&copy).await.report.from_share, 100_000);
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_fails_has_a_report_and_a_cause() {
    let (room, session) = (Room::new(&[100_000]), session().await);
    std::fs::write(room.share().join("tree/f0"), vec![7; 100_000]).unwrap();
    let options = room.options().share(room.dir.path().join("share"));
    let copy = session.add(room.content(), options).await.unwrap();
    let Outcome {
        report, failure, ..
    } = ended(&copy).await;
    let failure = failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Mismatch);
    assert!(
        failure.to_string().starts_with("the share differs"),
        "{failure}"
    );
    assert_eq!(failure.files, ["f0"]);
    assert!(report.bad_pieces > 0 && report.origin_bytes > 0 && !report.complete);
    session.shutdown(GRACE).await;
}

#[test]
fn no_message_of_a_copy_speaks_of_flags() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("f"), "x").unwrap();
    make(&MakeOptions::new(dir.path().join("f")), &|_| ()).unwrap();
    let again = make(&MakeOptions::new(dir.path().join("f")), &|_| ()).unwrap_err();
    let hint = again.hint().unwrap_or_default();
    assert!(!hint.contains("--"), "{hint}");
    let magnet = format!("magnet:?xt=urn:btih:{}", "a".repeat(40));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(async {
        let session = session().await;
        let what = swarmcopy::What::Magnet(magnet);
        let found = session.find(&what, &CopyOptions::new("to")).await;
        found.unwrap_err()
    });
    let hint = error.hint().unwrap_or_default();
    assert!(!hint.contains("--"), "{hint}");
}

#[test]
fn a_metalink_is_a_content_by_itself() {
    let document =
        br#"<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="a.bin"><size>4</size>
        <hash type="sha-256">9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</hash>
        <url>a.bin</url></file></metalink>"#;
    let base = url::Url::parse("http://host/x.meta4").unwrap();
    let content = Content::metalink(document, Some(&base)).unwrap();
    assert_eq!((content.name(), content.layout().len()), ("a.bin", 4));
    let error = Content::metalink(b"<html/>", None).unwrap_err();
    assert!(std::error::Error::source(&error).is_some(), "{error}");
}

#[test]
fn public_types_can_be_shown_and_go_to_other_threads() {
    fn is<T: Debug + Send + Sync + 'static>() {}
    is::<swarmcopy::AddError>();
    is::<swarmcopy::BuildError>();
    is::<swarmcopy::Config>();
    is::<swarmcopy::Content>();
    is::<swarmcopy::ContentId>();
    is::<swarmcopy::Copy>();
    is::<swarmcopy::CopyOptions>();
    is::<swarmcopy::Error>();
    is::<swarmcopy::Event>();
    is::<swarmcopy::Failure>();
    is::<swarmcopy::Limits>();
    is::<swarmcopy::Looks>();
    is::<swarmcopy::Made>();
    is::<swarmcopy::MakeOptions>();
    is::<swarmcopy::OptionError>();
    is::<Outcome>();
    is::<swarmcopy::Progress>();
    is::<swarmcopy::Report>();
    is::<swarmcopy::Session>();
    is::<swarmcopy::SessionBuilder>();
    is::<swarmcopy::Started>();
    is::<swarmcopy::StopOnDrop>();
    is::<swarmcopy::Verified>();
    is::<swarmcopy::What>();
    is::<swarmcopy::source::RangeError>();
    fn is_sent<T: Debug + Send + 'static>() {}
    is_sent::<swarmcopy::Events>();
}
