//! What a document says for people about its files.

use swarmcopy_address::{ShownAll, debug_shown, in_text};

/// Who publishes something.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Publisher {
    /// A name for people.
    pub name: String,
    /// A page about them, as written.
    pub url: Option<String>,
}

debug_shown!(Publisher {
    name;
    url: ShownAll(url),
});

/// What is said for people about a file, or (Metalink 3) about all of them. Texts as written, the
/// blanks around them taken off.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct About {
    /// A name for people.
    pub identity: Option<String>,
    /// The version of what is published.
    pub version: Option<String>,
    /// A description.
    pub description: Option<String>,
    /// The copyright.
    pub copyright: Option<String>,
    /// The URL of a picture.
    pub logo: Option<String>,
    /// Who publishes it.
    pub publisher: Option<Publisher>,
    /// The languages, as tags.
    pub languages: Vec<String>,
    /// The operating systems.
    pub oses: Vec<String>,
}

debug_shown!(About {
    identity, version, copyright, publisher, languages, oses;
    logo: ShownAll(logo),
    description: description.as_deref().map(in_text),
});
