//! Where this account keeps records of complete copies.

use std::path::PathBuf;

/// The folder: below `$XDG_STATE_HOME` or `~/.local/state`, on Windows below `%LOCALAPPDATA%`.
pub(crate) fn folder() -> Option<PathBuf> {
    let of = |name| std::env::var_os(name).map(PathBuf::from);
    let state = if cfg!(windows) {
        of("LOCALAPPDATA")
    } else {
        of("XDG_STATE_HOME").or_else(|| Some(of("HOME")?.join(".local/state")))
    };
    let state = state.filter(|path| path.is_absolute())?;
    Some(state.join("swarmcopy").join("copies"))
}
