//! Random numbers from the operating system.

use std::hash::{BuildHasher, RandomState};

/// A seed that no other process has, however alike machines are and in whatever moment they start, and that
/// nobody can guess. Two calls give different seeds.
///
/// The operating system's randomness reaches std by the keys of its hash maps alone: this is a hash under
/// such a key.
pub fn seed() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn seeds_differ() {
        let seeds: HashSet<u64> = (0..1000).map(|_| super::seed()).collect();
        assert_eq!(seeds.len(), 1000);
    }
}
