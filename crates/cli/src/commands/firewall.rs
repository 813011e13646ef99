//! `firewall`: the rule that lets other machines connect to this program.
//!
//! What must stay true: the rule is for this program alone, and never for public networks; outside Windows nothing
//! is changed, and what to do is said.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use swarmcopy::{Error, ErrorKind};

use crate::args::{FirewallAction, FirewallArgs};
use crate::exit;
use crate::output;

/// The name of the rule.
const RULE: &str = "name=swarmcopy";

/// What is said elsewhere: each firewall has a way of its own.
const ELSEWHERE: [&str; 5] = [
    "this command changes the firewall of Windows alone; here, let machines of your network connect by TCP, and call by UDP:",
    "  firewalld  firewall-cmd --permanent --zone=internal --add-port=6881-6889/tcp --add-port=6771/udp && firewall-cmd --reload",
    "  ufw        ufw allow from 10.0.0.0/8 to any port 6881:6889 proto tcp && ufw allow from 10.0.0.0/8 to any port 6771 proto udp",
    "  nftables   nft add rule inet filter input ip saddr 10.0.0.0/8 tcp dport 6881-6889 accept",
    "             nft add rule inet filter input ip saddr 10.0.0.0/8 udp dport 6771 accept",
];

/// Runs the command.
pub(super) fn run(args: &FirewallArgs) -> Result<u8, Error> {
    if !cfg!(windows) {
        output::lines(&ELSEWHERE.map(str::to_owned));
        return Ok(exit::DONE);
    }
    let program = std::env::current_exe().map_err(|error| failed(&error.to_string()))?;
    if args.action == FirewallAction::Add {
        // one rule, however often it is added, and for the program as it lies now
        let _none_yet = netsh(&arguments(FirewallAction::Remove, &program));
    }
    let told = netsh(&arguments(args.action, &program))?;
    for line in told.lines().filter(|line| !line.trim().is_empty()) {
        output::line(line);
    }
    Ok(exit::DONE)
}

/// What `netsh` is called with.
fn arguments(action: FirewallAction, program: &Path) -> Vec<OsString> {
    let verb = match action {
        FirewallAction::Add => "add",
        FirewallAction::Remove => "delete",
        FirewallAction::Show => "show",
    };
    let mut arguments = ["advfirewall", "firewall", verb, "rule", RULE]
        .map(OsString::from)
        .to_vec();
    if action == FirewallAction::Add {
        let mut path = OsString::from("program=");
        path.push(program);
        arguments.push(path);
        let rest = [
            "dir=in",
            "action=allow",
            "profile=domain,private",
            "enable=yes",
        ];
        arguments.extend(rest.map(OsString::from));
    }
    arguments
}

fn netsh(arguments: &[OsString]) -> Result<String, Error> {
    let called = Command::new("netsh")
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let called = called.map_err(|error| failed(&format!("netsh: {error}")))?;
    let told = String::from_utf8_lossy(&called.stdout).into_owned();
    if called.status.success() {
        Ok(told)
    } else {
        Err(failed(told.trim()).with_hint("add and remove need an administrator"))
    }
}

fn failed(why: &str) -> Error {
    let message = format!("the firewall did not do it: {why}");
    Error::new(ErrorKind::Failed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_for_this_program_in_domain_and_private_networks() {
        let program = Path::new("C:\\Program Files\\swarmcopy.exe");
        let add = arguments(FirewallAction::Add, program);
        assert!(add.contains(&"program=C:\\Program Files\\swarmcopy.exe".into()));
        assert!(add.contains(&"profile=domain,private".into()));
        assert!(add.contains(&"dir=in".into()));
        let remove = arguments(FirewallAction::Remove, program);
        assert_eq!(remove[2..], ["delete", "rule", RULE].map(OsString::from));
        assert_eq!(arguments(FirewallAction::Show, program)[2], "show");
    }
}
