//! Whether a content is one file or a tree: that decides what its name names.

/// What the name of a content stands for (BEP 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// The one file of the content.
    File,
    /// The folder that holds its files.
    Tree,
}
