//! Where a user's logins of web servers stand, unless a flag says so.
//!
//! What must stay true: the environment's word counts before the home folder, and a file that cannot be read is
//! none: nobody asked for it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the file is called here, the first that is there counts.
const NAMES: &[&str] = if cfg!(windows) {
    &["_netrc", ".netrc"]
} else {
    &[".netrc"]
};

/// `$NETRC`, else the file in the home folder, where it can be read.
pub(crate) fn find() -> Option<PathBuf> {
    chosen(std::env::var_os("NETRC"), std::env::home_dir().as_deref())
}

fn chosen(named: Option<OsString>, home: Option<&Path>) -> Option<PathBuf> {
    let readable = |path: &PathBuf| std::fs::File::open(path).is_ok();
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named)).filter(readable);
    }
    let home = home?;
    NAMES.iter().map(|name| home.join(name)).find(readable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_counts_before_the_home_folder() {
        let home = tempfile::tempdir().unwrap();
        let (own, named) = (home.path().join(NAMES[0]), home.path().join("logins"));
        assert_eq!(chosen(None, Some(home.path())), None);
        std::fs::write(&own, "").unwrap();
        assert_eq!(chosen(None, Some(home.path())), Some(own.clone()));
        assert_eq!(chosen(Some("".into()), Some(home.path())), Some(own));
        let gone = Some(named.clone().into_os_string());
        assert_eq!(chosen(gone.clone(), Some(home.path())), None);
        std::fs::write(&named, "").unwrap();
        assert_eq!(chosen(gone, Some(home.path())), Some(named));
        assert_eq!(chosen(None, None), None);
    }
}
