//! The headers of Metalink/HTTP against any text: no panic, and every entry is kept or told.
//!
//! The first line is a `Link`, the second a `Digest`, the third a `Repr-Digest`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use swarmcopy_metalink::Address;
use swarmcopy_metalink::limits::{DROPPED_MAX, URLS_MAX};
use swarmcopy_metalink::{File, FilePath, Headers};

fuzz_target!(|text: &str| {
    let asked = Address::parse("http://base.example/folder/file").unwrap();
    let mut lines = text.lines();
    let (link, digest, repr) = (lines.next(), lines.next(), lines.next());
    let [link, digest, repr] = [link, digest, repr].map(|line| [line.unwrap_or_default()]);
    let path = FilePath::parse("file").unwrap();
    let (file, dropped) = File::from_headers(path, &asked, Headers::new(&link, &digest, &repr));
    assert!(file.mirrors.len() <= URLS_MAX && file.metaurls.len() <= URLS_MAX);
    assert!(dropped.len() <= DROPPED_MAX && file.hashes.len() <= 5);
});
