//! Compares a copy with the original, byte by byte.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use swarmcopy_sys::fs::metadata_of;

const CHUNK_LEN: usize = 1 << 20;

/// Whether `copy` is the same file, or the same tree of files, as `original`. Blocks.
pub(crate) fn same(original: &Path, copy: &Path) -> io::Result<bool> {
    if original.is_dir() {
        if !copy.is_dir() {
            return Ok(false);
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(original)? {
            names.push(entry?.file_name());
        }
        for name in &names {
            let (a, b) = (original.join(name), copy.join(name));
            // folders without files are not part of a content
            if !same(&a, &b)? && !is_bare(&a)? {
                return Ok(false);
            }
        }
        for entry in std::fs::read_dir(copy)? {
            if !names.contains(&entry?.file_name()) {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if !copy.is_file() {
        return Ok(false);
    }
    same_bytes(original, copy)
}

/// Whether `path` is a folder in which no file lies.
fn is_bare(path: &Path) -> io::Result<bool> {
    if !path.is_dir() {
        return Ok(false);
    }
    for entry in std::fs::read_dir(path)? {
        if !is_bare(&entry?.path())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_bytes(original: &Path, copy: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (File::open(original)?, File::open(copy)?);
    if metadata_of(&a)?.len() != metadata_of(&b)?.len() {
        return Ok(false);
    }
    let (mut x, mut y) = (vec![0; CHUNK_LEN], vec![0; CHUNK_LEN]);
    loop {
        let read = a.read(&mut x)?;
        let (Some(x), Some(y)) = (x.get(..read), y.get_mut(..read)) else {
            return Ok(false);
        };
        if read == 0 {
            return Ok(true);
        }
        b.read_exact(y)?;
        if x != y {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_byte_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for top in ["a", "b"] {
            std::fs::create_dir_all(path(top).join("x/y")).unwrap();
            std::fs::write(path(top).join("x/y/z"), [7; 3000]).unwrap();
        }
        assert!(same(&path("a"), &path("b")).unwrap());
        std::fs::create_dir(path("a/bare")).unwrap();
        assert!(same(&path("a"), &path("b")).unwrap());
        std::fs::write(path("b/x/extra"), []).unwrap();
        assert!(!same(&path("a"), &path("b")).unwrap());
        std::fs::remove_file(path("b/x/extra")).unwrap();
        std::fs::rename(path("b/x/y"), path("moved")).unwrap();
        assert!(!same(&path("a"), &path("b")).unwrap());
        std::fs::rename(path("moved"), path("b/x/y")).unwrap();
        let mut bytes = [7; 3000];
        bytes[2999] = 8;
        std::fs::write(path("b/x/y/z"), bytes).unwrap();
        assert!(!same(&path("a"), &path("b")).unwrap());
    }
}
