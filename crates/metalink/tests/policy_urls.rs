//! The rules of `docs/policy.md` on mirrors and metaurls, one test each.

#![cfg(test)]

#[path = "sets/read.rs"]
mod read;

use read::{file_v3, file_v4};
use swarmcopy_metalink::limits::{PRIORITY_MAX, URLS_MAX};
use swarmcopy_metalink::{Address, Document, MetaKind, Part, Reason, Writer};

#[test]
fn only_urls_that_are_fetched_here_are_kept() {
    let schemes = ["http://h/a", "https://h/a", "ftp://h/a", "ftps://h/a"];
    let inner = format!("<url>\n {} </url>", schemes.join(" </url><url>\n "));
    let (file, dropped) = file_v4(&inner);
    let urls: Vec<_> = file
        .mirrors
        .iter()
        .map(|mirror| mirror.url.as_str())
        .collect();
    assert_eq!((&urls[..], dropped.len()), (&schemes[..], 0));
    for bad in [
        "rsync://h/a",
        "file:///etc/passwd",
        "javascript:x",
        "magnet:?xt=x",
        "data:,x",
    ] {
        let (file, dropped) = file_v4(&format!("<url>{bad}</url><url>http://h/</url>"));
        assert_eq!(file.mirrors.len(), 1, "{bad}");
        assert!(
            matches!(dropped[..], [(Part::Url, Reason::Scheme(_))]),
            "{bad}: {dropped:?}"
        );
        assert!(!dropped[0].1.is_fault());
    }
    for bad in [
        "",
        "http://",
        "ftps:a",
        "http://h:99999/",
        &format!("http://h/{}", "a".repeat(9000)),
    ] {
        let (file, dropped) = file_v4(&format!("<url>{bad}</url>"));
        assert_eq!(file.mirrors.len(), 0, "{bad}");
        assert!(
            matches!(dropped[..], [(Part::Url, Reason::Url(_))]),
            "{bad}: {dropped:?}"
        );
    }
}

#[test]
fn urls_lose_their_fragment() {
    let (file, _) = file_v4("<url>http://h/a#b</url>");
    assert_eq!(file.mirrors[0].url.as_str(), "http://h/a");
}

#[test]
fn relative_urls_need_the_url_of_the_document() {
    let inner = "<url>../a b.bin</url><metaurl mediatype='torrent'>/t.torrent</metaurl>";
    let (file, dropped) = file_v4(inner);
    assert!(file.mirrors.is_empty() && file.metaurls.is_empty());
    assert_eq!(
        dropped,
        [
            (Part::Url, Reason::Relative),
            (Part::MetaUrl, Reason::Relative)
        ]
    );

    let text = format!(
        "<metalink xmlns='urn:ietf:params:xml:ns:metalink'><origin>http://evil/</origin>\
         <file name='f'>{inner}</file></metalink>"
    );
    let base = Address::parse("https://h/pub/x/tree.meta4?a=b").unwrap();
    let document = Document::parse(text.as_bytes(), Some(&base)).unwrap();
    let file = &document.files[0];
    assert_eq!(file.mirrors[0].url.as_str(), "https://h/pub/a%20b.bin");
    assert_eq!(file.metaurls[0].url.as_str(), "https://h/t.torrent");
}

#[test]
fn a_priority_out_of_range_is_the_lowest() {
    for (priority, want, faults) in [
        ("", PRIORITY_MAX, 0),
        ("priority='1'", 1, 0),
        ("priority='999999'", 999_999, 0),
        ("priority='0'", PRIORITY_MAX, 1),
        ("priority='1000000'", PRIORITY_MAX, 1),
        ("priority='-100'", PRIORITY_MAX, 1),
        ("priority='high'", PRIORITY_MAX, 1),
    ] {
        let (file, dropped) = file_v4(&format!("<url {priority}>http://h/</url>"));
        assert_eq!(
            (file.mirrors[0].priority, dropped.len()),
            (want, faults),
            "{priority}"
        );
    }
}

#[test]
fn a_preference_becomes_a_priority() {
    for (preference, want, faults) in [
        ("", PRIORITY_MAX, 0),
        ("preference='100'", 1, 0),
        ("preference='99'", 2, 0),
        ("preference='0'", 101, 0),
        ("preference='200'", 1, 0),
        ("preference='-1'", PRIORITY_MAX, 1),
    ] {
        let (file, dropped) = file_v3(&format!(
            "<resources><url {preference}>http://h/</url></resources>"
        ));
        assert_eq!(
            (file.mirrors[0].priority, dropped.len()),
            (want, faults),
            "{preference}"
        );
    }
}

#[test]
fn a_location_is_a_country() {
    let (file, dropped) = file_v4("<url location='DE'>http://h/</url>");
    assert_eq!(
        (file.mirrors[0].location.as_deref(), dropped.len()),
        (Some("de"), 0)
    );
    let (file, dropped) = file_v4("<url location='Europe'>http://h/</url>");
    assert_eq!(file.mirrors[0].location, None);
    assert_eq!(dropped, [(Part::Location, Reason::Country)]);
    let (file, dropped) = file_v4("<url location=' '>http://h/</url>");
    assert_eq!((&file.mirrors[0].location, dropped.len()), (&None, 0));
}

#[test]
fn a_metaurl_leads_to_a_torrent_or_a_metalink() {
    let (file, dropped) = file_v4(
        "<metaurl mediatype='torrent' name='top/f' priority='3'>http://h/t</metaurl>\
         <metaurl mediatype='application/metalink4+xml'>http://h/m</metaurl>\
         <metaurl mediatype='application/zip'>http://h/z</metaurl>\
         <metaurl>http://h/n</metaurl>\
         <metaurl mediatype='torrent' name='../f'>http://h/u</metaurl>",
    );
    let kinds: Vec<_> = file.metaurls.iter().map(|metaurl| metaurl.kind).collect();
    assert_eq!(kinds, [MetaKind::Torrent, MetaKind::Metalink]);
    assert_eq!(file.metaurls[0].name.as_ref().unwrap().as_str(), "top/f");
    assert_eq!(
        (file.metaurls[0].priority, file.metaurls[1].priority),
        (3, PRIORITY_MAX)
    );
    assert!(matches!(
        dropped[..],
        [
            (Part::MetaUrl, Reason::MediaType(_)),
            (Part::MetaUrl, Reason::Missing("mediatype")),
            (Part::MetaUrl, Reason::Path(_)),
        ]
    ));
}

#[test]
fn a_bittorrent_url_is_a_metaurl() {
    let (file, dropped) = file_v3(
        "<resources maxconnections='4'><url type='bittorrent' preference='90'>http://h/t</url>\
         <url type='http' maxconnections='2'>http://h/f</url></resources>",
    );
    assert_eq!(
        (file.metaurls[0].kind, file.metaurls[0].priority),
        (MetaKind::Torrent, 11)
    );
    assert_eq!(
        (file.connections_max, file.mirrors[0].connections_max),
        (Some(4), Some(2))
    );
    assert_eq!((file.mirrors.len(), dropped.len()), (1, 0));
}

#[test]
fn urls_beyond_the_limit_are_dropped() {
    let url = "<url>http://h/</url>";
    let (file, dropped) = file_v4(&url.repeat(URLS_MAX + 2));
    assert_eq!(file.mirrors.len(), URLS_MAX);
    assert_eq!(
        dropped,
        [(Part::Url, Reason::TooMany), (Part::Url, Reason::TooMany)]
    );
}

#[test]
fn shares_are_read_at_the_root_alone_and_limited() {
    let own = "xmlns='https://github.com/swarmcopy/swarmcopy/metalink'";
    let long = "x".repeat(5000);
    let many: String = (0..70)
        .map(|at| format!("<share {own}>/s/{at}</share>"))
        .collect();
    let text = format!(
        "<metalink xmlns='urn:ietf:params:xml:ns:metalink' xmlns:o='https://github.com/swarmcopy/swarmcopy/metalink'>
        <o:share> \\\\server\\apps </o:share><share>/not/ours</share><o:share/>
        <o:share>{long}</o:share><file name='f'><o:share>/deep</o:share></file>{many}</metalink>"
    );
    let document = swarmcopy_metalink::Document::parse(text.as_bytes(), None).unwrap();
    assert_eq!(document.shares.len(), 64);
    assert_eq!(document.shares[..2], ["\\\\server\\apps", "/s/0"]);
    let reasons: Vec<_> = document
        .dropped
        .iter()
        .map(|entry| entry.reason.clone())
        .collect();
    assert_eq!(reasons[0], Reason::Location);
    assert_eq!(reasons.len(), 1 + 7);
    assert_eq!(document.files.len(), 1);
}

#[test]
fn no_address_of_a_document_shows_a_secret() {
    let text = "<metalink xmlns='urn:ietf:params:xml:ns:metalink'><origin>http://a:S3CR3T@h/x?k=S3CR3T</origin>\
        <file name='f'><size>1</size><logo>http://h/?key=S3CR3T&amp;S3CR3T</logo>\
        <publisher name='p' url='http://a:S3CR3T@h/'/><url>http://a:S3CR3T@h/x?k=S3CR3T</url>\
        <url>gopher://a:S3CR3T@h/x</url><metaurl mediatype='torrent'>http://h/x?k=S3CR3T</metaurl>\
        <metaurl mediatype='x'>http://h/x?k=S3CR3T</metaurl></file></metalink>";
    let document = Document::parse(text.as_bytes(), None).unwrap();
    let (file, dropped) = (&document.files[0], &document.dropped);
    assert_eq!(
        (file.mirrors.len(), file.metaurls.len(), dropped.len()),
        (1, 1, 2)
    );
    let told: Vec<_> = dropped.iter().map(ToString::to_string).collect();
    let told = format!(
        "{document:?} {told:?} {:?}",
        Writer::new(&document).unwrap()
    );
    assert!(!told.contains("S3CR3T"), "{told}");
}
