//! Paths that Windows takes as they are, and names that are no longer than a disk takes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Longest name that disks take: bytes, on Windows units of UTF-16.
const NAME_LEN_MAX: usize = 255;

/// The same folder by its full path with `\\?\` before it, where that is needed: below it Windows
/// takes names as they are, so that `trail.` and `aux.txt` can be read. Elsewhere the path itself.
pub fn verbatim(path: &Path) -> PathBuf {
    here::verbatim(path)
}

/// The path with `suffix` behind its name. A name that would be too long with it is cut, and has a number made of the whole
/// in place of what is missing, the same in each run.
///
/// ```
/// use std::path::Path;
/// use swarmcopy_sys::path::beside;
/// assert_eq!(beside(Path::new("to/CS5"), ".swarmcopy"), Path::new("to/CS5.swarmcopy"));
/// ```
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let room = NAME_LEN_MAX.saturating_sub(suffix.len());
    if name.chars().map(units).sum::<usize>() <= room {
        let mut path = path.as_os_str().to_owned();
        path.push(suffix);
        return path.into();
    }
    let number = format!("~{:016x}", number_of(name));
    let room = room.saturating_sub(number.len());
    let mut len = 0;
    let fits = |c: &char| {
        len += units(*c);
        len <= room
    };
    let kept: String = name.chars().take_while(fits).collect();
    path.with_file_name(kept + &number + suffix)
}

/// How much of a name a character takes.
fn units(c: char) -> usize {
    if cfg!(windows) {
        c.len_utf16()
    } else {
        c.len_utf8()
    }
}

/// FNV-1a of 64 bits.
fn number_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |number, byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beside_a_long_name_is_no_longer_than_a_disk_takes_and_its_own() {
        const SUFFIX: &str = ".swarmcopy-staged";
        for name in ["n".repeat(255), "ü".repeat(127), "x".repeat(239)] {
            let place = Path::new("to").join(&name);
            let beside = beside(&place, SUFFIX);
            let told = beside.file_name().unwrap().to_str().unwrap();
            assert!(
                told.chars().map(units).sum::<usize>() <= NAME_LEN_MAX,
                "{told}"
            );
            assert!(told.ends_with(SUFFIX) && told.starts_with(&name[..100]));
            assert_eq!(beside.parent(), Some(Path::new("to")));
            let other = place.with_file_name(format!("{}y", &name[..name.len() - 2]));
            assert_ne!(super::beside(&other, SUFFIX), beside);
        }
        let fits = "n".repeat(255 - SUFFIX.len());
        let whole = format!("{fits}{SUFFIX}");
        assert_eq!(beside(Path::new(&fits), SUFFIX), Path::new(&whole));
    }
}

#[cfg(not(windows))]
mod here {
    use std::path::{Path, PathBuf};

    pub(super) fn verbatim(path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

#[cfg(windows)]
mod here {
    use std::ffi::OsString;
    use std::path::{Component, Path, PathBuf, Prefix};

    pub(super) fn verbatim(path: &Path) -> PathBuf {
        let Ok(full) = std::path::absolute(path) else {
            return path.to_path_buf();
        };
        let mut parts = full.components();
        let Some(Component::Prefix(prefix)) = parts.next() else {
            return full;
        };
        let mut start = OsString::from(r"\\?\");
        match prefix.kind() {
            Prefix::Disk(_) => start.push(prefix.as_os_str()),
            Prefix::UNC(server, share) => {
                start.push(r"UNC\");
                start.push(server);
                start.push(r"\");
                start.push(share);
            }
            _ => return full,
        }
        let mut path = PathBuf::from(start);
        path.push(r"\");
        path.extend(parts.filter(|part| matches!(part, Component::Normal(_))));
        path
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn names_that_windows_changes_can_be_read_below_it() {
            assert_eq!(verbatim(Path::new(r"C:\x\y")), Path::new(r"\\?\C:\x\y"));
            assert_eq!(verbatim(Path::new("C:/x")), Path::new(r"\\?\C:\x"));
            let unc = verbatim(Path::new(r"\\server\share\x"));
            assert_eq!(unc, Path::new(r"\\?\UNC\server\share\x"));
            assert_eq!(verbatim(&unc), unc);
            let folder = verbatim(&std::env::temp_dir());
            for name in ["swarmcopy trail.", "aux.swarmcopy"] {
                std::fs::write(folder.join(name), b"x").unwrap();
                assert_eq!(std::fs::read(folder.join(name)).unwrap(), b"x");
                std::fs::remove_file(folder.join(name)).unwrap();
            }
        }
    }
}
