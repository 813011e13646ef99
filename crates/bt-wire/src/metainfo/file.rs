//! One file of a torrent, and its names.

/// One file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct File {
    /// Names below the torrent's top folder; for a single file just its name. Each is a plain name:
    /// no separator, no control character, neither `.` nor `..`, never empty.
    pub path: Vec<String>,
    /// The same names as the torrent has them, where one differs. They may hold anything: they are
    /// for finding the file where others have it, never for writing or showing it.
    pub raw_path: Vec<Vec<u8>>,
    /// Another last name to be used on disk, because an earlier file or a folder has this path.
    pub renamed: Option<String>,
    /// Length in bytes; 0 for symbolic links.
    pub len: u64,
    /// Padding between files (BEP 47): zero bytes, never written to disk.
    pub pad: bool,
    /// The file may be executed.
    pub executable: bool,
    /// The file is hidden on systems that know such a flag.
    pub hidden: bool,
    /// The file is a symbolic link to this path below the torrent's top folder. Whether to make it
    /// is for the writer to decide; nothing says that the target exists or that links end.
    pub symlink: Option<Vec<String>>,
    /// When the file was last changed, in seconds since 1970, as libtorrent writes it (`mtime`).
    pub mtime: Option<i64>,
    /// Root of the file's SHA-256 tree (BEP 52).
    pub pieces_root: Option<[u8; 32]>,
}

impl File {
    /// A plain file.
    pub fn new(path: Vec<String>, len: u64) -> Self {
        Self {
            path,
            len,
            ..Self::default()
        }
    }

    /// The same file with the executable flag.
    #[must_use]
    pub fn with_executable(self, executable: bool) -> Self {
        Self { executable, ..self }
    }

    /// The same file with the hidden flag.
    #[must_use]
    pub fn with_hidden(self, hidden: bool) -> Self {
        Self { hidden, ..self }
    }

    /// A symbolic link to a path below the torrent's top folder.
    pub fn link(path: Vec<String>, target: Vec<String>) -> Self {
        Self {
            path,
            symlink: Some(target),
            ..Self::default()
        }
    }

    /// The same file with the root of its SHA-256 tree.
    #[must_use]
    pub fn with_pieces_root(self, root: [u8; 32]) -> Self {
        Self {
            pieces_root: Some(root),
            ..self
        }
    }

    /// Padding of this length.
    pub fn padding(len: u64) -> Self {
        let path = vec![".pad".to_owned(), len.to_string()];
        Self {
            path,
            len,
            pad: true,
            ..Self::default()
        }
    }

    /// The names to use on disk: the path, with its last name replaced if it was renamed.
    pub fn disk_path(&self) -> impl Iterator<Item = &str> {
        let last = self
            .renamed
            .as_deref()
            .or(self.path.last().map(String::as_str));
        let folders = self
            .path
            .split_last()
            .map(|(_, folders)| folders)
            .unwrap_or_default();
        folders.iter().map(String::as_str).chain(last)
    }
}
