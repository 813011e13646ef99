//! Under which of its names a file of a tree is looked for where somebody made or copied that tree.
//!
//! A tree that was made lies there under the names that were given, a copy of ours under those by which a disk
//! stores them. One file's given name may be the stored name of another: a copy of `CON` and `%43ON` has a
//! `%43ON`, which is `CON`. What must stay true: no two files of a tree are looked for at one place, and a
//! name that is nobody else's costs nothing but a look into a map.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::stored::fold;
use crate::{Platform, RelPath};

/// Most names that are followed from one to the next: `CON`, `%43ON`, `%2543ON` and so on.
const STEPS_MAX: usize = 128;

/// The names of a tree's files that a disk stores under others.
#[derive(Debug, Clone)]
pub struct FoundNames {
    platform: Platform,
    /// By the name under which it is stored: the file, if that is not the name that was given.
    stored: BTreeMap<String, RelPath>,
}

impl FoundNames {
    /// Takes the paths of all files of a tree.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a RelPath>, platform: Platform) -> Self {
        let mut stored = BTreeMap::new();
        for path in paths {
            // on unix only a name that is no plain one is stored under another
            if platform == Platform::Unix && path.given_names().is_none() {
                continue;
            }
            let under = path.to_path(platform);
            let is_given = path.given_names().is_none() && under == Path::new(path.as_str());
            if let (false, Some(key)) = (is_given, key(&under, platform)) {
                stored.insert(key, path.clone());
            }
        }
        Self { platform, stored }
    }

    /// The paths under which the file `path` of this tree may lie, the likeliest first: those of
    /// [`RelPath::source_paths`], without one that belongs to another file. `is_there` tells whether
    /// something lies at a path; it is asked only where a name is that of two files.
    pub fn paths(&self, path: &RelPath, is_there: &mut dyn FnMut(&Path) -> bool) -> Vec<PathBuf> {
        let mut paths = path.source_paths(self.platform);
        if paths.len() > 1 && self.is_taken(path, is_there) {
            paths.remove(0);
        }
        paths
    }

    /// Whether another file is stored under the name that was given for `path`. It is, unless it lies there
    /// under its own given name, which in turn may be that under which a third one is stored.
    fn is_taken(&self, path: &RelPath, is_there: &mut dyn FnMut(&Path) -> bool) -> bool {
        let mut path = path;
        for _ in 0..STEPS_MAX {
            let paths = path.source_paths(self.platform);
            let given = paths.first().filter(|_| paths.len() > 1);
            let given = given.and_then(|given| key(given, self.platform));
            let owner = given.and_then(|given| self.stored.get(&given));
            let Some(owner) = owner.filter(|owner| *owner != path) else {
                return false;
            };
            match owner.source_paths(self.platform).as_slice() {
                [given, _, ..] if is_there(given) => path = owner,
                _ => return true,
            }
        }
        true
    }
}

/// How a disk of `platform` knows a path.
fn key(path: &Path, platform: Platform) -> Option<String> {
    let names: Option<Vec<&str>> = path.iter().map(|name| name.to_str()).collect();
    let names = names?.join("/");
    Some(match platform {
        Platform::Unix => names,
        Platform::Windows => fold(&names),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn paths(names: &[&str]) -> Vec<RelPath> {
        let parse = |name: &&str| RelPath::parse(name).unwrap();
        names.iter().map(parse).collect()
    }

    /// Where each file is found on a disk of Windows that holds these names.
    fn found(names: &[&str], disk: &[&str]) -> Vec<Option<String>> {
        let paths = paths(names);
        let map = FoundNames::new(&paths, Platform::Windows);
        let disk: BTreeSet<PathBuf> = disk.iter().map(PathBuf::from).collect();
        let place = |path: &RelPath| {
            let mut places = map.paths(path, &mut |at| disk.contains(at)).into_iter();
            let place = places.find(|at| disk.contains(at))?;
            Some(place.to_str().unwrap().replace('\\', "/"))
        };
        paths.iter().map(place).collect()
    }

    fn some(names: &[&str]) -> Vec<Option<String>> {
        names.iter().map(|name| Some((*name).to_owned())).collect()
    }

    #[test]
    fn a_copy_is_looked_for_under_stored_names_where_given_ones_are_those_of_others() {
        let names = ["CON", "%43ON", "%2543ON", "a?", "a%3F", "CON/x", "%43ON/x"];
        let copy = [
            "%43ON",
            "%2543ON",
            "%252543ON",
            "a%3F",
            "a%253F",
            "%43ON/x",
            "%2543ON/x",
        ];
        assert_eq!(found(&names, &copy), some(&copy));
    }

    #[test]
    fn the_tree_itself_is_looked_for_under_its_own_names() {
        let names = ["CON", "%43ON", "%2543ON", "trail.", "trail%2E"];
        assert_eq!(found(&names, &names), some(&names));
    }

    #[test]
    fn what_lacks_is_not_taken_for_another_file() {
        let there = |name: &str| Some(name.to_owned());
        assert_eq!(found(&["CON", "%43ON"], &["%43ON"]), [there("%43ON"), None]);
        assert_eq!(
            found(&["CON", "%43ON"], &["%2543ON"]),
            [None, there("%2543ON")]
        );
        // what Windows can't have under its own name lies there as a copy of ours has it
        assert_eq!(found(&["a?", "a%3F"], &["a%3F"]), [there("a%3F"), None]);
        // letters of either size are one name
        assert_eq!(found(&["con", "%63ON"], &["%63ON"])[1], None);
    }

    #[test]
    fn names_that_are_those_of_each_other_come_to_an_end() {
        let swapped = |plain: &str, given: &str| {
            let path = RelPath::parse(plain).unwrap();
            path.with_given([given.as_bytes()])
        };
        let paths = [swapped("x", "y"), swapped("y", "x")];
        let map = FoundNames::new(&paths, Platform::Unix);
        let places = map.paths(&paths[0], &mut |_| true);
        assert_eq!(places, [PathBuf::from("x")]);
    }
}
