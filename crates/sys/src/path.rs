//! Paths that Windows takes as they are.

use std::path::{Path, PathBuf};

/// The same folder by its full path with `\\?\` before it, where that is needed: below it Windows
/// takes names as they are, so that `trail.` and `aux.txt` can be read. Elsewhere the path itself.
pub fn verbatim(path: &Path) -> PathBuf {
    here::verbatim(path)
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
