//! Hints about how a file will be read.
//!
//! What must stay true: a hint changes speed only; one that the system lacks does nothing.

use std::fs::File;
use std::io;

/// Says that `file` will be read here and there: the system should not read ahead.
pub fn random_access(file: &File) -> io::Result<()> {
    platform::advise(file, platform::RANDOM)
}

/// Says that `file` will be read from front to back: the system should read far ahead.
pub fn sequential(file: &File) -> io::Result<()> {
    platform::advise(file, platform::SEQUENTIAL)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
mod platform {
    use rustix::fs::{Advice, fadvise};
    use std::fs::File;
    use std::io;

    pub(super) const RANDOM: Advice = Advice::Random;
    pub(super) const SEQUENTIAL: Advice = Advice::Sequential;

    pub(super) fn advise(file: &File, advice: Advice) -> io::Result<()> {
        Ok(fadvise(file, 0, None, advice)?)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
mod platform {
    use std::fs::File;
    use std::io;

    pub(super) const RANDOM: () = ();
    pub(super) const SEQUENTIAL: () = ();

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with the platforms that can fail"
    )]
    pub(super) fn advise(_file: &File, _advice: ()) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_file_takes_both_hints() {
        let file = tempfile::tempfile().unwrap();
        random_access(&file).unwrap();
        sequential(&file).unwrap();
    }
}
