//! Where a document came from, and so how far what it names is followed.
//!
//! What must stay true: a document that was fetched makes this machine open no path, which on Windows
//! would send the user's login to whoever is named; one from the internet makes it ask no private address,
//! which only this machine can reach. Both unless the user trusts it.

/// How far from this machine a document came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Provenance {
    /// From a disk, or from the user: all that it names is followed.
    #[default]
    Here,
    /// From a server at a private address.
    Network,
    /// From the internet.
    Internet,
}

impl Provenance {
    /// That of a document that was fetched.
    pub(crate) fn fetched(is_public: bool) -> Self {
        if is_public {
            Self::Internet
        } else {
            Self::Network
        }
    }

    /// Whether paths that such a document names are opened.
    pub(crate) fn may_name_paths(self) -> bool {
        self == Self::Here
    }

    /// Whether private addresses that such a document names are asked.
    pub(crate) fn may_name_private(self) -> bool {
        self != Self::Internet
    }
}
