//! The flags of `replay`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy get CS5.torrent --to /data --record CS5.rec
  swarmcopy replay CS5.rec --report CS5.html
  shows what was decided and why, and whether this version would decide the same";

/// Which recording, and where the page goes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// A recording made by --record; its further parts are found beside it
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Write a page about it
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print events as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
