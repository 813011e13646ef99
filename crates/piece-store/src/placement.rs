//! Where a content lies until it is complete, and under which names.

/// What the name of a staged copy has behind the content's.
pub const STAGED_SUFFIX: &str = ".swarmcopy-staged";
/// What the name of an old tree has behind the content's, once another took its place.
pub const ASIDE_SUFFIX: &str = ".swarmcopy-old";

/// Where the content lies until it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// At DIR/NAME; what lies there is used and overwritten.
    #[default]
    InPlace,
    /// At DIR/NAME.swarmcopy-staged; DIR/NAME must not exist or be empty. What has
    /// [`FileDigest`](swarmcopy_layout::FileDigest)s belongs here: such files are read back and
    /// proven before the copy is published, and removed if they are wrong.
    Staged,
    /// At DIR/NAME.swarmcopy-staged, until it takes the place of what lies at DIR/NAME, in one step where
    /// the system has such a step. The old tree is at DIR/NAME.swarmcopy-old then, for the caller to
    /// remove. Where only that is there when a store is opened, it belongs back to DIR/NAME.
    Switched,
}
