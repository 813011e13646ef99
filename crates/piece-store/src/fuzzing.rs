//! What a fuzz target calls.

/// Writes to a journal, and what a disk may do to it.
pub fn journal(bytes: &[u8]) {
    crate::journal::sequences::check(bytes);
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn whatever_is_done_to_a_journal_it_tells_what_was_recorded() {
        replay("journal", super::journal);
    }
}
