//! The flags of `firewall`.

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy firewall add
  lets other machines connect to this program in networks of the domain and in private ones";

/// What to do with the rule of the firewall.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FirewallArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: FirewallAction,
}

/// What can be done with the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum FirewallAction {
    /// Let other machines connect to this program, in domain and private networks; needs an administrator
    Add,
    /// Remove that rule; needs an administrator
    Remove,
    /// Show that rule
    Show,
}
