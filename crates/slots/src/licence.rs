//! The licence to read origins at all: what `--origin never` can't obtain.
//!
//! A [`Licence`] is made in one place, from a mode other than `Never`, when a gate is built; it
//! can't be copied. Every `ReadPlan` is made by showing one, so a gate without has no way to a plan,
//! whatever events it sees.

use crate::config::Mode;

/// Shows that the policy's mode allows to read origins.
#[derive(Debug)]
pub(crate) struct Licence {
    all: bool,
}

impl Licence {
    /// The licence that `mode` gives; none for `Never`.
    pub(super) fn of(mode: Mode) -> Option<Self> {
        match mode {
            Mode::Protect => Some(Self { all: false }),
            Mode::Fast => Some(Self { all: true }),
            Mode::Never => None,
        }
    }

    /// Whether every machine may read, without slots.
    pub(super) fn is_fast(&self) -> bool {
        self.all
    }
}
