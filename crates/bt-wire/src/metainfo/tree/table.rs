//! The table's values.

/// Most bytes of all paths of folders and links together, written out.
pub(super) const PATHS_LEN_MAX: usize = 64 * 1024 * 1024;
/// Longest access list in bytes.
pub(super) const ACCESS_LEN_MAX: usize = 64 * 1024;
/// Longest target of a symbolic link in bytes.
pub const TARGET_LEN_MAX: usize = 4095;

/// Whose ideas of times and flags the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Origin {
    /// Mode bits are known; hidden, system and archive flags are not.
    #[default]
    Unix,
    /// Windows' flags are known; mode bits are not.
    Windows,
}

/// What belongs to a tree besides the bytes of its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tree {
    /// Where the table was made.
    pub origin: Origin,
    /// Of each file: those of the torrent in order, without padding and symbolic links.
    pub files: Vec<Attributes>,
    /// Of the top folder.
    pub root: Attributes,
    /// The folders below it, in the order of their names.
    pub folders: Vec<Folder>,
    /// The symbolic links, in the order of their names.
    pub links: Vec<Link>,
    /// The files that are one with an earlier named one, in order.
    pub hard_links: Vec<HardLink>,
    /// Access lists, if they were asked for.
    pub access: Option<Access>,
    /// Extended attributes (`user.*` of Linux), if they were asked for: each text of [`Access::lists`] names those of
    /// one file or more, `user.` left away, as `name=hex` with commas between them.
    pub extended: Option<Access>,
}

/// Who may do what with the files and folders, besides their mode bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Access {
    /// The lists, each once: POSIX.1e in the short text form with numbers for users and groups, entries of a
    /// folder that its new files get with `d:` before them.
    pub lists: Vec<String>,
    /// Of each file, as [`Tree::files`]: the place of its list, `None` if it has none.
    pub files: Vec<Option<u32>>,
    /// Of the top folder, then of each folder below it.
    pub folders: Vec<Option<u32>>,
}

/// Time, flags and mode of a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes {
    /// When its bytes were last changed, in units of 100 ns since 1970.
    pub time: i64,
    /// Its flags.
    pub flags: Flags,
    /// Its twelve mode bits, where they differ from the usual ones.
    pub mode: Option<u16>,
}

/// Flags of a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub(super) u8);

impl Flags {
    /// It may be executed.
    pub const EXECUTABLE: Self = Self(1);
    /// Nobody writes it.
    pub const READ_ONLY: Self = Self(2);
    /// It is not shown.
    pub const HIDDEN: Self = Self(4);
    /// It belongs to the operating system.
    pub const SYSTEM: Self = Self(8);
    /// It was changed since the last backup.
    pub const ARCHIVE: Self = Self(16);

    /// Whether all flags of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The same flags and those of `other`, if `set`.
    #[must_use]
    pub const fn with(self, other: Self, set: bool) -> Self {
        if set { Self(self.0 | other.0) } else { self }
    }
}

/// What a mode is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeOf {
    /// A file.
    File,
    /// A folder.
    Folder,
}

impl Attributes {
    /// The attributes with the mode `mode` of a unix system, which also gives the flags.
    pub fn unix(time: i64, mode: u16, of: ModeOf) -> Self {
        let executable = of == ModeOf::File && mode & 0o100 != 0;
        let flags = Flags::default()
            .with(Flags::EXECUTABLE, executable)
            .with(Flags::READ_ONLY, mode & 0o222 == 0);
        let usual = usual_mode(flags, of);
        let mode = (mode != usual).then_some(mode);
        Self { time, flags, mode }
    }

    /// The mode bits, where the table was made on a unix system.
    pub fn mode(&self, of: ModeOf) -> u16 {
        self.mode.unwrap_or_else(|| usual_mode(self.flags, of))
    }
}

/// The mode bits that flags alone mean.
fn usual_mode(flags: Flags, of: ModeOf) -> u16 {
    let all = match of {
        ModeOf::Folder => 0o755,
        ModeOf::File if flags.has(Flags::EXECUTABLE) => 0o755,
        ModeOf::File => 0o644,
    };
    if flags.has(Flags::READ_ONLY) {
        all & !0o222
    } else {
        all
    }
}

/// A folder of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its names below the top folder, joined with `/`.
    pub path: String,
    /// Its time, flags and mode.
    pub attributes: Attributes,
}

/// What a symbolic link leads to; Windows must know when it makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// A file, or nothing.
    File,
    /// A folder.
    Folder,
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its names below the top folder, joined with `/`.
    pub path: String,
    /// Its text, relative, with `/` between names.
    pub target: String,
    /// What it leads to.
    pub kind: LinkKind,
    /// When it was made, in units of 100 ns since 1970.
    pub time: i64,
}

/// Two names of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardLink {
    /// The file that is another name: its place among [`Tree::files`].
    pub file: u32,
    /// The file that it is one with.
    pub first: u32,
}
