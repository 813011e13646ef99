//! This machine's own limits: room on the disk, long paths, open files.

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
    let room = format!("{} free at {shown}", size(free));
    if free == 0 || free < needs {
        let told = format!("{room}, of {} that are needed", size(needs));
        return vec![Finding::ill(
            "disk",
            told,
            "make room, or copy to another disk with --to",
        )];
    }
    vec![Finding::well("disk", room)]
}

/// Whether the disk takes every path.
pub(crate) fn paths(patient: &Patient) -> Vec<Finding> {
    let Some((content, _)) = &patient.content else {
        return Vec::new();
    };
    let into = patient.into.as_os_str().len();
    let longest = longest(content);
    let (path, name) = (into.saturating_add(longest.0).saturating_add(2), longest.1);
    if path > PATH_LEN_MAX || name > NAME_LEN_MAX {
        let told = format!("the longest path has {path} bytes, the longest name {name}");
        let todo = "copy into a folder with a short path, or make the content with shorter names";
        return vec![Finding::ill("paths", told, todo)];
    }
    vec![Finding::well(
        "paths",
        format!("the longest path has {path} bytes"),
    )]
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
    vec![match limits::raise_open_files() {
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
    }]
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
    fn sizes_are_told_short() {
        assert_eq!(size(9999), "9999 B");
        assert_eq!(size(12_345_678), "12 MB");
    }
}
