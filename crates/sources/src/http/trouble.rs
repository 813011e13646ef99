//! Why a question has no answer, read from what the layers of a connection say.

use std::error::Error;

use crate::SourceError;
use crate::reach::PrivateAddress;

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another try may mend it.
    Passing(String),
    /// None will.
    Final(SourceError),
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Final(error)
    }
}

/// An error and what caused it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// Whether a mirror led to where it must not.
pub(super) fn leads_to_private(error: &(dyn Error + 'static)) -> bool {
    find::<PrivateAddress>(error).is_some()
}

/// The first cause of this kind.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| {
        // an I/O error shows the cause of what it wraps, not what it wraps
        let wrapped = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        let wrapped = wrapped.and_then(|inner| inner.downcast_ref());
        cause.downcast_ref().or(wrapped)
    })
}

/// An error in its first cause's words.
pub(super) fn plain_words(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_private_address_is_found_below_other_errors() {
        let private = Outer(std::io::Error::other(PrivateAddress));
        assert!(leads_to_private(&private));
        assert!(!leads_to_private(&Outer(
            std::io::ErrorKind::NotFound.into()
        )));
        assert_eq!(plain_words(&private), PrivateAddress.to_string());
    }
}
