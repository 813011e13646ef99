//! What can be set for a new torrent, and what is told about it.
//!
//! What must stay true: [`MakeOptions::check`] passes only addresses that readers of the .torrent
//! keep, so nothing that was asked for is lost in it.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use swarmcopy_address::{Shown, ShownAll, debug_shown, in_text};
use url::Url;

use super::PieceLen;
use crate::{Error, ErrorKind};

/// Which versions of BitTorrent a new torrent is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// BEP 3: read by every client.
    #[default]
    V1,
    /// BEP 52 alone.
    V2,
    /// Both in one.
    Hybrid,
}

impl Format {
    /// Whether it has SHA-1 digests of pieces.
    pub const fn has_sha1(self) -> bool {
        matches!(self, Self::V1 | Self::Hybrid)
    }

    /// Whether it has SHA-256 roots of pieces and files.
    pub const fn has_roots(self) -> bool {
        matches!(self, Self::V2 | Self::Hybrid)
    }
}

/// What to do with a file that lies where the .torrent goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overwrite {
    /// Fail.
    #[default]
    Refuse,
    /// Replace it, at once and whole.
    Replace,
}

/// What to do with symbolic links that stay in the tree. One that leaves it is always left out, and named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Links {
    /// They are links in each copy. Only our own programs and those that know BEP 47 make them.
    #[default]
    Keep,
    /// A link to a file becomes a file.
    Follow,
    /// They are left out.
    Skip,
}

/// What to do with names that not every machine can hold. They are named before hashing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Names {
    /// Keep those that a .torrent can hold, and leave out the others.
    #[default]
    Keep,
    /// Fail.
    Strict,
}

/// Settings of [`make`](crate::make).
#[derive(Clone)]
#[non_exhaustive]
pub struct MakeOptions {
    /// The file or folder to share.
    pub source: PathBuf,
    /// The .torrent to write, or the folder for it; `None` = beside the source, as `NAME.torrent`.
    pub torrent: Option<PathBuf>,
    /// A metalink to write as well. Its files are named `NAME/path`; it names the mirrors and the
    /// shares, not the mirrors that only swarmcopy reads, and the .torrent beside the content on
    /// each mirror. The tree is read twice.
    pub metalink: Option<PathBuf>,
    /// The content's name; `None` = the source's.
    pub name: Option<String>,
    /// The length of the pieces.
    pub piece_len: PieceLen,
    /// The versions it is made for.
    pub format: Format,
    /// Shares that the .torrent names; stock clients don't read them.
    pub shares: Vec<String>,
    /// Mirrors that every client reads (`url-list`, BEP 19).
    pub mirrors: Vec<String>,
    /// Mirrors that only swarmcopy reads, under the cap on readers.
    pub own_mirrors: Vec<String>,
    /// Trackers, each a tier of its own.
    pub trackers: Vec<String>,
    /// Whether peers may come from the trackers only (BEP 27). Changes the info-hash.
    pub private: bool,
    /// Free text.
    pub comment: Option<String>,
    /// Patterns of files and folders to leave out, matched on the path and on any name in it.
    pub exclude: Vec<String>,
    /// The .torrent of the version before: files that have the size and the time that it tells are not read
    /// again, and the order of files is kept, so that what is unchanged stays at the same pieces.
    pub after: Option<PathBuf>,
    /// With `after`: read all the same.
    pub check: bool,
    /// What to do with symbolic links.
    pub links: Links,
    /// What to do with names that not every machine can hold.
    pub names: Names,
    /// Tell the access lists (POSIX.1e) and the extended attributes of users (`user.*`, Linux) of files and folders,
    /// too, for copies that want them.
    pub acl: bool,
    /// Makes lock files for this many readers of the share beside the .torrent.
    pub slots: Option<u32>,
    /// Threads that read and hash; `None` = one for each CPU.
    pub threads: Option<NonZero<usize>>,
    /// What to do with a file that is there already.
    pub overwrite: Overwrite,
}

debug_shown!(MakeOptions {
    source, torrent, metalink, name, piece_len, format, private, exclude, after, check, links, names, acl,
    slots, threads, overwrite;
    shares: ShownAll(shares),
    mirrors: ShownAll(mirrors),
    own_mirrors: ShownAll(own_mirrors),
    trackers: ShownAll(trackers),
    comment: comment.as_deref().map(in_text),
});

impl MakeOptions {
    /// The defaults for `source`.
    pub fn new(source: impl Into<PathBuf>) -> Self {
        Self {
            source: source.into(),
            torrent: None,
            metalink: None,
            name: None,
            piece_len: PieceLen::default(),
            format: Format::default(),
            shares: Vec::new(),
            mirrors: Vec::new(),
            own_mirrors: Vec::new(),
            trackers: Vec::new(),
            private: false,
            comment: None,
            exclude: Vec::new(),
            after: None,
            check: false,
            links: Links::default(),
            names: Names::default(),
            acl: false,
            slots: None,
            threads: None,
            overwrite: Overwrite::default(),
        }
    }

    pub(super) fn threads(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.threads.map_or_else(available, NonZero::get)
    }

    /// Refuses what no reader of the .torrent could use.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mirrors = self.mirrors.iter().chain(&self.own_mirrors);
        for mirror in mirrors {
            check_url("mirror", mirror, &["http", "https", "ftp"])?;
        }
        for tracker in &self.trackers {
            check_url("tracker", tracker, &["http", "https", "udp"])?;
        }
        for share in &self.shares {
            check_share(share)?;
        }
        let most = swarmcopy_sys::lock::SLOTS_MAX;
        match self.slots {
            Some(slots) if !(1..=most).contains(&slots) => {
                Err(usage(format!("{slots} slots: there may be 1 to {most}")))
            }
            _ => Ok(()),
        }
    }
}

impl MakeOptions {
    /// Warns of logins in addresses: they become part of the .torrent.
    pub(super) fn logins(&self) -> Vec<String> {
        let mirrors = self.mirrors.iter().chain(&self.own_mirrors);
        let has_login = |text: &str| {
            let url = Url::parse(text);
            url.is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
        };
        let logins = mirrors.chain(&self.trackers).filter(|text| has_login(text));
        let warning = |text: &String| {
            let shown = Shown(text);
            format!("the login for {shown} is in the .torrent: whoever reads that has it")
        };
        logins.map(warning).collect()
    }
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
}

fn check_url(what: &str, text: &str, schemes: &[&str]) -> Result<(), Error> {
    let url = Url::parse(text).map_err(|error| usage(format!("{what} {text:?}: {error}")))?;
    if schemes.contains(&url.scheme()) {
        return Ok(());
    }
    Err(usage(format!(
        "{what} {text:?} must begin with one of {}",
        schemes.join(", ")
    )))
}

fn check_share(text: &str) -> Result<(), Error> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("smb://") {
        let message = format!("share {text:?}: smb:// locations are not built yet");
        return Err(usage(message).with_hint("name the folder where the share is mounted"));
    }
    if lower.starts_with("http://") || lower.starts_with("https://") {
        return Err(usage(format!("share {text:?} is a mirror"))
            .with_hint("add it to `own_mirrors` or `mirrors`"));
    }
    if text.is_empty() {
        Err(usage("a share without a path".to_owned()))
    } else {
        Ok(())
    }
}

/// How far hashing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MakeProgress {
    /// Files found so far.
    pub files: usize,
    /// Bytes read so far.
    pub hashed: u64,
    /// Bytes to be read; 0 while files are still looked for.
    pub bytes: u64,
}

/// A finished .torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Made {
    /// Where it lies.
    pub torrent: PathBuf,
    /// Where the metalink lies, if one was asked for.
    pub metalink: Option<PathBuf>,
    /// The content's name.
    pub name: String,
    /// Its info-hash (BEP 3), if it has one.
    pub info_hash: Option<[u8; 20]>,
    /// Its info-hash of BEP 52, if it has one.
    pub info_hash_v2: Option<[u8; 32]>,
    /// The length of its pieces in bytes.
    pub piece_len: u64,
    /// How many pieces.
    pub pieces: u32,
    /// How many files, empty ones included.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// What was left out of the tree, and why.
    pub warnings: Vec<String>,
}
