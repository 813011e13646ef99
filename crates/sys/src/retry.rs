//! Calls that are made again while the system asks for that: the one place where this is done.
//!
//! What must stay true: no call is made again for ever. An interrupted call is repeated at once some times;
//! whatever else passes by itself (a program that runs, a device that is busy) is waited for. After
//! [`PATIENCE`] the error is told. What scanners and indexers hold on Windows: see [`held`](crate::held).

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// How long a trouble may last that passes by itself.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// Interruptions after which a call is repeated without a pause.
const AT_ONCE_MAX: u32 = 100;
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Makes a call until it works, fails for good, or [`PATIENCE`] has run out. Blocks meanwhile.
///
/// # Errors
/// The last error of the call.
pub fn retry<T>(call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut since: Option<Instant> = None;
    let waits = |pause| {
        let since = *since.get_or_insert_with(Instant::now);
        let patient = since.elapsed() < PATIENCE;
        if patient {
            std::thread::sleep(pause);
        }
        patient
    };
    retry_with(call, waits)
}

/// The same where `waits` lets time pass and tells whether there is some left.
fn retry_with<T>(
    mut call: impl FnMut() -> io::Result<T>,
    mut waits: impl FnMut(Duration) -> bool,
) -> io::Result<T> {
    let (mut interrupted, mut pause) = (0, PAUSE_MIN);
    loop {
        let error = match call() {
            Err(error) if is_passing(&error) => error,
            done => return done,
        };
        if error.kind() == ErrorKind::Interrupted && interrupted < AT_ONCE_MAX {
            interrupted += 1;
            continue;
        }
        if !waits(pause) {
            return Err(error);
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Whether a trouble passes by itself.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::ExecutableFileBusy
    )
}

/// Whether no more files can be opened, here or on the whole machine.
pub fn is_out_of_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [libc::EMFILE, libc::ENFILE];
    #[cfg(not(unix))]
    let codes = [4]; // ERROR_TOO_MANY_OPEN_FILES
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails `times` times with `kind`, then works; gives the result, the calls and the pauses.
    fn tried(kind: ErrorKind, times: usize, pauses_max: usize) -> (io::Result<()>, usize, usize) {
        let (mut calls, mut pauses) = (0, 0);
        let done = retry_with(
            || {
                calls += 1;
                if calls <= times {
                    Err(kind.into())
                } else {
                    Ok(())
                }
            },
            |_| {
                pauses += 1;
                pauses <= pauses_max
            },
        );
        (done, calls, pauses)
    }

    #[test]
    fn an_interrupted_call_is_repeated_at_once() {
        let (done, calls, pauses) = tried(ErrorKind::Interrupted, 7, 0);
        assert!(done.is_ok());
        assert_eq!((calls, pauses), (8, 0));
    }

    #[test]
    fn a_call_that_is_interrupted_for_ever_fails() {
        let (done, calls, _) = tried(ErrorKind::Interrupted, usize::MAX, 20);
        assert_eq!(done.unwrap_err().kind(), ErrorKind::Interrupted);
        assert!(calls <= 200, "{calls}");
    }

    #[test]
    fn a_busy_file_is_waited_for_and_a_full_disk_is_not() {
        let (done, _, pauses) = tried(ErrorKind::ExecutableFileBusy, 3, 10);
        assert!(done.is_ok());
        assert_eq!(pauses, 3);
        let (done, calls, _) = tried(ErrorKind::StorageFull, 3, 10);
        assert_eq!(
            (done.unwrap_err().kind(), calls),
            (ErrorKind::StorageFull, 1)
        );
    }
}
