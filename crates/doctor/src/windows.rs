//! What Windows tells by its own programs: the profile of the firewall.

use std::process::{Command, Stdio};

use crate::Finding;

/// What a program of the system says.
pub(crate) fn run(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether others may connect.
pub(crate) fn firewall() -> Vec<Finding> {
    let Some(profile) = run("netsh", &["advfirewall", "show", "currentprofile"]) else {
        let todo = "look at the firewall's settings";
        return vec![Finding::unclear("firewall", "Windows does not tell", todo)];
    };
    let head = profile.lines().find(|line| !line.trim().is_empty());
    let head = head
        .unwrap_or("the firewall")
        .trim()
        .trim_end_matches(':')
        .to_owned();
    // the words differ by language, the values do not
    let is_off = |line: &str| line.split_whitespace().last() == Some("OFF");
    let state = profile
        .lines()
        .skip(1)
        .find(|line| line.contains("ON") || line.contains("OFF"));
    let open = profile.contains("AllowInbound") || state.is_some_and(is_off);
    if open {
        return vec![Finding::well(
            "firewall",
            format!("{head}: others may connect"),
        )];
    }
    let own = std::env::current_exe().ok();
    let own = own.and_then(|path| path.to_str().map(str::to_lowercase));
    let rules = run(
        "netsh",
        &[
            "advfirewall",
            "firewall",
            "show",
            "rule",
            "name=all",
            "dir=in",
            "verbose",
        ],
    );
    let rules = rules.unwrap_or_default().to_lowercase();
    if own.is_some_and(|own| rules.contains(&own)) {
        return vec![Finding::well(
            "firewall",
            format!("{head}: a rule names this program"),
        )];
    }
    let told = format!("{head}: no rule lets others connect to this program");
    let todo = "run: swarmcopy firewall add (as administrator), or make the network a private one";
    vec![Finding::ill("firewall", told, todo)]
}
