//! An honest document of many files, made up for tests and timings.

use std::fmt::Write as _;

/// An honest document of many files: size, two hashes, three mirrors and a torrent each.
pub(crate) fn honest(files: usize) -> String {
    let (sha1, sha256) = ("5a".repeat(20), "c3".repeat(32));
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    text += "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n";
    for i in 0..files {
        let path = format!("folder{}/sub folder/file-{i}.bin", i / 100);
        let url = path.replace(' ', "%20");
        let _ = write!(
            text,
            r#"  <file name="{path}">
    <size>{}</size>
    <hash type="sha-1">{sha1}</hash>
    <hash type="sha-256">{sha256}</hash>
    <url location="de" priority="1">http://one.example/pub/{url}</url>
    <url location="fr" priority="2">https://two.example/mirror/{url}</url>
    <url>ftp://three.example/{url}</url>
    <metaurl mediatype="torrent" name="{path}">http://one.example/tree.torrent</metaurl>
  </file>
"#,
            i * 1000,
        );
    }
    text + "</metalink>\n"
}
