//! What is written is read back equal; what is damaged never panics.

#![cfg(test)]

#[path = "sets/honest.rs"]
mod honest;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use swarmcopy_metalink::limits::{FILES_MAX, TEXT_LEN_MAX};
use swarmcopy_metalink::{
    About, Address, Document, Error, File, FilePath, Hash, HashKind, MetaKind, MetaUrl, Mirror,
    Origin, PieceList, Publisher, Signature, Writer,
};
use url::Url;

fn text() -> impl Strategy<Value = String> {
    "[a-z&<>'\"\\]\\[;#é\u{10ffff}]([ -~\t\n\r]{0,20}[a-z&<>;/!])?"
}

fn url() -> impl Strategy<Value = Address> {
    ("(http|https|ftp|ftps)", "[a-z]{1,9}", "[ -~é]{0,20}").prop_map(|(scheme, host, path)| {
        let mut url = Url::parse(&format!("{scheme}://{host}/")).unwrap();
        url.set_path(&path);
        url.set_query(path.get(..3));
        Address::try_from(&url).unwrap()
    })
}

fn path() -> impl Strategy<Value = FilePath> {
    let name = "[^/\\\\\u{0}-\u{1f}\u{7f}\u{fffe}\u{ffff}]{1,12}";
    vec(name, 1..4).prop_filter_map("safe", |names| FilePath::parse(&names.join("/")).ok())
}

fn kind() -> impl Strategy<Value = HashKind> {
    proptest::sample::select(&HashKind::ALL[..])
}

fn hashes() -> impl Strategy<Value = Vec<Hash>> {
    let seeds = proptest::sample::subsequence(&HashKind::ALL[..], 0..=5);
    (seeds, any::<u8>()).prop_map(|(kinds, fill)| {
        let hash = |kind: HashKind| Hash::new(kind, &vec![fill; kind.hash_len()]).unwrap();
        kinds.into_iter().map(hash).collect()
    })
}

fn pieces(size: u64) -> impl Strategy<Value = Vec<PieceList>> {
    vec((kind(), 1..9_u64, any::<u8>()), 0..3).prop_map(move |lists| {
        let list = |(kind, count, fill): (HashKind, u64, u8)| {
            let piece_len = size.div_ceil(count);
            let count = usize::try_from(size.div_ceil(piece_len)).unwrap();
            PieceList::new(kind, piece_len, vec![fill; kind.hash_len() * count]).unwrap()
        };
        lists.into_iter().map(list).collect()
    })
}

fn mirror() -> impl Strategy<Value = Mirror> {
    (url(), 1..=999_999_u32, of("[a-z]{2}")).prop_map(|(url, priority, location)| {
        let mut mirror = Mirror::new(url);
        (mirror.priority, mirror.location) = (priority, location);
        mirror
    })
}

fn metaurl() -> impl Strategy<Value = MetaUrl> {
    let kinds = vec![MetaKind::Torrent, MetaKind::Metalink];
    (
        proptest::sample::select(kinds),
        url(),
        1..=999_999_u32,
        of(path()),
    )
        .prop_map(|(kind, url, priority, name)| {
            let mut metaurl = MetaUrl::new(kind, url);
            (metaurl.priority, metaurl.name) = (priority, name);
            metaurl
        })
}

fn about() -> impl Strategy<Value = About> {
    (
        of(text()),
        of(text()),
        of((text(), of(text()))),
        vec(text(), 0..3),
    )
        .prop_map(|(identity, description, publisher, texts)| {
            let mut about = About::default();
            (about.identity, about.description) = (identity, description);
            about.publisher = publisher.map(|(name, url)| {
                let mut publisher = Publisher::default();
                (publisher.name, publisher.url) = (name, url);
                publisher
            });
            (about.version, about.logo) = (texts.first().cloned(), texts.last().cloned());
            (about.languages, about.oses) = (texts.clone(), texts);
            about
        })
}

fn file() -> impl Strategy<Value = File> {
    let size = 1..=1_000_000_u64;
    let signature = ("[ -~\t\n\r]{0,9}", "[ -~\t\n\r]{0,30}");
    let parts = size.prop_flat_map(|size| (Just(size), pieces(size)));
    let urls = (vec(mirror(), 0..4), vec(metaurl(), 0..3));
    (path(), parts, hashes(), urls, vec(signature, 0..2), about()).prop_map(
        |(path, (size, pieces), hashes, (mirrors, metaurls), signatures, about)| {
            let mut file = File::new(path);
            (file.size, file.pieces, file.hashes) = (Some(size), pieces, hashes);
            (file.mirrors, file.metaurls, file.about) = (mirrors, metaurls, about);
            let signature = |(kind, text): (String, String)| Signature::new(kind, text);
            file.signatures = signatures.into_iter().map(signature).collect();
            file
        },
    )
}

/// Files in folders of their own, so that none is in the way of another.
fn tree() -> impl Strategy<Value = Vec<File>> {
    vec(file(), 0..6).prop_map(|mut files| {
        for (index, file) in files.iter_mut().enumerate() {
            file.path = FilePath::parse(&format!("{index}/{}", file.path)).unwrap();
        }
        files
    })
}

fn write(head: &Document, files: &[File]) -> Result<String, Error> {
    let mut writer = Writer::new(head)?;
    files.iter().try_for_each(|file| writer.file(file))?;
    Ok(writer.finish())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_equal(
        files in tree(),
        generator in of(text()),
        origin in of((url(), any::<bool>())),
        published in of("[0-9T:Z-]{1,20}"),
    ) {
        let mut head = Document::default();
        (head.generator, head.published) = (generator, published);
        head.origin = origin.map(|(url, dynamic)| {
            let mut origin = Origin::new(url);
            origin.dynamic = dynamic;
            origin
        });
        let text = write(&head, &files).unwrap();
        head.files = files;
        prop_assert_eq!(Document::parse(text.as_bytes(), None).unwrap(), head, "{}", text);
    }

    #[test]
    fn damaged_documents_never_panic_and_what_is_read_of_them_is_sound(
        damage in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..SNIPPETS.len()), 1..8),
        version3 in any::<bool>(),
    ) {
        let mut bytes = if version3 { SAMPLE_V3.as_bytes().to_vec() } else { honest::honest(2).into_bytes() };
        for (at, len, snippet) in damage {
            let start = at.index(bytes.len() + 1);
            let end = start + len.index(bytes.len() - start + 1).min(len.index(12));
            bytes.splice(start..end, SNIPPETS[snippet].bytes());
        }
        let base = Address::parse("http://base.example/x/y").unwrap();
        if let Ok(document) = Document::parse(&bytes, Some(&base)) {
            for file in &document.files {
                prop_assert!(FilePath::parse(file.path.as_str()).is_ok());
            }
            let mut files = document.files.clone();
            for file in &mut files {
                file.connections_max = None;
                file.mirrors.iter_mut().for_each(|mirror| mirror.connections_max = None);
            }
            let text = write(&document, &files).unwrap();
            prop_assert_eq!(Document::parse(text.as_bytes(), None).unwrap().files, files);
        }
    }
}

/// What damage puts in: pieces of documents, and pieces that break them.
const SNIPPETS: [&str; 24] = [
    "",
    "",
    "<",
    ">",
    "&",
    "\"",
    "/",
    "..",
    "\\",
    "\0",
    "é",
    "-1",
    "0",
    "99999999999999999999",
    "&amp;",
    "&#0;",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE x>",
    "<x:y/>",
    "</file>",
    "<file name='a'>",
    "xmlns=''",
    "rsync://h/",
];

const SAMPLE_V3: &str = r#"<metalink version="3.0" xmlns="http://www.metalinker.org/" origin="http://o/">
<publisher><name>n</name><url>u</url></publisher><files><file name="a/b"><size>9</size>
<verification><hash type="sha1">a96cf3f0266b91d87d5124cf94326422800b627d</hash>
<pieces length="5" type="md5"><hash piece="1">fc4d834e89c18c99b2615d902750948c</hash>
<hash piece="0">fc4d834e89c18c99b2615d902750948c</hash></pieces></verification>
<resources maxconnections="2"><url type="http" location="jp" preference="9">http://h/a</url>
<url type="bittorrent" preference="100">http://h/t</url></resources></file></files></metalink>"#;

#[test]
fn the_samples_are_sound_before_they_are_damaged() {
    let document = Document::parse(SAMPLE_V3.as_bytes(), None).unwrap();
    assert_eq!(
        (document.dropped.len(), document.files[0].pieces.len()),
        (0, 1)
    );
}

#[test]
fn a_file_that_cannot_be_written_leaves_no_trace() {
    let mut writer = Writer::new(&Document::default()).unwrap();
    let mut file = File::new(FilePath::parse("f").unwrap());
    file.about.description = Some("bell \u{7}".into());
    assert_eq!(
        writer.file(&file),
        Err(Error::Unwritable("bell \u{7}".into()))
    );
    file.about.description = Some("x".repeat(TEXT_LEN_MAX + 1));
    assert!(matches!(writer.file(&file), Err(Error::TooLarge { .. })));
    file.about.description = Some("&".repeat(TEXT_LEN_MAX));
    writer.file(&file).unwrap();
    let document = Document::parse(writer.finish().as_bytes(), None).unwrap();
    assert_eq!(document.files, [file]);
}

#[test]
fn no_more_files_are_written_than_are_read() {
    let mut writer = Writer::new(&Document::default()).unwrap();
    for index in 0..FILES_MAX {
        writer
            .file(&File::new(FilePath::parse(&index.to_string()).unwrap()))
            .unwrap();
    }
    let more = File::new(FilePath::parse("more").unwrap());
    assert!(matches!(
        writer.file(&more),
        Err(Error::TooLarge { what: "files", .. })
    ));
    let document = Document::parse(writer.finish().as_bytes(), None).unwrap();
    assert_eq!(document.files.len(), FILES_MAX);
}

#[test]
fn shares_are_written_and_read_back() {
    let mut head = Document::default();
    head.shares = vec!["\\\\server\\apps & more".into(), "/srv/<x>".into()];
    let text = Writer::new(&head).unwrap().finish();
    assert_eq!(Document::parse(text.as_bytes(), None).unwrap(), head);
}
