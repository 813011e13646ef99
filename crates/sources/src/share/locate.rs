//! Finding a content in a folder: the location may contain it or be it.
//!
//! What must stay true: looking may hang with the server of the location, so it is nothing for a thread that others
//! wait for.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use swarmcopy_layout::{FileEntry, Layout, Platform, RelPath};

use super::identity;
use super::places::{self, Places};
use crate::Shape;

/// How many files of the content are looked for in each candidate.
const PROBES: usize = 8;

/// Why no share was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// The location is not there.
    #[error("the share {path} is not there")]
    Absent {
        /// The location.
        path: PathBuf,
    },
    /// The location can't be looked at.
    #[error("cannot open the share {path}: {what}")]
    Unreachable {
        /// The location.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// The location is there, but the content is not in it.
    #[error("{path} neither contains nor is {name}")]
    NotThere {
        /// The location.
        path: PathBuf,
        /// The content.
        name: String,
    },
    /// Nobody says what is at the location.
    #[error("the share {path} does not answer")]
    Silent {
        /// The location.
        path: PathBuf,
    },
}

/// Where the content lies.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) root: PathBuf,
    pub(super) identity: String,
}

/// Looks for `name` at `location`. May hang with its server.
pub(super) fn find(
    location: &Path,
    name: &RelPath,
    shape: Shape,
    layout: &Layout,
) -> Result<Found, ShareError> {
    let unreachable = |error: std::io::Error| {
        let path = location.to_path_buf();
        match error.kind() {
            ErrorKind::NotFound => ShareError::Absent { path },
            _ => ShareError::Unreachable {
                path,
                what: crate::share::read::plain_words(&error),
            },
        }
    };
    let location = std::path::absolute(location).map_err(unreachable)?;
    std::fs::metadata(&location).map_err(unreachable)?;
    let not_there = || ShareError::NotThere {
        path: location.clone(),
        name: name.to_string(),
    };
    let names = name.source_paths(Platform::HERE);
    let is_itself = names.iter().any(|name| location.ends_with(name));
    let inside = places::of_content(&location, name);
    let inside = inside
        .into_iter()
        .find(|path| has_shape(path, shape))
        .map(|path| (probe(&path, shape, layout), path));
    let itself =
        has_shape(&location, shape).then(|| (probe(&location, shape, layout), location.clone()));
    let itself = itself.filter(|(found, _)| *found > 0 || is_itself);
    let root = match (inside, itself) {
        (Some(inside), Some(itself)) if itself.0 > inside.0 => itself.1,
        (Some(inside), _) => inside.1,
        (None, Some(itself)) => itself.1,
        (None, None) => return Err(not_there()),
    };
    let identity = identity::of(&root);
    Ok(Found { root, identity })
}

fn has_shape(path: &Path, shape: Shape) -> bool {
    std::fs::metadata(path).is_ok_and(|there| match shape {
        Shape::File => there.is_file(),
        Shape::Tree => there.is_dir(),
    })
}

/// How many of some files of the content lie below `root` with the right length.
fn probe(root: &Path, shape: Shape, layout: &Layout) -> usize {
    let files: Vec<&FileEntry> = layout
        .files()
        .map(|(_, file)| file)
        .filter(|file| !file.attributes().pad)
        .collect();
    let step = files.len().div_ceil(PROBES).max(1);
    let places = Places::new(root.to_path_buf(), shape, layout);
    let fits = |file: &&FileEntry| {
        let there = places::first(&places.of_file(file.path()), |path| std::fs::metadata(path));
        there.is_ok_and(|there| there.is_file() && there.len() == file.len())
    };
    files
        .iter()
        .step_by(step)
        .map(|file| usize::from(fits(file)))
        .sum()
}
