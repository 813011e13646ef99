//! What the command line adds to words of the library: flags in place of options, and what to type next.

use std::borrow::Cow;

use swarmcopy::{BuildError, Error, Failure};

/// What options and actions of the library are called here.
const WORDS: [(&str, &str); 16] = [
    ("`acl`", "--acl"),
    ("`exclude`", "--exclude"),
    ("set `format` to", "give --format"),
    ("`name`", "--name"),
    ("set `names` to", "take --names"),
    ("`overwrite`", "--force"),
    (
        "add it to `own_mirrors` or `mirrors`",
        "give it with --own-mirror or --mirror",
    ),
    ("`peers`", "--peer"),
    ("`piece_len`", "--piece-length"),
    ("`select`", "--select"),
    ("`sparse`", "--sparse"),
    ("`show`", "`swarmcopy show`"),
    ("start the copy again", "start the same command again"),
    ("the next copy goes on", "the same command goes on"),
    ("`trackers`", "--tracker"),
    ("`trust_document`", "--trust-document"),
];

/// A text of the library as it stands on a terminal.
pub(crate) fn of(text: &str) -> Cow<'_, str> {
    let mut told = Cow::Borrowed(text);
    for (theirs, ours) in WORDS {
        if told.contains(theirs) {
            told = Cow::Owned(told.replace(theirs, ours));
        }
    }
    told
}

/// A session that can't be built.
pub(crate) fn of_build(error: BuildError) -> Error {
    let is_address = matches!(error, BuildError::Listen { .. });
    let error = Error::from(error);
    if is_address {
        error.with_hint("choose another address with --listen")
    } else {
        error
    }
}

/// A copy that did not end well.
pub(crate) fn of_failure(failure: Failure) -> Error {
    failure.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_flags() {
        let hint = "rename them, leave them out with `exclude`, or set `names` to keep";
        let told = "rename them, leave them out with --exclude, or take --names keep";
        assert_eq!(of(hint), told);
        assert!(matches!(of("nothing of that"), Cow::Borrowed(_)));
    }
}
