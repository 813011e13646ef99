//! What fuzz targets call: sequences of what strangers send, against the parts that take them.
//!
//! What must stay true: each function takes any bytes and panics only where a rule is broken.

/// Words of a peer and acts of our own on a live link.
pub fn link(bytes: &[u8]) {
    crate::link::sequences::check(bytes);
}

/// Words of a peer that is asked for a description.
pub fn metadata(bytes: &[u8]) {
    crate::metadata::sequences::check(bytes);
}

/// Addresses that are told of, and what becomes of them.
pub fn address_book(bytes: &[u8]) {
    crate::address_book::sequences::check(bytes);
}

/// Calls on the local network.
pub fn lsd(bytes: &[u8]) {
    crate::lsd::sequences::check(bytes);
}

/// Answers of trackers.
pub fn tracker_client(bytes: &[u8]) {
    crate::trackers::sequences::check(bytes);
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn whatever_a_peer_says_jobs_end_and_an_honest_one_is_served() {
        replay("link", super::link);
    }

    #[test]
    fn whatever_a_peer_says_of_a_description_only_the_right_one_is_taken() {
        replay("metadata", super::metadata);
    }

    #[test]
    fn whatever_is_told_the_book_stays_bounded_and_who_is_named_is_dialled() {
        replay("address_book", super::address_book);
    }

    #[test]
    fn whatever_is_called_callers_are_counted_and_an_honest_one_is_heard() {
        replay("lsd", super::lsd);
    }

    #[test]
    fn whatever_trackers_answer_they_are_asked_again_in_time() {
        replay("tracker_client", super::tracker_client);
    }
}
