//! Finding the files, folders and links of a tree that is to be shared.
//!
//! What must stay true: only what lies inside the tree is found, each under a path that every machine
//! can read; folders that are links are never entered, so the walk ends. What is left out is said in a
//! warning, never silently, unless it was asked for.

use std::fs::{self, DirEntry, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use swarmcopy_bt_wire::metainfo::{Attributes, Folder, Link, ModeOf, plain_path};
use swarmcopy_layout::RelPath;
use swarmcopy_sys::FileId;

use super::links;
use super::names::NameCheck;
use super::options::{Links, Names};
use crate::pattern::Pattern;
use crate::tree::{attributes_of, link_text};
use crate::{Error, ErrorKind};

/// A file that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Where it lies on this disk.
    pub(crate) path: PathBuf,
    /// Its path in the content.
    pub(crate) rel: RelPath,
    /// Its state when it was found.
    pub(crate) stamp: Stamp,
    pub(crate) attributes: Attributes,
    /// The file itself, if it has more names than this.
    pub(crate) shared: Option<FileId>,
}

impl Found {
    /// What `metadata` says of the file at `path`.
    pub(crate) fn new(path: PathBuf, rel: RelPath, metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            rel,
            stamp: Stamp::of(metadata),
            attributes: attributes_of(metadata, ModeOf::File),
            shared: swarmcopy_sys::links::shared_id(&path, metadata)?,
            path,
        })
    }
}

/// What tells that a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its length in bytes.
    pub(crate) len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// All that lies in a tree, and what was left out. Files are unsorted.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) files: Vec<Found>,
    /// Of the top folder.
    pub(crate) root: Attributes,
    /// Sorted by their names.
    pub(crate) folders: Vec<Folder>,
    /// Sorted by their names; each stays in the tree.
    pub(crate) links: Vec<Link>,
    pub(crate) warnings: Vec<String>,
}

/// What is left out on purpose, and how links and names are treated.
#[derive(Debug)]
pub(crate) struct Exclude {
    patterns: Vec<Pattern>,
    paths: Vec<PathBuf>,
    links: Links,
    names: Names,
}

impl Exclude {
    /// Leaves out what a pattern matches, by its whole path or by any name in it, and the `paths`
    /// (as they are below the canonical root).
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] naming a pattern that can't be read.
    pub(crate) fn new(patterns: &[String], paths: Vec<PathBuf>) -> Result<Self, Error> {
        Ok(Self {
            patterns: crate::select::patterns(patterns)?,
            paths,
            links: Links::default(),
            names: Names::default(),
        })
    }

    /// The same with these ways to treat links and names.
    pub(crate) fn with(self, links: Links, names: Names) -> Self {
        Self {
            links,
            names,
            ..self
        }
    }

    /// A folder that is left out is not entered, so a name further up needs no look.
    fn covers(&self, root: &Path, path: &Path) -> bool {
        let below = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        // patterns part names as addresses do
        let below = below.replace(std::path::MAIN_SEPARATOR, "/");
        let name = below.rsplit('/').next().unwrap_or_default();
        let covers = |pattern: &Pattern| pattern.is_match(&below) || pattern.is_match(name);
        self.patterns.iter().any(covers) || self.paths.iter().any(|own| own == path)
    }
}

/// Finds all that lies below the folder `root`, which must be canonical; `found` hears how many files there
/// are so far.
///
/// # Errors
/// When a folder can't be read; with [`Names::Strict`], when a name can't be held by every machine.
pub(crate) fn walk(root: &Path, exclude: &Exclude, found: &dyn Fn(usize)) -> Result<Walk, Error> {
    let metadata = fs::metadata(root).map_err(|error| unreadable(root, &error))?;
    let mut walking = Walking {
        root,
        exclude,
        walk: Walk {
            root: attributes_of(&metadata, ModeOf::Folder),
            ..Walk::default()
        },
        names: NameCheck::default(),
        todo: vec![(root.to_path_buf(), None)],
    };
    while let Some((folder, rel)) = walking.todo.pop() {
        walking.enter(&folder, rel.as_ref())?;
        found(walking.walk.files.len());
    }
    let Walking {
        mut walk, names, ..
    } = walking;
    names.tell(exclude.names, &mut walk.warnings)?;
    walk.folders
        .sort_unstable_by(|a, b| by_names(&a.path, &b.path));
    walk.folders.dedup_by(|a, b| a.path == b.path);
    walk.links
        .sort_unstable_by(|a, b| by_names(&a.path, &b.path));
    links::leave_out(&mut walk.links, &mut walk.warnings);
    Ok(walk)
}

fn by_names(a: &str, b: &str) -> std::cmp::Ordering {
    a.split('/').cmp(b.split('/'))
}

/// A walk under way.
struct Walking<'a> {
    root: &'a Path,
    exclude: &'a Exclude,
    walk: Walk,
    names: NameCheck,
    todo: Vec<(PathBuf, Option<RelPath>)>,
}

impl Walking<'_> {
    fn enter(&mut self, folder: &Path, rel: Option<&RelPath>) -> Result<(), Error> {
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
            let entry = entry.map_err(|error| unreadable(folder, &error))?;
            let path = entry.path();
            // before its name is looked at: what is left out may be called as it likes
            if self.exclude.covers(self.root, &path) {
                continue;
            }
            let Some(rel) = self.below(rel, &entry, &path) else {
                continue;
            };
            self.names.look(&rel);
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(&path, &error))?;
            let taken = self.take(path, rel, kind);
            taken.map_err(|error| unreadable(&entry.path(), &error))?;
            check_count(&self.walk)?;
        }
        Ok(())
    }

    /// The path of `entry` in the content; none if a torrent can't hold its name.
    fn below(
        &mut self,
        folder: Option<&RelPath>,
        entry: &DirEntry,
        path: &Path,
    ) -> Option<RelPath> {
        let os_name = entry.file_name();
        let names = || folder.into_iter().flat_map(RelPath::names);
        let fault = match os_name.to_str() {
            None => "its name is not UTF-8".to_owned(),
            Some(name) => match RelPath::from_names(names().chain([name])) {
                Ok(rel) => return Some(rel),
                Err(error) => error.to_string(),
            },
        };
        self.names.refuse(path, &fault);
        None
    }

    fn take(&mut self, path: PathBuf, rel: RelPath, kind: FileType) -> io::Result<()> {
        if kind.is_dir() {
            let metadata = fs::symlink_metadata(&path)?;
            // as copies call it, whatever characters its name has here
            if let Some(path) = plain_path(rel.as_str()) {
                self.walk.folders.push(Folder {
                    path,
                    attributes: attributes_of(&metadata, ModeOf::Folder),
                });
            }
            self.todo.push((path, Some(rel)));
        } else if kind.is_symlink() {
            self.take_link(path, rel)?;
        } else if kind.is_file() {
            let metadata = fs::symlink_metadata(&path)?;
            self.walk.files.push(Found::new(path, rel, &metadata)?);
        } else {
            let what = links::special(kind);
            self.walk.warnings.push(format!("left out {rel}: {what}"));
        }
        Ok(())
    }

    fn take_link(&mut self, path: PathBuf, rel: RelPath) -> io::Result<()> {
        let why = match self.exclude.links {
            Links::Skip => "a link",
            Links::Follow => match links::followed(self.root, &path)? {
                links::Followed::File(metadata) => {
                    self.walk.files.push(Found::new(path, rel, &metadata)?);
                    return Ok(());
                }
                links::Followed::Other(why) => why,
            },
            Links::Keep => match link_text(&fs::read_link(&path)?) {
                Some(target) => {
                    self.walk.links.push(links::read(&path, &rel, target)?);
                    return Ok(());
                }
                None => "a link that leaves the tree, or is not UTF-8",
            },
        };
        self.walk.warnings.push(format!("left out {rel}: {why}"));
        Ok(())
    }
}

/// What is to be shared can't be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Error {
    let message = format!("cannot read {}: {error}", path.display());
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::Failed,
        _ => ErrorKind::Disk,
    };
    Error::new(kind, message)
}

fn check_count(walk: &Walk) -> Result<(), Error> {
    let most = swarmcopy_layout::FILES_MAX;
    let lens = [
        walk.files.len(),
        walk.folders.len(),
        walk.links.len(),
        walk.warnings.len(),
    ];
    if lens.iter().all(|len| *len <= most) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Failed,
        format!("more than {most} files"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use swarmcopy_bt_wire::metainfo::LinkKind;

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("tree");
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        for (path, bytes) in [
            ("b", "2"),
            ("a", ""),
            ("sub/c.tmp", "3"),
            ("sub/deep/d", "4"),
        ] {
            fs::write(root.join(path), bytes).unwrap();
        }
        (dir, root)
    }

    fn walked(root: &Path, patterns: &[&str]) -> (Vec<String>, Vec<String>) {
        walked_with(root, patterns, Links::Follow)
    }

    fn walked_with(root: &Path, patterns: &[&str], links: Links) -> (Vec<String>, Vec<String>) {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let exclude = Exclude::new(&patterns, Vec::new()).unwrap();
        let exclude = exclude.with(links, Names::Keep);
        let walk = walk(root, &exclude, &|_| ()).unwrap();
        let mut files: Vec<String> = walk.files.iter().map(|f| f.rel.to_string()).collect();
        files.sort();
        (files, walk.warnings)
    }

    #[test]
    fn all_files_are_found_and_empty_ones_too() {
        let (_dir, root) = tree();
        let (files, warnings) = walked(&root, &[]);
        assert_eq!(files, ["a", "b", "sub/c.tmp", "sub/deep/d"]);
        assert!(warnings.is_empty());
    }

    #[test]
    fn a_pattern_matches_a_whole_path_or_any_name() {
        let (_dir, root) = tree();
        assert_eq!(walked(&root, &["*.tmp"]).0, ["a", "b", "sub/deep/d"]);
        assert_eq!(walked(&root, &["deep/"]).0, ["a", "b", "sub/c.tmp"]);
        assert_eq!(walked(&root, &["sub/deep/*"]).0, ["a", "b", "sub/c.tmp"]);
        assert_eq!(walked(&root, &["sub"]).0, ["a", "b"]);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_a_usage_error() {
        let error = Exclude::new(&["a[".to_owned()], Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }

    #[cfg(unix)]
    #[test]
    fn only_links_to_files_inside_are_followed() {
        use std::os::unix::fs::symlink;
        let (dir, root) = tree();
        fs::write(dir.path().join("outside"), "x").unwrap();
        symlink("../b", root.join("sub/to_file")).unwrap();
        symlink("sub", root.join("to_folder")).unwrap();
        symlink("../outside", root.join("leaves")).unwrap();
        symlink("gone", root.join("broken")).unwrap();
        let (files, mut warnings) = walked(&root, &[]);
        warnings.sort();
        assert_eq!(files, ["a", "b", "sub/c.tmp", "sub/deep/d", "sub/to_file"]);
        assert_eq!(
            warnings,
            [
                "left out broken: a link that leads nowhere",
                "left out leaves: a link that leaves the tree",
                "left out to_folder: a link to a folder"
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_that_stay_are_kept_and_others_are_named() {
        use std::os::unix::fs::symlink;
        let (_dir, root) = tree();
        for (target, name) in [
            ("../b", "sub/to_file"),
            ("sub", "to_folder"),
            ("gone", "dangles"),
            ("../outside", "leaves"),
            ("/etc/passwd", "absolute"),
            ("to_folder/c.tmp", "through"),
        ] {
            symlink(target, root.join(name)).unwrap();
        }
        let walk = walk(&root, &Exclude::new(&[], Vec::new()).unwrap(), &|_| ()).unwrap();
        let links = walk
            .links
            .iter()
            .map(|link| (link.path.as_str(), link.target.as_str(), link.kind));
        let expected = [
            ("dangles", "gone", LinkKind::File),
            ("sub/to_file", "../b", LinkKind::File),
            ("to_folder", "sub", LinkKind::Folder),
        ];
        assert!(links.eq(expected), "{:?}", walk.links);
        let named = walk.warnings.join("\n");
        for (name, why) in [
            ("leaves", "leaves the tree"),
            ("absolute", "is absolute"),
            ("through", "leads through another link"),
        ] {
            let told = walk
                .warnings
                .iter()
                .any(|it| it.contains(name) && it.contains(why));
            assert!(told, "{name}: {named}");
        }
        assert_eq!(walk.warnings.len(), 3, "{named}");
        let (files, warnings) = walked_with(&root, &[], Links::Skip);
        assert_eq!((files.len(), warnings.len()), (4, 6));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_named_and_left_out() {
        let (_dir, root) = tree();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("s")).unwrap();
        let (files, warnings) = walked_with(&root, &[], Links::Keep);
        assert_eq!(files.len(), 4);
        assert_eq!(warnings, ["left out s: a socket"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_no_torrent_holds_is_left_out_and_named_or_an_error() {
        use std::os::unix::ffi::OsStrExt;
        let (_dir, root) = tree();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
        fs::write(root.join(name), "x").unwrap();
        fs::write(root.join("two\nlines"), "x").unwrap();
        let (files, warnings) = walked_with(&root, &[], Links::Keep);
        assert_eq!(files.len(), 5);
        let warnings = warnings.join("; ");
        assert!(
            warnings.contains("caf") && warnings.contains("UTF-8"),
            "{warnings}"
        );
        assert!(warnings.contains("lines"), "{warnings}");
        let strict = Exclude::new(&[], Vec::new())
            .unwrap()
            .with(Links::Keep, Names::Strict);
        let error = walk(&root, &strict, &|_| ()).unwrap_err().to_string();
        assert!(error.contains("caf") && error.contains("lines"), "{error}");
    }
}
