//! What fuzz targets call: words of servers and of users, made up, against what reads them.
//!
//! What must stay true: each function takes any bytes and panics only where a rule is broken.

use arbitrary::{Arbitrary, Unstructured};

pub use crate::ftp::fuzzing::ftp_replies;
pub use crate::http::fuzzing::{content_range, netrc, retry_after};

/// What a fuzzer's bytes stand for.
pub(crate) fn made_of<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn words_of_servers_and_users_are_read_whatever_they_are() {
        replay("netrc", super::netrc);
        replay("retry_after", super::retry_after);
        replay("content_range", super::content_range);
    }

    #[test]
    fn whatever_an_ftp_server_replies_a_transfer_ends() {
        replay("ftp_replies", super::ftp_replies);
    }
}
