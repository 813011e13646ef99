//! What a metalink says, for people and scripts; nothing that it names is opened.

use swarmcopy_address::Shown;
use swarmcopy_bt_wire::metainfo::Form;
use swarmcopy_layout::{Attributes, FileIndex, Layout, RelPath};
use swarmcopy_metalink::{Document, File, MetaKind};
use url::Url;

use super::describe::{Naming, WHOLE_LEN_MAX};
use super::hosts::hosts;
use super::{Advice, Holds, Host, Place};
use crate::{Description, DescriptionKind, Error, FileDescription};

/// Describes a document.
pub(crate) fn describe(document: &Document, place: &Place) -> Result<Description, Error> {
    let advice = Advice::of(document);
    let naming = Naming::of(&document.files, &place.stem)?;
    let mut described = Description {
        kind: DescriptionKind::Metalink,
        name: Some(naming.name.as_str().to_owned()),
        shares: document
            .shares
            .iter()
            .map(|share| Shown(share).to_string())
            .collect(),
        notes: advice.notes,
        left_out: advice.left_out,
        created_by: document.generator.clone(),
        ..Description::default()
    };
    let mut sizes = document.files.iter().map(|file| file.size);
    described.bytes = sizes.try_fold(0, |sum: u64, size| Some(sum.saturating_add(size?)));
    let mut placed = Vec::new();
    for file in &document.files {
        match naming.path(file) {
            Ok(path) => placed.push((path, file)),
            Err(why) => described.left_out.push(why),
        }
        for metaurl in file.metaurls_by_priority() {
            let url = Shown(metaurl.url.as_str()).to_string();
            if metaurl.kind == MetaKind::Torrent && !described.torrents.contains(&url) {
                described.torrents.push(url);
            }
        }
    }
    described.files = placed
        .iter()
        .map(|(path, file)| FileDescription {
            path: path.as_str().to_owned(),
            bytes: file.size,
            attr: String::new(),
        })
        .collect();
    described.mirrors = mirrors(&placed, &naming);
    Ok(described)
}

/// The servers: the address that all files lie below, those of the only file, else where the server is.
fn mirrors(files: &[(RelPath, &File)], naming: &Naming) -> Vec<String> {
    let mut builder = Layout::builder_by_file(WHOLE_LEN_MAX);
    for (path, file) in files {
        let len = file.size.unwrap_or(0).min(1 << 40);
        builder.push(path.clone(), len, Attributes::default());
    }
    let Ok(layout) = builder.build() else {
        return Vec::new();
    };
    let indexes = layout.files().map(|(index, _)| index);
    let mapped: Vec<(FileIndex, &File)> =
        indexes.zip(files.iter().map(|(_, file)| *file)).collect();
    let found = hosts(&mapped, &layout, naming.name.as_str(), naming.form);
    let shown = |host: Host| match host.holds {
        Holds::Tree(url) => Some(url),
        Holds::Files(files) => {
            let (_, first) = files.into_iter().next()?;
            match naming.form {
                Form::SingleFile => Some(first),
                Form::Tree => Url::parse(&first).ok()?.join("/").ok().map(Into::into),
            }
        }
    };
    let found = found.into_iter().filter_map(shown);
    found.map(|url| Shown(url).to_string()).collect()
}
