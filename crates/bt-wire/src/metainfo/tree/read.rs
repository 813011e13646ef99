//! Reads the table, and says which column is wrong.

use super::check;
use super::columns::{Column, Problem};
use super::fault::{fault, is_stored};
use super::table::{
    ACCESS_LEN_MAX, Access, Attributes, Flags, Folder, HardLink, Link, LinkKind, Origin,
    TARGET_LEN_MAX, Tree,
};
use super::write::{MODE_GIVEN, MODE_SHIFT};
use crate::bencode::{Kind, Value};
use crate::metainfo::error::MetainfoError;
use crate::metainfo::file::File;
use crate::metainfo::limits::FILES_MAX;

/// Largest value of flags and mode.
const FLAGS_MAX: u64 = (0o7777 << MODE_SHIFT) | MODE_GIVEN | 31;

impl Tree {
    /// Reads the table that goes with `files`, padding and all.
    pub(in crate::metainfo) fn read(
        value: &Value<'_>,
        files: &[File],
    ) -> Result<Self, MetainfoError> {
        if value.kind() != Kind::Dict {
            return Err(fault("", "not a dictionary"));
        }
        let stored = files.iter().filter(|file| is_stored(file)).count();
        let mut tree = Self {
            origin: origin(value)?,
            files: attributes(value, ["times", "flags"], stored)?,
            links: links(value)?,
            hard_links: hard_links(value)?,
            ..Self::default()
        };
        let paths = list(value, "folders", Column::path)?;
        let with_root = paths.len().saturating_add(1);
        let of = attributes(value, ["folder times", "folder flags"], with_root)?;
        let mut of = of.into_iter();
        tree.root = of.next().unwrap_or_default();
        let folder = |(path, attributes)| Folder { path, attributes };
        tree.folders = paths.into_iter().zip(of).map(folder).collect();
        let counts = (stored, with_root);
        if value.find(b"access").is_some() {
            let names = ["access", "file access", "folder access"];
            tree.access = Some(access(value, names, counts)?);
        }
        if value.find(b"extended").is_some() {
            let names = ["extended", "file extended", "folder extended"];
            tree.extended = Some(access(value, names, counts)?);
        }
        check::check(&tree, files)?;
        Ok(tree)
    }
}

fn origin(value: &Value<'_>) -> Result<Origin, MetainfoError> {
    match value.find(b"origin").and_then(|origin| origin.as_bytes()) {
        Some(b"unix") => Ok(Origin::Unix),
        Some(b"windows") => Ok(Origin::Windows),
        Some(_) => Err(fault("origin", "neither unix nor windows")),
        None => Err(fault("origin", "missing or not a string")),
    }
}

/// The column with this name; one that is missing is empty.
fn column<'d>(value: &Value<'d>, name: &str) -> Result<Column<'d>, MetainfoError> {
    let bytes = match value.find(name.as_bytes()) {
        Some(column) => column
            .as_bytes()
            .ok_or_else(|| fault(name, "not a string"))?,
        None => &[],
    };
    Ok(Column::new(bytes))
}

/// Reads entries until the column ends.
fn list<'d, T>(
    value: &Value<'d>,
    name: &str,
    mut entry: impl FnMut(&mut Column<'d>) -> Result<T, Problem>,
) -> Result<Vec<T>, MetainfoError> {
    let mut column = column(value, name)?;
    let mut entries = Vec::new();
    while !column.is_empty() {
        if entries.len() >= FILES_MAX {
            return Err(fault(name, "too many entries"));
        }
        entries.push(entry(&mut column).map_err(|problem| fault(name, problem))?);
    }
    Ok(entries)
}

fn attributes(
    value: &Value<'_>,
    [times, flags]: [&str; 2],
    count: usize,
) -> Result<Vec<Attributes>, MetainfoError> {
    let mut of_times = column(value, times)?;
    let read = of_times
        .times(count)
        .and_then(|read| of_times.end().map(|()| read));
    let read = read.map_err(|problem| fault(times, problem))?;
    let mut all: Vec<Attributes> = read
        .into_iter()
        .map(|time| Attributes {
            time,
            ..Attributes::default()
        })
        .collect();
    let mut of_flags = column(value, flags)?;
    let mut rest = all.iter_mut();
    let done = of_flags.runs(count, |len, value| {
        let (flags, mode) = split(value)?;
        for attributes in rest.by_ref().take(len) {
            (attributes.flags, attributes.mode) = (flags, mode);
        }
        Ok(())
    });
    done.and_then(|()| of_flags.end())
        .map_err(|problem| fault(flags, problem))?;
    Ok(all)
}

/// Texts and which of them each file and folder has, from the three columns that are named.
fn access(
    value: &Value<'_>,
    [lists, of_files, of_folders]: [&str; 3],
    (files, folders): (usize, usize),
) -> Result<Access, MetainfoError> {
    let lists = list(value, lists, |column| {
        Ok(column.text(ACCESS_LEN_MAX)?.to_owned())
    })?;
    let of = |name, count| {
        let mut column = column(value, name)?;
        let mut all = Vec::new();
        let read = column.runs(count, |len, number| {
            let at = match number.checked_sub(1) {
                None => None,
                Some(at) => {
                    let there = usize::try_from(at).is_ok_and(|at| at < lists.len());
                    let at = u32::try_from(at).ok().filter(|_| there);
                    Some(at.ok_or("holds a list that does not exist")?)
                }
            };
            all.extend(std::iter::repeat_n(at, len));
            Ok(())
        });
        let read = read.and_then(|()| column.end());
        read.map(|()| all).map_err(|problem| fault(name, problem))
    };
    Ok(Access {
        files: of(of_files, files)?,
        folders: of(of_folders, folders)?,
        lists,
    })
}

fn split(value: u64) -> Result<(Flags, Option<u16>), Problem> {
    let unknown = "holds flags that this program does not know";
    if value > FLAGS_MAX || (value & MODE_GIVEN == 0 && value > 31) {
        return Err(unknown);
    }
    let flags = u8::try_from(value & 31).map_err(|_| unknown)?;
    let mode = u16::try_from(value >> MODE_SHIFT).map_err(|_| unknown)?;
    Ok((Flags(flags), (value & MODE_GIVEN != 0).then_some(mode)))
}

fn links(value: &Value<'_>) -> Result<Vec<Link>, MetainfoError> {
    let mut links = list(value, "links", |column| {
        let path = column.path()?;
        let kind = match column.number()? {
            0 => LinkKind::File,
            1 => LinkKind::Folder,
            _ => return Err("holds a kind that is neither file nor folder"),
        };
        let target = column.text(TARGET_LEN_MAX)?.to_owned();
        Ok(Link {
            path,
            target,
            kind,
            time: 0,
        })
    })?;
    let mut column = column(value, "link times")?;
    let times = column.times(links.len());
    let times = times.and_then(|times| column.end().map(|()| times));
    let times = times.map_err(|problem| fault("link times", problem))?;
    for (link, time) in links.iter_mut().zip(times) {
        link.time = time;
    }
    Ok(links)
}

fn hard_links(value: &Value<'_>) -> Result<Vec<HardLink>, MetainfoError> {
    let index = |column: &mut Column<'_>| {
        u32::try_from(column.number()?).map_err(|_| "holds a file that does not exist")
    };
    list(value, "hard links", |column| {
        Ok(HardLink {
            file: index(column)?,
            first: index(column)?,
        })
    })
}
