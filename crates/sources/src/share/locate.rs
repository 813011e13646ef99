//! Finding a content in a folder: the location may contain it or be it.
//!
//! What must stay true: looking happens on an own thread with a deadline, because the location may lie on
//! a dead server.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{FileEntry, Layout, Platform, RelPath};

use super::{identity, places};
use crate::Shape;

/// How long a location may take to be looked at.
pub(super) const LOCATE_TIMEOUT: Duration = Duration::from_secs(20);
/// How many files of the content are looked for in each candidate.
const PROBES: usize = 8;

/// Why no share was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// The location is not there or may not be read.
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
    /// The location did not answer in time.
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

/// Looks for `name` at `location`.
pub(super) async fn locate(
    location: &Path,
    name: &RelPath,
    shape: Shape,
    layout: Arc<Layout>,
) -> Result<Found, ShareError> {
    let path = location.to_path_buf();
    let unreachable = {
        let path = path.clone();
        move |what: String| ShareError::Unreachable { path, what }
    };
    let (reply, answer) = tokio::sync::oneshot::channel();
    let (look_at, name) = (path.clone(), name.clone());
    let look = move || {
        // nobody waits any more once the deadline has passed
        let _ = reply.send(find(&look_at, &name, shape, &layout));
    };
    std::thread::Builder::new()
        .name("share-locate".to_owned())
        .spawn(look)
        .map_err(|error| unreachable(error.to_string()))?;
    match tokio::time::timeout(LOCATE_TIMEOUT, answer).await {
        Ok(Ok(found)) => found,
        _ => Err(ShareError::Silent { path }),
    }
}

fn find(
    location: &Path,
    name: &RelPath,
    shape: Shape,
    layout: &Layout,
) -> Result<Found, ShareError> {
    let unreachable = |error: std::io::Error| ShareError::Unreachable {
        path: location.to_path_buf(),
        what: crate::share::read::plain_words(&error),
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
    let fits = |file: &&FileEntry| {
        let there = places::first(&places::of_file(root, shape, file.path()), |path| {
            std::fs::metadata(path)
        });
        there.is_ok_and(|there| there.is_file() && there.len() == file.len())
    };
    files
        .iter()
        .step_by(step)
        .map(|file| usize::from(fits(file)))
        .sum()
}

impl ShareError {
    /// Whether the location may answer later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Silent { .. } => true,
            Self::Unreachable { what, .. } => *what != ErrorKind::NotFound.to_string(),
            Self::NotThere { .. } => false,
        }
    }
}
