//! The .torrent file (BEP 3, 12, 19, 27, 47, 52): reading, checking and building.
//!
//! What must stay true: a [`Torrent`] is consistent in itself (pieces cover exactly the files, both
//! versions of a hybrid describe the same files, piece layers hash to their roots), every path
//! component is a plain name, and whatever is refused is refused with the name of the field.

mod build;
mod error;
mod file;
mod files;
mod info;
mod layers;
mod limits;
mod own;
mod path;
#[cfg(test)]
mod tests;
mod torrent;
mod tree;
mod urls;

pub use build::{Builder, Built};
pub use error::MetainfoError;
pub use file::File;
pub use info::{Form, Info};
pub use limits::{
    FILES_MAX, METADATA_LEN_MAX, PATH_DEPTH_MAX, PATH_NAMES_MAX, PIECE_LEN_MAX, RENAMES_MAX,
};
pub use own::{Own, Policy};
pub use torrent::Torrent;
pub use tree::{
    Access, Attributes, Flags, Folder, HardLink, Link, LinkFault, LinkKind, ModeOf, Origin,
    TARGET_LEN_MAX, Tree, plain_path, resolve,
};
