//! Limits that the system puts on this process.
//!
//! What must stay true: a limit is only ever raised, never beyond what the system grants without rights.

use std::io;

/// Raises the number of files and sockets that this process may have open to the most it is granted.
///
/// Returns the limit that now holds; [`u64::MAX`] where there is none that matters (Windows).
pub fn raise_open_files() -> io::Result<u64> {
    platform::raise_open_files()
}

#[cfg(unix)]
mod platform {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use std::io;

    /// macOS refuses a soft limit above its OPEN_MAX even when the hard one has no end.
    #[cfg(target_vendor = "apple")]
    const OPEN_FILES_MAX: Option<u64> = Some(10_240);
    #[cfg(not(target_vendor = "apple"))]
    const OPEN_FILES_MAX: Option<u64> = None;

    pub(super) fn raise_open_files() -> io::Result<u64> {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let soft = current.unwrap_or(u64::MAX);
        let granted = maximum.unwrap_or(u64::MAX);
        let wanted = OPEN_FILES_MAX.map_or(granted, |most| granted.min(most));
        if soft >= wanted {
            return Ok(soft);
        }
        let current = (wanted != u64::MAX).then_some(wanted);
        setrlimit(Resource::Nofile, Rlimit { current, maximum })?;
        Ok(wanted)
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with the platforms that can fail"
    )]
    pub(super) fn raise_open_files() -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_twice_changes_nothing_more() {
        let once = raise_open_files().unwrap();
        assert_eq!(raise_open_files().unwrap(), once);
        assert!(once >= 256);
    }
}
