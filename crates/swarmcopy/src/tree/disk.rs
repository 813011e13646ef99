//! Times, modes and flags as they are on this disk.

use std::fs::Metadata;
use std::path::{Component, Path};

use swarmcopy_bt_wire::metainfo::{Attributes, Flags, ModeOf};
use swarmcopy_sys::attributes;

/// What is to be told of a file or a folder.
pub(crate) fn attributes_of(metadata: &Metadata, of: ModeOf) -> Attributes {
    let time = attributes::modified(metadata);
    if let Some(mode) = attributes::mode(metadata) {
        return Attributes::unix(time, mode, of);
    }
    let found = attributes::flags(metadata).unwrap_or_default();
    let flags = Flags::default()
        .with(Flags::READ_ONLY, found.read_only)
        .with(Flags::HIDDEN, found.hidden)
        .with(Flags::SYSTEM, found.system)
        .with(Flags::ARCHIVE, found.archive);
    Attributes {
        time,
        flags,
        mode: None,
    }
}

/// The text of a symbolic link with `/` between its names; `None` if it is absolute or not UTF-8.
pub(crate) fn link_text(target: &Path) -> Option<String> {
    if cfg!(not(windows)) {
        return target.to_str().map(str::to_owned);
    }
    let name = |part: Component<'_>| match part {
        Component::Normal(_) | Component::ParentDir | Component::CurDir => {
            part.as_os_str().to_str().map(str::to_owned)
        }
        _ => None,
    };
    let names: Option<Vec<String>> = target.components().map(name).collect();
    names.map(|names| names.join("/"))
}
