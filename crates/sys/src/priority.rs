//! Leaving processor and disk to others.
//!
//! What must stay true: a process that went to the background still gets what nobody else wants.

use std::io;

/// Takes processor time, and the disk's, only where others leave it, for the whole process: call it before any
/// thread is started, for on Linux it holds for those that are started later.
///
/// Windows: `PROCESS_MODE_BACKGROUND_BEGIN`. Linux: nice 10, the lowest of the best-effort classes of I/O, and
/// `SCHED_BATCH`; nice 10 alone on other unix systems.
///
/// # Errors
/// What the system says; [`io::ErrorKind::Unsupported`] where there is no such thing.
pub fn background() -> io::Result<()> {
    platform::background()
}

#[cfg(windows)]
mod platform {
    use std::io;

    use windows_sys::Win32::System::Threading::{
        GetCurrentProcess, PROCESS_MODE_BACKGROUND_BEGIN, SetPriorityClass,
    };

    pub(super) fn background() -> io::Result<()> {
        // SAFETY: the handle of the own process is always valid and need not be closed.
        let done = unsafe { SetPriorityClass(GetCurrentProcess(), PROCESS_MODE_BACKGROUND_BEGIN) };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

#[cfg(unix)]
mod platform {
    use std::io;

    const NICE: i32 = 10;

    pub(super) fn background() -> io::Result<()> {
        batch()?;
        // who is nicer already stays so
        if rustix::process::getpriority_process(None)? < NICE {
            rustix::process::setpriority_process(None, NICE)?;
        }
        Ok(())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn batch() -> io::Result<()> {
        /// `IOPRIO_WHO_PROCESS`: with 0 behind it, the calling thread and those that it starts.
        const WHO_PROCESS: libc::c_long = 1;
        /// `IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7)`.
        const BEST_EFFORT_LAST: libc::c_long = (2 << 13) | 7;
        let own: libc::c_long = 0;
        // SAFETY: a struct of numbers, for which zeros are valid.
        let param: libc::sched_param = unsafe { std::mem::zeroed() };
        // SAFETY: `param` outlives the call; 0 names the calling thread.
        let batch = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const param) };
        // SAFETY: the call takes numbers only.
        let ioprio =
            unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, own, BEST_EFFORT_LAST) };
        if batch == 0 && ioprio == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with Linux"
    )]
    fn batch() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use std::io;

    pub(super) fn background() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_that_are_started_later_are_in_the_background_too() {
        // on a thread of its own: the others of this program keep their priority
        let looked = std::thread::spawn(|| {
            background().unwrap();
            std::thread::spawn(|| {
                let nice = rustix::process::getpriority_process(None).unwrap();
                // SAFETY: the call takes a number only.
                let policy = unsafe { libc::sched_getscheduler(0) };
                (nice, policy)
            })
            .join()
            .unwrap()
        });
        let (nice, policy) = looked.join().unwrap();
        assert!(nice >= 10, "{nice}");
        assert_eq!(policy, libc::SCHED_BATCH);
    }

    #[cfg(windows)]
    #[test]
    fn the_process_goes_to_the_background() {
        let went = background();
        if went.is_err() && std::env::var_os("WINEPREFIX").is_some() {
            eprintln!("skipped: wine has no background mode");
            return;
        }
        went.unwrap();
    }
}
