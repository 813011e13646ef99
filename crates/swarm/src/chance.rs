//! Choices by chance: other ones on each machine, though many may start in the same moment.

/// A generator that is seeded by the operating system.
pub(crate) fn rng() -> fastrand::Rng {
    fastrand::Rng::with_seed(swarmcopy_sys::random::seed())
}
