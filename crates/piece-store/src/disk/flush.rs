//! Synchronising many files, several at a time: each waits for the disk, which serves many as fast as one.
//!
//! What must stay true: when it returns without an error, all files were synchronised.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Files that are not worth a thread more.
const FILES_EACH: usize = 8;
const THREADS_MAX: usize = 16;

/// Does `sync` to each of `paths`; the first error ends it.
pub(super) fn each(
    paths: &[PathBuf],
    sync: &(dyn Fn(&Path) -> io::Result<()> + Sync),
) -> io::Result<()> {
    let threads = paths.len().div_ceil(FILES_EACH).min(THREADS_MAX);
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            sync(path).inspect_err(|_| next.store(paths.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let start = || thread::Builder::new().spawn_scoped(scope, work);
        // fewer threads than wanted will do
        let others: Vec<_> = (1..threads).map_while(|_| start().ok()).collect();
        let own = work();
        let lost = || Err(io::Error::other("a thread that synchronises files ended"));
        others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|_| lost()))
            .fold(own, io::Result::and)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::{Barrier, Mutex};

    fn paths(count: usize) -> Vec<PathBuf> {
        (0..count).map(|at| at.to_string().into()).collect()
    }

    #[test]
    fn every_file_is_synchronised_once_and_several_at_a_time() {
        let (paths, seen) = (paths(FILES_EACH * THREADS_MAX), Mutex::default());
        // passes only when all threads are at work
        let all = Barrier::new(THREADS_MAX);
        each(&paths, &|path| {
            let fresh = seen
                .lock()
                .map(|mut seen: std::sync::MutexGuard<'_, BTreeSet<_>>| {
                    seen.insert(path.to_owned())
                });
            assert!(fresh.unwrap());
            all.wait();
            Ok(())
        })
        .unwrap();
        assert_eq!(seen.lock().unwrap().len(), paths.len());
    }

    #[test]
    fn one_error_is_told() {
        let failed = each(&paths(100), &|path| match path.to_str() {
            Some("70") => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
