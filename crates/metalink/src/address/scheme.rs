//! Which schemes can be fetched.

use crate::excerpt::excerpt;
use crate::report::Reason;

/// Refuses a scheme that can't be fetched.
pub(super) fn check_scheme(scheme: &str) -> Result<(), Reason> {
    if matches!(scheme, "http" | "https" | "ftp" | "ftps") {
        Ok(())
    } else {
        Err(Reason::Scheme(excerpt(scheme)))
    }
}
