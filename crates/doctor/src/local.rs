//! This machine's own limits: room on the disk, long paths, open files.

use std::io;
use std::path::Path;

use swarmcopy::Content;
use swarmcopy_sys::{limits, space};

use crate::{Finding, Patient};

/// Open files and sockets that a copy of many machines needs.
const FILES_MIN: u64 = 1024;
/// Longest name that disks take, in bytes (of most) or in units of UTF-16 (of Windows).
const NAME_LEN_MAX: usize = 255;
/// Longest path that a system takes.
#[cfg(windows)]
const PATH_LEN_MAX: usize = 32_000;
#[cfg(not(windows))]
const PATH_LEN_MAX: usize = 4095;

/// Whether there is room.
pub(crate) fn disk(patient: &Patient) -> Vec<Finding> {
    let there = patient.into.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("."));
    let shown = patient.into.display();
    let free = match space::free_bytes(there) {
        Ok(free) => free,
        Err(error) => {
            let told = format!("cannot tell the room at {shown}: {error}");
            return vec![Finding::unclear(
                "disk",
                told,
                "look at the disk with the tools of the system",
            )];
        }
    };
    let needs = patient
        .content
        .as_ref()
        .map_or(0, |(content, _)| content.layout().bytes());
    vec![room(&patient.into, free, needs)]
}

fn room(into: &Path, free: u64, needs: u64) -> Finding {
    let room = format!("{} free at {}", size(free), into.display());
    if free == 0 || free < needs {
        let told = format!("{room}, of {} that are needed", size(needs));
        let todo = "make room, or copy to another disk with --to";
        return Finding::ill("disk", told, todo);
    }
    Finding::well("disk", room)
}

/// Whether the disk takes every path.
pub(crate) fn paths(patient: &Patient) -> Vec<Finding> {
    let Some((content, _)) = &patient.content else {
        return Vec::new();
    };
    let into = patient.into.as_os_str().len();
    let longest = longest(content);
    let (path, name) = (into.saturating_add(longest.0).saturating_add(2), longest.1);
    vec![lengths(path, name)]
}

fn lengths(path: usize, name: usize) -> Finding {
    if path > PATH_LEN_MAX || name > NAME_LEN_MAX {
        let told = format!("the longest path has {path} bytes, the longest name {name}");
        let todo = "copy into a folder with a short path, or make the content with shorter names";
        return Finding::ill("paths", told, todo);
    }
    Finding::well("paths", format!("the longest path has {path} bytes"))
}

/// The longest path and the longest name of a content, in bytes.
fn longest(content: &Content) -> (usize, usize) {
    let files = content.layout().files().map(|(_, file)| file.path());
    files.fold(
        (content.name().len(), content.name().len()),
        |(path, name), file| {
            let len = content
                .name()
                .len()
                .saturating_add(file.as_str().len())
                .saturating_add(1);
            let longest = file.names().map(str::len).max().unwrap_or(0);
            (path.max(len), name.max(longest))
        },
    )
}

/// Whether enough files may be open.
pub(crate) fn open_files() -> Vec<Finding> {
    vec![files(limits::raise_open_files())]
}

fn files(max: io::Result<u64>) -> Finding {
    match max {
        Ok(max) if max >= FILES_MIN => {
            let max = if max == u64::MAX {
                "no limit of".to_owned()
            } else {
                max.to_string()
            };
            Finding::well("files", format!("{max} open files"))
        }
        Ok(max) => {
            let todo = "raise the limit of open files (ulimit -n, LimitNOFILE=)";
            Finding::ill("files", format!("{max} open files at most"), todo)
        }
        Err(error) => {
            let todo = "look at the limit of open files (ulimit -n)";
            Finding::unclear("files", format!("the system does not tell: {error}"), todo)
        }
    }
}

/// A size in words.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut scaled = bytes;
    let mut unit = 0;
    while scaled >= 10_000 && unit + 1 < UNITS.len() {
        scaled /= 1000;
        unit += 1;
    }
    format!("{scaled} {}", UNITS.get(unit).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    #[test]
    fn a_folder_that_is_not_there_yet_lies_on_its_parents_disk() {
        let dir = tempfile::tempdir().unwrap();
        let patient = Patient::new(dir.path().join("a/b/c"));
        let findings = disk(&patient);
        assert_eq!(findings[0].verdict, Verdict::Well, "{findings:?}");
    }

    #[test]
    fn a_disk_with_less_room_than_the_content_is_ill() {
        let into = Path::new("to");
        for (free, needs, verdict) in [
            (10, 10, Verdict::Well),
            (9, 10, Verdict::Ill),
            (0, 0, Verdict::Ill),
        ] {
            let found = room(into, free, needs);
            assert_eq!(found.verdict, verdict, "{found:?}");
            assert_eq!(found.todo.is_some(), verdict == Verdict::Ill);
        }
    }

    #[test]
    fn paths_and_names_that_no_disk_takes_are_ill() {
        for (path, name, verdict) in [
            (PATH_LEN_MAX, NAME_LEN_MAX, Verdict::Well),
            (PATH_LEN_MAX + 1, 8, Verdict::Ill),
            (300, NAME_LEN_MAX + 1, Verdict::Ill),
        ] {
            let found = lengths(path, name);
            assert_eq!(found.verdict, verdict, "{found:?}");
        }
    }

    #[test]
    fn few_open_files_are_ill_and_a_silent_system_is_unclear() {
        for (max, verdict) in [
            (Ok(FILES_MIN), Verdict::Well),
            (Ok(u64::MAX), Verdict::Well),
            (Ok(256), Verdict::Ill),
            (Err(io::Error::other("no")), Verdict::Unclear),
        ] {
            let found = files(max);
            assert_eq!(found.verdict, verdict, "{found:?}");
        }
    }

    #[test]
    fn sizes_are_told_short() {
        assert_eq!(size(9999), "9999 B");
        assert_eq!(size(12_345_678), "12 MB");
    }
}
