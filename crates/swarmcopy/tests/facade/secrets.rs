//! Logins, passkeys and the values of queries are shown by nothing: not by `Debug`, not by `Display`, not by an error.

use std::fmt::Debug;

use swarmcopy::{AddError, Content, CopyOptions, Description, MakeOptions, What, make};

use crate::support::{GRACE, Room, session};

const SECRET: &str = "S3CR3T";
/// One address of each kind that people have.
const ADDRESSES: [&str; 4] = [
    "http://me:S3CR3T@h.example:8080/d/",
    "ftp://me:S3CR3T@h.example/d",
    "https://h.example/S3CR3T0123456789abcdef/x?S3CR3T",
    "https://h.example/x?key=S3CR3T&id=1",
];
const TRACKERS: [&str; 3] = [
    "https://t.example/S3CR3T0123456789abcdef/announce",
    "http://t.example/announce?passkey=S3CR3T",
    "udp://me:S3CR3T@t.example:1/S3CR3T0123456789abcdef",
];

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[track_caller]
fn hides(value: &dyn Debug) -> String {
    let shown = format!("{value:?} {value:#?}");
    assert!(!shown.contains(SECRET), "{shown}");
    shown
}

/// Options that name secrets wherever an address may stand.
fn options(room: &Room) -> CopyOptions {
    let mut options = room.options();
    options.mirrors = owned(&ADDRESSES);
    options.trackers = owned(&TRACKERS);
    options
}

#[test]
fn options_are_shown_without_secrets() {
    let shown = hides(&options(&Room::new(&[1])));
    assert!(shown.contains("h.example") && shown.contains("t.example"));
    let mut making = MakeOptions::new("x");
    making.mirrors = owned(&ADDRESSES);
    making.own_mirrors = owned(&ADDRESSES);
    making.shares = owned(&ADDRESSES);
    making.trackers = owned(&TRACKERS);
    making.comment = Some(format!("see {}", ADDRESSES[0]));
    assert!(hides(&making).contains("t.example"));
}

#[test]
fn what_is_named_is_shown_without_secrets() {
    for address in ADDRESSES {
        let shown = hides(&What::of(address.into()));
        assert!(shown.contains("h.example"), "{shown}");
    }
    let hash = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";
    let encoded = TRACKERS[1].replace(':', "%3A").replace('/', "%2F");
    let link = format!(
        "magnet:?xt=urn:btih:{hash}&tr={encoded}&ws={}",
        ADDRESSES[0]
    );
    assert!(hides(&What::of(link.into())).contains("t.example"));
    hides(&What::of("magnet:?S3CR3T".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_and_their_descriptions_are_shown_without_secrets() {
    let room = Room::new(&[1000]);
    let mut making = MakeOptions::new(room.share().join("tree"));
    making.torrent = Some(room.dir.path().join("secret.torrent"));
    making.metalink = Some(room.dir.path().join("secret.meta4"));
    making.mirrors = owned(&ADDRESSES[..1]);
    making.own_mirrors = owned(&ADDRESSES[2..]);
    making.trackers = owned(&TRACKERS);
    let made = tokio::task::spawn_blocking(move || make(&making, &|_| {}));
    let made = made.await.unwrap().unwrap();
    hides(&made);
    let session = session().await;
    for path in [made.torrent, made.metalink.unwrap()] {
        let what = What::Path(path);
        let content = session.find(&what, &options(&room)).await.unwrap();
        hides(&content);
        let described = Description::find(&what, &options(&room)).await.unwrap();
        let shown = hides(&described);
        assert!(shown.contains("h.example"), "{shown}");
    }
    session.shutdown(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_shown_without_secrets_and_so_is_what_they_came_from() {
    let (room, session) = (Room::new(&[1000]), session().await);
    let wrong = |set: fn(&mut CopyOptions)| {
        let mut options = room.options();
        set(&mut options);
        options
    };
    let all = [
        wrong(|options| options.mirrors = owned(&["gopher://me:S3CR3T@h.example/"])),
        wrong(|options| options.mirrors = owned(&["me:S3CR3T@h.example"])),
        wrong(|options| options.trackers = owned(&["wss://me:S3CR3T@h.example/"])),
        wrong(|options| options.trackers = owned(&["me:S3CR3T@h.example"])),
        wrong(|options| options.peers = owned(&["me:S3CR3T@h.example"])),
    ];
    for options in all {
        let error = session.add(room.content(), options).await.unwrap_err();
        shows_none(&error);
        if let AddError::Option(error) = &error {
            hides(&error.value());
        }
    }
    for address in ["http://me:S3CR3T@[::1]:1/x.torrent?k=S3CR3T", ADDRESSES[1]] {
        let what = What::of(address.into());
        let error = session.find(&what, &room.options()).await.unwrap_err();
        shows_none(&error);
    }
    assert!(Content::torrent(b"d8:announce6:S3CR3Te").is_err());
    session.shutdown(GRACE).await;
}

/// Neither the error nor anything that it came from.
#[track_caller]
fn shows_none(error: &dyn std::error::Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        hides(&error);
        assert!(!error.to_string().contains(SECRET), "{error}");
        next = error.source();
    }
}
