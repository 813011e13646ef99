//! Checks that the parts of a table fit together and the files of its torrent.
//!
//! What must stay true: whatever passes can be put on a disk below one folder: no path has a file or
//! a link in its way, none stands twice, no link leaves the tree or leads through another.

use std::cmp::Ordering;

use super::columns::Problem;
use super::fault::{fault, is_stored};
use super::resolve::resolve;
use super::table::{HardLink, Tree};
use crate::metainfo::error::MetainfoError;
use crate::metainfo::file::File;

const IN_THE_WAY: Problem = "holds a path with a file in its way";

/// Checks a table that was read.
pub(super) fn check(tree: &Tree, files: &[File]) -> Result<(), MetainfoError> {
    let taken = Taken::new(files);
    let folders: Vec<&str> = tree.folders.iter().map(|f| f.path.as_str()).collect();
    let links: Vec<&str> = tree.links.iter().map(|link| link.path.as_str()).collect();
    check_paths(&folders, &taken).map_err(|problem| fault("folders", problem))?;
    check_paths(&links, &taken).map_err(|problem| fault("links", problem))?;
    for link in &links {
        check_free(link, &folders, &links, &taken).map_err(|problem| fault("links", problem))?;
    }
    for (at, link) in tree.links.iter().enumerate() {
        let is_link = |path: &str| find(&links, path).is_ok();
        if let Err(why) = resolve(&link.path, &link.target, &is_link) {
            return Err(fault(&format!("links[{at}].target"), why.problem()));
        }
    }
    check_hard_links(&tree.hard_links, files).map_err(|problem| fault("hard links", problem))
}

/// Compares two paths name by name.
fn order(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

fn find(sorted: &[&str], path: &str) -> Result<usize, usize> {
    sorted.binary_search_by(|other| order(other, path))
}

/// Whether `path` lies below the folder `above`.
fn is_below(path: &str, above: &str) -> bool {
    let rest = path.strip_prefix(above);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// The paths of all files, sorted by their names.
struct Taken<'a>(Vec<Vec<&'a str>>);

impl<'a> Taken<'a> {
    fn new(files: &'a [File]) -> Self {
        let named = files.iter().filter(|file| is_stored(file));
        let mut paths: Vec<Vec<&str>> = named.map(|file| file.disk_path().collect()).collect();
        paths.sort_unstable();
        Self(paths)
    }

    fn find(&self, path: &str) -> Result<usize, usize> {
        let names = |file: &Vec<&str>| file.iter().copied().cmp(path.split('/'));
        self.0.binary_search_by(names)
    }

    /// Whether a file lies below `path`.
    fn is_above_file(&self, path: &str) -> bool {
        let at = self.find(path).unwrap_or_else(|at| at);
        let next = self.0.get(at);
        next.is_some_and(|file| {
            let mut names = file.iter().copied();
            path.split('/').all(|name| names.next() == Some(name)) && names.next().is_some()
        })
    }
}

/// Refuses paths out of order, and those at or below a file.
fn check_paths(paths: &[&str], taken: &Taken<'_>) -> Result<(), Problem> {
    let mut before = "";
    for path in paths {
        if !before.is_empty() && order(before, path) != Ordering::Less {
            return Err("holds a path twice or out of order");
        }
        let slashes = path.match_indices('/').map(|(at, _)| at);
        for end in slashes.chain([path.len()]) {
            let part = path.get(..end).unwrap_or_default();
            // what the path before shares is looked at already
            if before != part && !is_below(before, part) && taken.find(part).is_ok() {
                return Err(IN_THE_WAY);
            }
        }
        before = path;
    }
    Ok(())
}

/// Refuses a link in the place of a folder, or with something below it.
fn check_free(
    link: &str,
    folders: &[&str],
    links: &[&str],
    taken: &Taken<'_>,
) -> Result<(), Problem> {
    let above = |sorted: &[&str]| {
        let at = find(sorted, link).map_or_else(|at| at, |at| at.saturating_add(1));
        sorted.get(at).is_some_and(|next| is_below(next, link))
    };
    if find(folders, link).is_ok() {
        return Err("holds the path of a folder");
    }
    if above(folders) || above(links) || taken.is_above_file(link) {
        return Err("holds a link with something below it");
    }
    Ok(())
}

fn check_hard_links(links: &[HardLink], files: &[File]) -> Result<(), Problem> {
    let lens: Vec<u64> = match links {
        [] => return Ok(()),
        _ => files
            .iter()
            .filter(|file| is_stored(file))
            .map(|file| file.len)
            .collect(),
    };
    let len = |file: u32| usize::try_from(file).ok().and_then(|at| lens.get(at));
    let mut before = None;
    for link in links {
        if before.is_some_and(|before| before >= link.file) {
            return Err("holds a file twice or out of order");
        }
        let same = len(link.file).is_some() && len(link.file) == len(link.first);
        if !same || link.file == link.first {
            return Err("holds a file that does not exist or has another length");
        }
        let is_link = links.binary_search_by_key(&link.first, |other| other.file);
        if is_link.is_ok() {
            return Err("holds a link to a file that is a link itself");
        }
        before = Some(link.file);
    }
    Ok(())
}
