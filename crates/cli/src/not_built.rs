//! Flags that are planned and not built: refused with a sentence, never ignored.

use swarmcopy::{Error, ErrorKind};

/// The error for a thing that is not built.
pub(crate) fn not_built(what: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{what} is not built yet"))
}

/// Fails with the first of the flags that was given.
pub(crate) fn refuse(flags: &[(bool, &str)]) -> Result<(), Error> {
    match flags.iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(not_built(flag)),
        None => Ok(()),
    }
}
