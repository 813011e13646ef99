//! Contents for tests: a layout, its bytes, and its files on disk.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use swarmcopy_layout::{Attributes, Layout, Platform, RelPath, Span};

/// A content and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) layout: Arc<Layout>,
    pub(crate) bytes: Bytes,
}

/// Bytes that differ from place to place.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_9abc_def0_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state >> 16).to_le_bytes()[..6]);
    }
    bytes.truncate(len);
    bytes
}

/// A content's name.
pub(crate) fn name(name: &str) -> RelPath {
    RelPath::parse(name).unwrap()
}

/// A content of these files; a path that starts with `.pad/` is a pad.
pub(crate) fn content(piece_len: u64, files: &[(&str, usize)]) -> Content {
    let mut builder = Layout::builder(piece_len);
    let all = noise(files.iter().map(|file| file.1).sum());
    let mut bytes = Vec::new();
    for (path, len) in files {
        let pad = path.starts_with(".pad/");
        let attributes = if pad {
            Attributes::pad()
        } else {
            Attributes::default()
        };
        builder.push(
            RelPath::parse(path).unwrap(),
            u64::try_from(*len).unwrap(),
            attributes,
        );
        let from = bytes.len();
        bytes.extend_from_slice(&all[from..from + len]);
        if pad {
            bytes[from..].fill(0);
        }
    }
    Content {
        layout: Arc::new(builder.build().unwrap()),
        bytes: bytes.into(),
    }
}

/// A content with everything that is awkward: many files in a piece, pads, empty files, big ones.
pub(crate) fn awkward() -> Content {
    content(
        64 * 1024,
        &[
            ("a/one", 1),
            ("a/empty", 0),
            ("a/b c/#%?&+ [x]ü.bin", 40_000),
            (".pad/1", 5_000),
            ("big", 300_000),
            ("small 1", 10),
            ("small 2", 20),
            ("small 3", 30),
            (".pad/2", 100),
            ("deep/er/and/deeper/file", 70_000),
            ("last", 3),
        ],
    )
}

impl Content {
    /// Where the file at `path` lies in the content.
    pub(crate) fn span(&self, path: &str) -> Span {
        let mut files = self.layout.files();
        files
            .find(|(_, file)| file.path().as_str() == path)
            .unwrap()
            .1
            .span()
    }

    /// The bytes of the file at `path`.
    pub(crate) fn file(&self, path: &str) -> Bytes {
        let span = self.span(path);
        let at = |offset: u64| usize::try_from(offset).unwrap();
        self.bytes.slice(at(span.start())..at(span.end()))
    }

    /// Writes all files but the pads below `root`.
    pub(crate) fn write(&self, root: &Path) {
        for (_, file) in self
            .layout
            .files()
            .filter(|(_, file)| !file.attributes().pad)
        {
            let path = root.join(file.path().to_path(Platform::HERE));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.file(file.path().as_str())).unwrap();
        }
    }
}
