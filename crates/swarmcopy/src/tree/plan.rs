//! What a torrent tells of its tree, by our own table or by BEP 47.
//!
//! What must stay true: every path is one that this disk can hold below the copy's folder, and every
//! link has a text that stays inside; a link of somebody else's torrent that does not is left out
//! and named.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;

use swarmcopy_bt_wire::metainfo::{
    Access, Attributes, File, Flags, LinkKind, ModeOf, Origin, Torrent, Tree, resolve,
};
use swarmcopy_layout::RelPath;
use swarmcopy_sys::{acl, xattr};

use crate::{Error, ErrorKind};

/// What is wanted of a file or a folder; what is `None` is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// In units of 100 ns since 1970.
    pub(crate) time: Option<i64>,
    pub(crate) mode: Option<u16>,
    /// The flags that are set.
    pub(crate) flags: Flags,
    /// Whether hidden, system and archive flags that are not set are to be taken away.
    pub(crate) all_flags: bool,
}

/// What is wanted of a file or a folder where access lists are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rights<'a> {
    pub(crate) list: Option<&'a str>,
    pub(crate) extended: Option<&'a str>,
}

/// A symbolic link that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedLink {
    pub(crate) path: RelPath,
    /// Its text, with `/` between names.
    pub(crate) target: String,
    /// What it leads to; `None` if only looking tells.
    pub(crate) kind: Option<LinkKind>,
    pub(crate) time: Option<i64>,
}

/// What is wanted of a tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Of each file that has bytes, in the layout's order without padding; empty if nothing is known.
    pub(crate) files: Vec<Wanted>,
    pub(crate) root: Option<Wanted>,
    pub(crate) folders: Vec<(RelPath, Wanted)>,
    pub(crate) links: Vec<WantedLink>,
    /// A file and the earlier one that it is one with, by their places among the files.
    pub(crate) hard_links: Vec<(usize, usize)>,
    /// Links that were left out, each with the reason.
    pub(crate) left_out: Vec<String>,
    /// Access lists, if the torrent tells them.
    pub(crate) access: Option<Access>,
    /// Extended attributes, if the torrent tells them.
    pub(crate) extended: Option<Access>,
}

impl Plan {
    /// Takes what a torrent tells.
    pub(crate) fn of(torrent: &Torrent) -> Result<Self, Error> {
        let mut plan = match &torrent.own.tree {
            Some(tree) => Self::of_table(tree)?,
            None => Self::of_files(&torrent.info.files),
        };
        if torrent.own.tree.is_none() {
            plan.take_links(&torrent.info.files);
        }
        Ok(plan)
    }

    fn of_table(tree: &Tree) -> Result<Self, Error> {
        let origin = tree.origin;
        let folder = |folder: &swarmcopy_bt_wire::metainfo::Folder| {
            let path = rel_path("folders", &folder.path)?;
            Ok((path, wanted(origin, &folder.attributes, ModeOf::Folder)))
        };
        let link = |link: &swarmcopy_bt_wire::metainfo::Link| {
            Ok(WantedLink {
                path: rel_path("links", &link.path)?,
                target: link.target.clone(),
                kind: Some(link.kind),
                time: Some(link.time),
            })
        };
        let index = |index: u32| usize::try_from(index).unwrap_or(usize::MAX);
        let files = tree.files.iter();
        let hard = tree.hard_links.iter();
        Ok(Self {
            files: files.map(|of| wanted(origin, of, ModeOf::File)).collect(),
            root: Some(wanted(origin, &tree.root, ModeOf::Folder)),
            folders: tree
                .folders
                .iter()
                .map(folder)
                .collect::<Result<_, Error>>()?,
            links: tree.links.iter().map(link).collect::<Result<_, Error>>()?,
            hard_links: hard
                .map(|link| (index(link.file), index(link.first)))
                .collect(),
            left_out: Vec::new(),
            access: checked("access", tree.access.as_ref(), acl::check)?,
            extended: checked("extended", tree.extended.as_ref(), xattr::check)?,
        })
    }

    /// The access list and the extended attributes of the file number `at`.
    pub(crate) fn rights_of_file(&self, at: usize) -> Rights<'_> {
        let of = |access: &Access| access.files.get(at).copied().flatten();
        self.rights(of)
    }

    /// The same of the folder number `at` of [`Plan::folders`]; `None` for the top one.
    pub(crate) fn rights_of_folder(&self, at: Option<usize>) -> Rights<'_> {
        let at = at.map_or(0, |at| at.saturating_add(1));
        let of = |access: &Access| access.folders.get(at).copied().flatten();
        self.rights(of)
    }

    fn rights(&self, of: impl Fn(&Access) -> Option<u32>) -> Rights<'_> {
        let at = |access: &Access| usize::try_from(of(access)?).ok();
        let list = self.access.as_ref();
        let extended = self.extended.as_ref();
        Rights {
            list: list.and_then(|it| Some(it.lists.get(at(it)?)?.as_str())),
            extended: extended.and_then(|it| Some(it.lists.get(at(it)?)?.as_str())),
        }
    }

    /// Flags of BEP 47, and the times that libtorrent writes. That a file is a program, the store knows.
    fn of_files(files: &[File]) -> Self {
        let stored = files
            .iter()
            .filter(|file| !file.pad && file.symlink.is_none());
        let wanted = |file: &File| Wanted {
            time: file.mtime.map(|seconds| seconds.saturating_mul(10_000_000)),
            flags: Flags::default().with(Flags::HIDDEN, file.hidden),
            ..Wanted::default()
        };
        let files: Vec<Wanted> = stored.map(wanted).collect();
        let known = files.iter().any(|file| *file != Wanted::default());
        Self {
            files: if known { files } else { Vec::new() },
            ..Self::default()
        }
    }

    /// Links of BEP 47: their targets are paths below the top folder.
    fn take_links(&mut self, files: &[File]) {
        let links = files.iter().filter_map(|file| {
            let target = file.symlink.as_ref()?;
            Some((
                file.disk_path().collect::<Vec<_>>().join("/"),
                target,
                file.mtime,
            ))
        });
        let links: Vec<_> = links.collect();
        let paths: BTreeSet<&str> = links.iter().map(|(path, ..)| path.as_str()).collect();
        for (path, target, mtime) in &links {
            let mut text = "../".repeat(path.matches('/').count());
            text.push_str(&target.join("/"));
            let text = if text.is_empty() {
                ".".to_owned()
            } else {
                text
            };
            let is_link = |path: &str| paths.contains(path);
            let fault = resolve(path, &text, &is_link)
                .err()
                .map(|why| why.problem().to_owned());
            match (fault, RelPath::parse(path)) {
                (None, Ok(path)) => self.links.push(WantedLink {
                    path,
                    target: text,
                    kind: None,
                    time: mtime.map(|seconds| seconds.saturating_mul(10_000_000)),
                }),
                (Some(why), _) => self.left_out.push(format!("{path}: a link that {why}")),
                (None, Err(error)) => self.left_out.push(format!("{path}: {error}")),
            }
        }
    }

    /// Whether nothing is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.root.is_none() && self.links.is_empty()
    }
}

/// Refuses texts that say nothing.
fn checked(
    column: &str,
    access: Option<&Access>,
    check: fn(&str) -> io::Result<()>,
) -> Result<Option<Access>, Error> {
    let mut texts = access.iter().flat_map(|access| &access.lists);
    let wrong = texts.find_map(|text| Some((text, check(text).err()?)));
    if let Some((text, why)) = wrong {
        let message = format!("swarmcopy.tree.{column}: {why}: {text:?}");
        return Err(Error::new(ErrorKind::Failed, message));
    }
    Ok(access.cloned())
}

fn wanted(origin: Origin, attributes: &Attributes, of: ModeOf) -> Wanted {
    Wanted {
        time: Some(attributes.time),
        mode: (origin == Origin::Unix).then(|| attributes.mode(of)),
        flags: attributes.flags,
        all_flags: origin == Origin::Windows,
    }
}

fn rel_path(column: &str, path: &str) -> Result<RelPath, Error> {
    let refused = |error: &dyn Display| {
        Error::new(
            ErrorKind::Failed,
            format!("swarmcopy.tree.{column}: {error}"),
        )
    };
    RelPath::parse(path).map_err(|error| refused(&error))
}
