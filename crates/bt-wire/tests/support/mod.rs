//! Finds the files that nobody in this project wrote.

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
#[allow(
    dead_code,
    reason = "not every test that shares this module reads a table"
)]
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
#[allow(
    dead_code,
    reason = "not every test that shares this module reads a table"
)]
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
