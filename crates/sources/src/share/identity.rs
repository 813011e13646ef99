//! What a share is called by every machine that mounts it.
//!
//! Machines mount one server under different paths, so the identity is made of what is mounted: scheme,
//! server and share, joined by NUL. A folder of a local disk is told by machine and path.

use std::path::{Component, Path, Prefix};

/// The identity of the share that `path` lies on.
pub(super) fn of(path: &Path) -> String {
    if let Some(unc) = unc_of(path) {
        return unc;
    }
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if let Some(unc) = unc_of(&real) {
        return unc;
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounted(&mounts, &real.to_string_lossy())
        .unwrap_or_else(|| joined("file", &machine(), &real.to_string_lossy()))
}

fn joined(scheme: &str, host: &str, share: &str) -> String {
    format!("{scheme}\0{}\0{share}", host.to_lowercase())
}

/// `\\server\share\..` of Windows.
fn unc_of(path: &Path) -> Option<String> {
    let Component::Prefix(prefix) = path.components().next()? else {
        return None;
    };
    match prefix.kind() {
        Prefix::UNC(server, share) | Prefix::VerbatimUNC(server, share) => {
            let share = share.to_string_lossy().to_lowercase();
            Some(joined("smb", &server.to_string_lossy(), &share))
        }
        _ => None,
    }
}

/// The share of the deepest mount above `path` in the text of `/proc/self/mountinfo`, if it is one of
/// SMB or NFS.
fn mounted(mounts: &str, path: &str) -> Option<String> {
    let parsed = mounts.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let at = unescaped(left.split(' ').nth(4)?);
        let mut right = right.split(' ');
        let kind = right.next()?;
        Some((at, kind, unescaped(right.next()?)))
    });
    // the later of two mounts at one place lies above
    let above = |at: &str| {
        path.strip_prefix(at)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || at.ends_with('/'))
    };
    let (_, kind, from) = parsed
        .filter(|mount| above(&mount.0))
        .max_by_key(|mount| mount.0.len())?;
    match kind {
        "cifs" | "smb3" => {
            let from = from.replace('\\', "/");
            let (host, rest) = from.trim_start_matches('/').split_once('/')?;
            let share = rest.split('/').next().unwrap_or_default();
            Some(joined("smb", host, &share.to_lowercase()))
        }
        "nfs" | "nfs4" => {
            let (host, export) = from.split_once(":/")?;
            Some(joined("nfs", host, &format!("/{export}")))
        }
        _ => None,
    }
}

/// Undoes the octal escapes (`\040`) of mountinfo.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// This machine's name: two machines' local folders are not one origin.
fn machine() -> String {
    let linux = std::fs::read_to_string("/proc/sys/kernel/hostname");
    linux
        .or_else(|_| std::env::var("COMPUTERNAME"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 0:21 / / rw - ext4 /dev/vda1 rw
30 22 0:40 / /mnt/lab\\040share ro,relatime shared:1 - cifs //FS1.uni.example/Soft/sub ro,vers=3.1.1
31 22 0:41 / /srv rw - nfs4 nas:/export/soft rw
32 22 0:42 / /srv/local rw - tmpfs tmpfs rw";

    #[test]
    fn a_mounted_share_is_told_by_server_and_share() {
        let smb = Some("smb\0fs1.uni.example\0soft".to_owned());
        assert_eq!(mounted(MOUNTS, "/mnt/lab share/CS5"), smb);
        assert_eq!(
            mounted(MOUNTS, "/srv/CS5"),
            Some("nfs\0nas\0/export/soft".to_owned())
        );
    }

    #[test]
    fn a_local_folder_is_no_share_of_a_server() {
        for path in ["/home/x", "/srv/local/x", "/srvother", "/mnt/lab"] {
            assert_eq!(mounted(MOUNTS, path), None, "{path}");
        }
        assert!(of(&std::env::temp_dir()).contains('\0'));
    }

    #[test]
    fn broken_mount_lines_are_passed_over() {
        assert_eq!(
            mounted("\\\n - \n a b c d \\9 - cifs\n1 2 3 4 / - cifs x", "/a"),
            None
        );
    }
}
