//! Names that not every machine can hold, told before hashing begins.
//!
//! What must stay true: each such name is told, or counted behind the first ones; the cost is a look at
//! each name.

use std::collections::HashMap;
use std::path::Path;

use swarmcopy_layout::{Platform, RelPath};

use super::options::Names;
use crate::{Error, ErrorKind};

/// Names of one kind that are told one by one.
const TOLD_MAX: usize = 20;

/// What was found wrong with names.
#[derive(Debug, Default)]
pub(super) struct NameCheck {
    refused: Kind,
    renamed: Kind,
    folded: Kind,
    /// How a disk that folds names would know each path, and the first path with that.
    keys: HashMap<String, RelPath>,
}

/// The names with one fault.
#[derive(Debug, Default)]
struct Kind {
    told: Vec<String>,
    count: usize,
}

impl Kind {
    fn add(&mut self, told: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(told());
        }
    }

    fn sentences(self) -> impl Iterator<Item = String> {
        let more = self.count.saturating_sub(self.told.len());
        let more = (more > 0).then(|| format!("and {more} more such names"));
        self.told.into_iter().chain(more)
    }
}

impl NameCheck {
    /// Notes that what lies at `path` can't be held by a torrent.
    pub(super) fn refuse(&mut self, path: &Path, why: &str) {
        self.refused
            .add(|| format!("left out {}: {why}", path.display()));
    }

    /// Looks whether Windows can hold the path.
    pub(super) fn look(&mut self, rel: &RelPath) {
        let stored = rel.to_path(Platform::Windows);
        if stored.file_name().is_some_and(|name| name != rel.name()) {
            let name = stored.file_name().unwrap_or_default().display();
            self.renamed
                .add(|| format!("{rel}: Windows can hold it only under the name {name}"));
        }
        let key = if rel.as_str().is_ascii() && stored == Path::new(rel.as_str()) {
            rel.as_str().to_ascii_lowercase()
        } else {
            rel.fold_key(Platform::Windows)
        };
        match self.keys.entry(key) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(rel.clone());
            }
            std::collections::hash_map::Entry::Occupied(taken) => {
                let first = taken.get();
                self.folded.add(|| {
                    format!("{first} and {rel}: Windows takes both for one, and refuses the copy")
                });
            }
        }
    }

    /// Adds what was found to the warnings, or fails with it.
    pub(super) fn tell(self, names: Names, warnings: &mut Vec<String>) -> Result<(), Error> {
        let found = self.refused.sentences().chain(self.renamed.sentences());
        let found: Vec<String> = found.chain(self.folded.sentences()).collect();
        if names == Names::Strict && !found.is_empty() {
            let message = format!(
                "names that not every machine can hold: {}",
                found.join("; ")
            );
            return Err(Error::new(ErrorKind::Failed, message)
                .with_hint("rename them, leave them out with `exclude`, or set `names` to keep"));
        }
        warnings.extend(found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_cannot_hold_are_told_and_strict_refuses_them() {
        let look = || {
            let mut check = NameCheck::default();
            for path in ["a:b", "Docs", "docs", "plain"] {
                check.look(&RelPath::parse(path).unwrap());
            }
            check
        };
        let mut warnings = Vec::new();
        look().tell(Names::Keep, &mut warnings).unwrap();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("a%3Ab") && warnings[1].contains("docs"));
        let error = look().tell(Names::Strict, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("a:b"), "{error}");
    }

    #[test]
    fn many_names_are_counted_behind_the_first() {
        let mut check = NameCheck::default();
        for at in 0..TOLD_MAX + 5 {
            check.look(&RelPath::parse(&format!("a:{at}")).unwrap());
        }
        let mut warnings = Vec::new();
        check.tell(Names::Keep, &mut warnings).unwrap();
        assert_eq!(warnings.len(), TOLD_MAX + 1);
        assert_eq!(warnings.last().unwrap(), "and 5 more such names");
    }
}
