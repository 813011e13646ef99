//! Finds the corpus and reads its tables.

use std::path::PathBuf;

/// The folder of torrents and vectors; `None` (and a line on stderr) where it isn't checked out.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/torrents");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpus at {}", folder.display());
    None
}

/// The rows of a table, without its heading.
pub(crate) fn rows(name: &str) -> Vec<Vec<String>> {
    let Some(folder) = corpus() else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Bytes of hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Hexadecimal digits of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}
