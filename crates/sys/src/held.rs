//! Files that another program holds for a moment: virus scanners, indexers and backups open what was just written.
//!
//! What must stay true: only Windows refuses for such a reason, so elsewhere nothing is tried twice; the last error
//! is the caller's, in words that name the cause where the system's would puzzle.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::retry::retry;

/// How long a refusal is taken for one that passes.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// The first pause; each is twice as long as the one before.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(320);

/// Whether `error` says that another program holds the file, or a part of it, so that it may be had later.
pub fn is_held(error: &io::Error) -> bool {
    error.kind() == ErrorKind::ResourceBusy || platform::is_held(error)
}

/// Opens, renames or removes by `act`, again for [`PATIENCE`] while the system refuses as it does for files that
/// others hold: access denied (5), sharing violation (32), lock violation (33), mapped section open (1224).
///
/// Blocks meanwhile. A file that stays held is told as [`ErrorKind::ResourceBusy`].
pub fn patiently<T>(act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    retried(act, platform::may_pass, sleep).map_err(told)
}

/// Renames as [`std::fs::rename`] does, under [`patiently`].
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(|| retry(|| fs::rename(from, to)))
}

/// Removes a file as [`std::fs::remove_file`] does, under [`patiently`].
pub fn remove_file(path: &Path) -> io::Result<()> {
    patiently(|| retry(|| fs::remove_file(path)))
}

/// Removes an empty folder as [`std::fs::remove_dir`] does, under [`patiently`].
pub fn remove_dir(path: &Path) -> io::Result<()> {
    patiently(|| retry(|| fs::remove_dir(path)))
}

fn retried<T>(
    mut act: impl FnMut() -> io::Result<T>,
    may_pass: fn(&io::Error) -> bool,
    mut pause: impl FnMut(Duration),
) -> io::Result<T> {
    let (mut left, mut next) = (PATIENCE, PAUSE_MIN);
    loop {
        match act() {
            Err(error) if !left.is_zero() && may_pass(&error) => {
                let length = next.min(left);
                pause(length);
                left = left.saturating_sub(length);
                next = (next * 2).min(PAUSE_MAX);
            }
            done => return done,
        }
    }
}

/// The error in words of one language.
fn told(error: io::Error) -> io::Error {
    if platform::is_held(&error) {
        io::Error::new(ErrorKind::ResourceBusy, "another program holds it")
    } else {
        error
    }
}

#[cfg(windows)]
mod platform {
    use std::io;

    use windows_sys::Win32::Foundation::{
        ERROR_ACCESS_DENIED, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, ERROR_USER_MAPPED_FILE,
    };

    pub(super) fn is_held(error: &io::Error) -> bool {
        [
            ERROR_SHARING_VIOLATION,
            ERROR_LOCK_VIOLATION,
            ERROR_USER_MAPPED_FILE,
        ]
        .into_iter()
        .any(|code| is(error, code))
    }

    /// A file that is being removed, or renamed over, is refused as one that may not be had.
    pub(super) fn may_pass(error: &io::Error) -> bool {
        is_held(error) || is(error, ERROR_ACCESS_DENIED)
    }

    fn is(error: &io::Error, code: u32) -> bool {
        error
            .raw_os_error()
            .and_then(|code| u32::try_from(code).ok())
            == Some(code)
    }
}

#[cfg(not(windows))]
mod platform {
    use std::io;

    pub(super) fn is_held(_error: &io::Error) -> bool {
        false
    }

    pub(super) fn may_pass(_error: &io::Error) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_busy(error: &io::Error) -> bool {
        error.kind() == ErrorKind::ResourceBusy
    }

    /// Acts on what is held for so many tries; the result and the pauses.
    fn held_for(tries: usize) -> (io::Result<usize>, Vec<Duration>) {
        let (mut count, mut pauses) = (0, Vec::new());
        let act = || {
            count += 1;
            if count > tries {
                Ok(count)
            } else {
                Err(ErrorKind::ResourceBusy.into())
            }
        };
        let done = retried(act, is_busy, |length| pauses.push(length));
        (done, pauses)
    }

    #[test]
    fn what_is_held_for_a_moment_is_had_then() {
        let (done, pauses) = held_for(3);
        assert_eq!(done.unwrap(), 4);
        assert_eq!(pauses, [10, 20, 40].map(Duration::from_millis));
    }

    #[test]
    fn what_stays_held_is_given_up_after_two_seconds() {
        let (done, pauses) = held_for(usize::MAX);
        assert_eq!(done.unwrap_err().kind(), ErrorKind::ResourceBusy);
        assert_eq!(pauses.iter().sum::<Duration>(), PATIENCE);
    }

    #[test]
    fn other_errors_are_told_at_once() {
        let missing = || io::Result::<()>::Err(ErrorKind::NotFound.into());
        let done = retried(missing, is_busy, |_| panic!("no pause"));
        assert_eq!(done.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_somebody_shares_with_nobody_is_held() {
        use std::os::windows::fs::OpenOptionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held");
        let mut options = std::fs::File::options();
        let holder = options.write(true).create(true).share_mode(0).open(&path);
        let mut holder = Some(holder.unwrap());
        let open = || std::fs::File::open(&path);
        assert!(is_held(&open().unwrap_err()));
        assert!(is_held(&told(open().unwrap_err())));
        let opened = retried(open, platform::may_pass, |_| drop(holder.take()));
        assert!(opened.is_ok());
    }
}
