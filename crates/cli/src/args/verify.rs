//! The flags of `verify` and `show`.

use std::path::PathBuf;

use clap::Args;

use crate::what::What;

const VERIFY_EXAMPLES: &str = "\
EXAMPLE
  swarmcopy verify CS5.torrent --at C:\\cache
  exits with 0 if every file of C:\\cache\\CS5 is there and right, else with 4";

const SHOW_EXAMPLES: &str = "\
EXAMPLE
  swarmcopy show CS5.torrent
  swarmcopy show CS5.torrent --json | jq .info_hash";

/// What to check and where.
#[derive(Args)]
#[command(after_help = VERIFY_EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct VerifyArgs {
    /// The path or http(s) address of a .torrent or a metalink, or a magnet: link
    #[arg(value_name = "WHAT")]
    pub(crate) what: What,
    /// The folder that contains NAME, or NAME itself
    #[arg(long, value_name = "DIR")]
    pub(crate) at: PathBuf,
    /// List times, modes, flags, empty folders and links that differ, too
    #[arg(long)]
    pub(crate) attributes: bool,
    /// Read no file: go by lengths, times and the record of when the copy was complete on this machine
    #[arg(long)]
    pub(crate) quick: bool,
    /// Let files, links and folders that do not belong be a mismatch, too
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to show.
#[derive(Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct ShowArgs {
    /// The path or http(s) address of a .torrent or a metalink, or a magnet: link
    #[arg(value_name = "WHAT")]
    pub(crate) what: What,
    /// Print it as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
