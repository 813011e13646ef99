//! The flags of `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
EXAMPLE
  swarmcopy completions bash > /etc/bash_completion.d/swarmcopy
  swarmcopy completions powershell >> $PROFILE";

const MAN_EXAMPLES: &str = "\
EXAMPLE
  swarmcopy man /usr/local/share/man/man1
  then: man swarmcopy-get";

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// The folder to write to; it is made if it is not there
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
