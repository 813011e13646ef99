//! What Windows tells by its own programs: the profile of the firewall.

#[cfg(windows)]
use std::process::{Command, Stdio};

use crate::Finding;

/// What a program of the system says.
#[cfg(windows)]
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
#[cfg(windows)]
pub(crate) fn firewall() -> Vec<Finding> {
    let profile = run("netsh", &["advfirewall", "show", "currentprofile"]);
    let rules = [
        "advfirewall",
        "firewall",
        "show",
        "rule",
        "name=all",
        "dir=in",
        "verbose",
    ];
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(std::path::Path::to_str);
    vec![finding(profile.as_deref(), || run("netsh", &rules), own)]
}

/// What the profile comes to, and the rules for this program, which are asked for where they matter.
fn finding(
    profile: Option<&str>,
    rules: impl FnOnce() -> Option<String>,
    own: Option<&str>,
) -> Finding {
    let Some(profile) = profile else {
        let todo = "look at the firewall's settings";
        return Finding::unclear("firewall", "Windows does not tell", todo);
    };
    let head = profile.lines().find(|line| !line.trim().is_empty());
    let head = head.unwrap_or("the firewall").trim().trim_end_matches(':');
    // the words differ by language, the values do not
    let is_off = |line: &str| line.split_whitespace().last() == Some("OFF");
    let mut states = profile.lines().skip(1);
    let state = states.find(|line| line.contains("ON") || line.contains("OFF"));
    if profile.contains("AllowInbound") || state.is_some_and(is_off) {
        return Finding::well("firewall", format!("{head}: others may connect"));
    }
    let rules = rules().unwrap_or_default().to_lowercase();
    if own.is_some_and(|own| rules.contains(&own.to_lowercase())) {
        return Finding::well("firewall", format!("{head}: a rule names this program"));
    }
    let told = format!("{head}: no rule lets others connect to this program");
    let todo = "run: swarmcopy firewall add (as administrator), or make the network a private one";
    Finding::ill("firewall", told, todo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    const PUBLIC: &str = "\r\nPublic Profile Settings: \r\n----------------------------------------------------\r\n\
        State                                 ON\r\nFirewall Policy                       BlockInbound,AllowOutbound\r\n";

    #[test]
    fn a_firewall_that_knows_no_rule_for_this_program_is_ill() {
        let rule = || Some("Program:   C:\\Tools\\SwarmCopy.exe\r\n".to_owned());
        let own = Some("c:\\tools\\swarmcopy.exe");
        let found = finding(Some(PUBLIC), || None, own);
        assert_eq!(found.verdict, Verdict::Ill, "{found:?}");
        assert!(
            found.told.starts_with("Public Profile Settings:"),
            "{found:?}"
        );
        assert_eq!(finding(Some(PUBLIC), rule, own).verdict, Verdict::Well);
        assert_eq!(finding(None, rule, own).verdict, Verdict::Unclear);
        for open in [
            PUBLIC.replace(" ON", " OFF"),
            PUBLIC.replace("BlockInbound", "AllowInbound"),
        ] {
            assert_eq!(
                finding(Some(&open), || None, own).verdict,
                Verdict::Well,
                "{open}"
            );
        }
    }
}
