//! Other programs on this machine: who has a port, and who else copies.

use crate::Finding;

/// Other processes of ours.
pub(crate) fn look() -> Vec<Finding> {
    vec![others(platform::ours())]
}

fn others(others: Option<Vec<String>>) -> Finding {
    let Some(others) = others else {
        let todo = "look for other copies with the tools of the system";
        return Finding::unclear("processes", "this system does not tell", todo);
    };
    if others.is_empty() {
        return Finding::well("processes", "no other swarmcopy runs here");
    }
    let told = format!("also here: {}", others.join("; "));
    let todo = "two copies on one machine share its line and its disk; that is allowed";
    Finding::unclear("processes", told, todo)
}

/// Who listens on a port.
pub(crate) fn holder(port: u16) -> Option<String> {
    platform::holder(port)
}

/// Most processes that are told of.
const TOLD_MAX: usize = 10;

#[cfg(target_os = "linux")]
mod platform {
    use std::fs;

    use super::TOLD_MAX;

    /// What listens, in the table of the kernel.
    const LISTENS: &str = "0A";

    pub(super) fn ours() -> Option<Vec<String>> {
        let own = std::process::id();
        let processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
            let number: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
            let program = words.next()?;
            let is_ours = program.rsplit('/').next() == Some("swarmcopy");
            let command = words.next().unwrap_or_default();
            (is_ours && number != own).then(|| format!("process {number}, {command}"))
        });
        Some(processes.take(TOLD_MAX).collect())
    }

    pub(super) fn holder(port: u16) -> Option<String> {
        let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .find_map(|table| inode_of(&fs::read_to_string(table).ok()?, port))?;
        let wanted = format!("socket:[{inode}]");
        let numbered = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            name.to_str()
                .is_some_and(|name| name.parse::<u32>().is_ok())
        };
        for entry in fs::read_dir("/proc").ok()?.flatten().filter(numbered) {
            let files = fs::read_dir(entry.path().join("fd")).into_iter().flatten();
            let mut links = files
                .flatten()
                .filter_map(|file| fs::read_link(file.path()).ok());
            if links.any(|link| link.to_str() == Some(&wanted)) {
                let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                let number = entry.file_name();
                return Some(format!(
                    "{} (process {})",
                    name.trim(),
                    number.to_string_lossy()
                ));
            }
        }
        None
    }

    /// The number of the socket that listens on a port.
    pub(super) fn inode_of(table: &str, port: u16) -> Option<u64> {
        let wanted = format!(":{port:04X}");
        table.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let local = words.nth(1)?;
            let state = words.nth(1)?;
            let inode = words.nth(5)?;
            (local.ends_with(&wanted) && state == LISTENS).then(|| inode.parse().ok())?
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_table_of_the_kernel_is_read() {
            let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                0: 0100007F:1AE1 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 11 1\n   \
                1: 0100007F:1AE1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n";
            assert_eq!(inode_of(table, 6881), Some(4711));
            assert_eq!(inode_of(table, 6882), None);
            assert_eq!(inode_of("nonsense", 1), None);
        }

        #[test]
        fn who_holds_a_port_is_named() {
            let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let who = holder(held.local_addr().unwrap().port()).unwrap();
            assert!(who.contains(&std::process::id().to_string()), "{who}");
        }
    }
}

#[cfg(windows)]
mod platform {
    use super::TOLD_MAX;
    use crate::windows::run;

    pub(super) fn ours() -> Option<Vec<String>> {
        let list = run(
            "tasklist",
            &["/FI", "IMAGENAME eq swarmcopy.exe", "/FO", "CSV", "/NH"],
        )?;
        let own = format!("\"{}\"", std::process::id());
        let numbers = list.lines().filter_map(|line| line.split(',').nth(1));
        let others = numbers.filter(|number| *number != own);
        Some(
            others
                .take(TOLD_MAX)
                .map(|number| format!("process {}", number.trim_matches('"')))
                .collect(),
        )
    }

    pub(super) fn holder(port: u16) -> Option<String> {
        let table = run("netstat", &["-ano", "-p", "TCP"])?;
        let number = table.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (local, number) = (words.get(1)?, words.last()?);
            let listens = words.get(2).is_some_and(|far| far.ends_with(":0"));
            (local.ends_with(&format!(":{port}")) && listens).then(|| (*number).to_owned())
        })?;
        let filter = format!("PID eq {number}");
        let list = run("tasklist", &["/FI", &filter, "/FO", "CSV", "/NH"]).unwrap_or_default();
        let name = list
            .split(',')
            .next()
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned();
        Some(format!("{name} (process {number})"))
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
mod platform {
    pub(super) fn ours() -> Option<Vec<String>> {
        None
    }

    pub(super) fn holder(_port: u16) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    #[test]
    fn other_copies_on_this_machine_are_named() {
        let found = others(Some(vec!["process 7, get".to_owned()]));
        assert_eq!(found.verdict, Verdict::Unclear);
        assert!(found.told.contains("process 7, get"), "{found:?}");
        assert_eq!(others(Some(Vec::new())).verdict, Verdict::Well);
        assert_eq!(others(None).verdict, Verdict::Unclear);
    }
}
