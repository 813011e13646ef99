//! The flags of `make`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy make /srv/share/CS5 --own-mirror http://server/CS5/ --exclude '*.log'
  writes /srv/share/CS5.torrent";

/// A file or a tree to share and how.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct MakeArgs {
    /// The file or folder to share
    pub(crate) path: PathBuf,
    /// The .torrent to write, or the folder for it [default: NAME.torrent beside PATH]
    #[arg(short = 'o', long = "output", value_name = "FILE.torrent")]
    pub(crate) output: Option<PathBuf>,
    /// A Metalink 4 to write as well: each file with its hashes, mirrors and shares, and the .torrent,
    /// taken to lie beside the content on each mirror
    #[arg(long, value_name = "FILE.meta4")]
    pub(crate) metalink: Option<PathBuf>,
    /// The content's name [default: that of PATH]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The length of a piece: a power of two of 16KiB or more; auto aims at 1,000 to 2,000 pieces
    #[arg(long, value_name = "SIZE|auto", default_value = "auto", value_parser = piece_len)]
    pub(crate) piece_length: PieceLenArg,
    /// The versions of BitTorrent it is for: v1 is read by every client; hybrids of folders and v2 by libtorrent 2,
    /// qBittorrent and Transmission 4, not by aria2 1.36, Transmission 3.00, rtorrent 0.9.8 and webtorrent
    #[arg(long, value_enum, default_value = "v1")]
    pub(crate) format: FormatArg,
    /// A folder that holds the content, as the machines see it; read by swarmcopy alone
    #[arg(long, value_name = "LOCATION")]
    pub(crate) share: Vec<String>,
    /// A web server that holds the content; read by every client
    #[arg(long, value_name = "URL", value_parser = values::mirror)]
    pub(crate) mirror: Vec<String>,
    /// A web server that holds the content; read by swarmcopy alone, few machines at a time
    #[arg(long, value_name = "URL", value_parser = values::mirror)]
    pub(crate) own_mirror: Vec<String>,
    /// A tracker to find other machines by
    #[arg(long, value_name = "URL", value_parser = values::tracker)]
    pub(crate) tracker: Vec<String>,
    /// Let machines find each other by the trackers only (changes the info-hash)
    #[arg(long)]
    pub(crate) private: bool,
    /// Free text for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Leave out files and folders that match; the pattern is tried on the path and on each name
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// The .torrent of the version before: files that have the size and the time that it tells are not
    /// read again, and what is unchanged stays at the same pieces
    #[arg(long, value_name = "OLD.torrent")]
    pub(crate) after: Option<PathBuf>,
    /// With --after: read every file all the same
    #[arg(long, requires = "after")]
    pub(crate) check: bool,
    /// What to do with symbolic links that stay in the tree: keep them as links, take the file that
    /// one leads to, or leave them out; one that leaves the tree is left out and named
    #[arg(long, value_enum, default_value = "keep")]
    pub(crate) links: LinksArg,
    /// Names that no .torrent holds are left out, those that Windows can't hold are kept, and all
    /// are named before hashing begins; strict makes them an error
    #[arg(long, value_enum, default_value = "keep")]
    pub(crate) names: NamesArg,
    /// Tell the access lists (POSIX.1e) and the extended attributes (user.*) of files and folders, too: copies made
    /// with get --acl have them
    #[arg(long)]
    pub(crate) acl: bool,
    /// Make lock files beside the .torrent, so that at most K machines read the share at a time
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) slots: Option<u32>,
    /// Threads that read and hash [default: one for each CPU]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Replace a .torrent that is there already
    #[arg(long)]
    pub(crate) force: bool,
    /// Print progress and the result as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A piece length as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PieceLenArg {
    /// Chosen by the size of the content.
    Auto,
    /// This many bytes.
    Bytes(u64),
}

fn piece_len(text: &str) -> Result<PieceLenArg, String> {
    if text == "auto" {
        Ok(PieceLenArg::Auto)
    } else {
        values::size(text).map(PieceLenArg::Bytes)
    }
}

/// What to do with symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinksArg {
    /// Links stay links
    Keep,
    /// A link to a file becomes a file
    Follow,
    /// No links
    Skip,
}

/// What to do with names that not every machine can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NamesArg {
    /// Go on
    Keep,
    /// Fail
    Strict,
}

/// Versions of BitTorrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// BEP 3
    V1,
    /// BEP 52 alone
    V2,
    /// Both
    Hybrid,
}
