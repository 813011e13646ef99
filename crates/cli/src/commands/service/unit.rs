//! The unit file of a service of systemd.
//!
//! What must stay true: what was typed arrives as it was typed, whatever it holds: systemd reads quotes,
//! backslashes, `%` and `$` in its own way.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use swarmcopy::{Error, ErrorKind};

/// What a unit is made of.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) program: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) work: &'a [OsString],
}

/// The name of the unit.
pub(super) fn name(service: &str) -> String {
    format!("{service}.service")
}

/// What a service does, in one line.
pub(super) fn description(work: &[OsString]) -> String {
    let words = work.iter().map(|word| word.to_string_lossy());
    let line = std::iter::once("swarmcopy".into()).chain(words);
    let line = line.collect::<Vec<_>>().join(" ");
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.collect()
}

impl Unit<'_> {
    /// The text of the file.
    pub(super) fn text(&self) -> Result<String, Error> {
        let mut text = String::from("[Unit]\n");
        let description = description(self.work).replace('%', "%%");
        let _ = writeln!(text, "Description={}", description.trim_end_matches('\\'));
        text.push_str("Wants=network-online.target\n");
        text.push_str("After=network-online.target remote-fs.target\n\n[Service]\n");
        // it says when it is ready, and that it goes on
        text.push_str("Type=notify\nNotifyAccess=main\nWatchdogSec=60\n");
        if let Some(account) = self.account {
            let _ = writeln!(text, "User={}", plain(account)?.replace('%', "%%"));
        }
        let folder = plain(utf8(self.folder.as_os_str())?)?;
        let _ = writeln!(text, "WorkingDirectory={}", folder.replace('%', "%%"));
        let words = std::iter::once(self.program.as_os_str())
            .chain(self.work.iter().map(OsString::as_os_str))
            .map(|word| utf8(word).map(quoted));
        let words = words.collect::<Result<Vec<_>, _>>()?;
        let _ = writeln!(text, "ExecStart={}", words.join(" "));
        // a copy that was interrupted goes on the next time; usage errors and wrong bytes come again
        text.push_str("Restart=on-failure\nRestartSec=10\nRestartPreventExitStatus=2 4\n");
        text.push_str("SuccessExitStatus=130\nTimeoutStopSec=60\nNoNewPrivileges=yes\n\n");
        text.push_str("[Install]\nWantedBy=multi-user.target\n");
        Ok(text)
    }
}

fn utf8(word: &std::ffi::OsStr) -> Result<&str, Error> {
    word.to_str().ok_or_else(|| {
        let message = format!("{} can't stand in a unit: it is no UTF-8", word.display());
        Error::new(ErrorKind::Usage, message)
    })
}

/// A value that stands by itself on its line.
fn plain(value: &str) -> Result<&str, Error> {
    if value.contains(char::is_control) || value.trim() != value || value.ends_with('\\') {
        let message = format!("{value:?} can't stand in a unit");
        return Err(Error::new(ErrorKind::Usage, message));
    }
    Ok(value)
}

/// A word of a command line (systemd.syntax(7), systemd.service(5)).
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' | '$' => text.extend([c, c]),
            c if u32::from(c) < 0x80 && c.is_control() => {
                let _ = write!(text, "\\x{:02x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_arrives_as_it_was_typed() {
        let words = [
            "get",
            "a b.torrent",
            "--to",
            "/x \"y\"\\z",
            "--comment",
            "100 % $HOME\n",
            "",
        ];
        let work = words.map(OsString::from);
        let unit = Unit {
            account: Some("swarmcopy"),
            program: Path::new("/usr/bin/swarmcopy"),
            folder: Path::new("/srv/100 %"),
            work: &work,
        };
        let text = unit.text().unwrap();
        let line = |key: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(key)).unwrap()
        };
        assert_eq!(
            line("ExecStart="),
            "\"/usr/bin/swarmcopy\" \"get\" \"a b.torrent\" \"--to\" \"/x \\\"y\\\"\\\\z\" \
             \"--comment\" \"100 %% $$HOME\\x0a\" \"\""
        );
        assert_eq!(line("User="), "swarmcopy");
        assert_eq!(line("WorkingDirectory="), "/srv/100 %%");
        assert!(text.contains("\nType=notify\n") && text.contains("\nWatchdogSec=60\n"));
        assert!(line("Description=").starts_with("swarmcopy get a b.torrent"));
    }

    #[test]
    fn what_can_t_stand_in_a_unit_is_refused() {
        let unit = Unit {
            account: Some("a\nExecStart=evil"),
            program: Path::new("/p"),
            folder: Path::new("/"),
            work: &[],
        };
        assert_eq!(unit.text().unwrap_err().kind(), ErrorKind::Usage);
    }
}
