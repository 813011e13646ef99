//! The Metalink reader against any bytes: no panic, what is read can be written and is then read back
//! equal, and another reader of XML finds the same.

#![no_main]

#[path = "../../crates/metalink/tests/sets/second.rs"]
mod second;

use libfuzzer_sys::fuzz_target;
use swarmcopy_metalink::Address;
use swarmcopy_metalink::{Document, Error, FilePath, Writer};

/// The other reader needs minutes for some documents of a megabyte.
const SECOND_MAX: usize = 8 << 10;

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() <= SECOND_MAX {
        second::agree(bytes);
    }
    let base = Address::parse("http://base.example/folder/tree.meta4").unwrap();
    let Ok(mut document) = Document::parse(bytes, Some(&base)) else {
        return;
    };
    for file in &mut document.files {
        assert!(
            FilePath::parse(file.path.as_str()).is_ok(),
            "{:?}",
            file.path
        );
        if let Some(size) = file.size {
            assert!(file.pieces.iter().all(|list| list.check_size(size).is_ok()));
        }
        // Metalink 4 has no place for these
        file.connections_max = None;
        file.mirrors
            .iter_mut()
            .for_each(|mirror| mirror.connections_max = None);
    }
    match write(&document) {
        Ok(text) => {
            let again = Document::parse(text.as_bytes(), None).unwrap();
            assert_eq!(again.files, document.files);
            assert_eq!(again.dropped, []);
        }
        // escaped, a document may be longer than it was
        Err(Error::TooLarge { .. }) => {}
        Err(error) => panic!("{error}"),
    }
});

fn write(document: &Document) -> Result<String, Error> {
    let mut writer = Writer::new(document)?;
    document
        .files
        .iter()
        .try_for_each(|file| writer.file(file))?;
    Ok(writer.finish())
}
