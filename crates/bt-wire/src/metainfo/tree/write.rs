//! Writes the table.

use super::columns::{push_number, push_path, push_runs, push_text, push_times};
use super::table::{Access, Attributes, LinkKind, Origin, Tree};
use crate::bencode::Item;

/// The bit that says that the mode stands above the flags.
pub(super) const MODE_GIVEN: u64 = 32;
/// Where the mode stands above the flags.
pub(super) const MODE_SHIFT: u32 = 6;

impl Tree {
    /// The table as it stands in a .torrent.
    pub(in crate::metainfo) fn item(&self) -> Item {
        let folders = || self.folders.iter().map(|folder| &folder.attributes);
        let with_root = || std::iter::once(&self.root).chain(folders());
        let origin = match self.origin {
            Origin::Unix => "unix",
            Origin::Windows => "windows",
        };
        Item::dict()
            .with("origin", origin)
            .with("times", times(self.files.iter()))
            .with("flags", flags(self.files.iter()))
            .with("folders", self.folder_paths())
            .with("folder times", times(with_root()))
            .with("folder flags", flags(with_root()))
            .with_some("links", some(self.link_list()))
            .with_some("link times", some(self.link_times()))
            .with_some("hard links", some(self.hard_list()))
            .with_some("access", self.access.as_ref().map(lists))
            .with_some("file access", self.access.as_ref().map(of_files))
            .with_some("folder access", self.access.as_ref().map(of_folders))
            .with_some("extended", self.extended.as_ref().map(lists))
            .with_some("file extended", self.extended.as_ref().map(of_files))
            .with_some("folder extended", self.extended.as_ref().map(of_folders))
    }

    fn folder_paths(&self) -> Vec<u8> {
        let (mut out, mut before) = (Vec::new(), "");
        for folder in &self.folders {
            push_path(&mut out, before, &folder.path);
            before = &folder.path;
        }
        out
    }

    fn link_list(&self) -> Vec<u8> {
        let (mut out, mut before) = (Vec::new(), "");
        for link in &self.links {
            push_path(&mut out, before, &link.path);
            push_number(&mut out, u64::from(link.kind == LinkKind::Folder));
            push_text(&mut out, &link.target);
            before = &link.path;
        }
        out
    }

    fn link_times(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_times(&mut out, self.links.iter().map(|link| link.time));
        out
    }

    fn hard_list(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for link in &self.hard_links {
            push_number(&mut out, u64::from(link.file));
            push_number(&mut out, u64::from(link.first));
        }
        out
    }
}

fn lists(access: &Access) -> Vec<u8> {
    let mut out = Vec::new();
    for list in &access.lists {
        push_text(&mut out, list);
    }
    out
}

fn of_files(access: &Access) -> Vec<u8> {
    runs(&access.files)
}

fn of_folders(access: &Access) -> Vec<u8> {
    runs(&access.folders)
}

/// 0 for no list, else the place of one and 1.
fn runs(of: &[Option<u32>]) -> Vec<u8> {
    let mut out = Vec::new();
    let number = |at: &Option<u32>| at.map_or(0, |at| u64::from(at) + 1);
    push_runs(&mut out, of.iter().map(number));
    out
}

fn some(column: Vec<u8>) -> Option<Vec<u8>> {
    Some(column).filter(|column| !column.is_empty())
}

fn times<'a>(of: impl Iterator<Item = &'a Attributes>) -> Vec<u8> {
    let mut out = Vec::new();
    push_times(&mut out, of.map(|attributes| attributes.time));
    out
}

fn flags<'a>(of: impl Iterator<Item = &'a Attributes>) -> Vec<u8> {
    let mut out = Vec::new();
    let value = |attributes: &Attributes| {
        let flags = u64::from(attributes.flags.0);
        match attributes.mode {
            Some(mode) => flags | MODE_GIVEN | (u64::from(mode) << MODE_SHIFT),
            None => flags,
        }
    };
    push_runs(&mut out, of.map(value));
    out
}
