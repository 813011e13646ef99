//! The instruction sets that hash several inputs side by side, and which one this process uses.
//!
//! What must stay true: an instruction set that the CPU (or the operating system) lacks is never used, even
//! when it is asked for.

use std::sync::OnceLock;

/// A way to hash several inputs: one after the other, or in the lanes of vector registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// One input at a time, with the CPU's SHA instructions where it has them.
    Scalar,
    /// Eight inputs in 256-bit registers (x86-64 since 2013).
    Avx2,
    /// Sixteen inputs in 512-bit registers (AVX-512 F and BW).
    Avx512,
}

static CHOSEN: OnceLock<Isa> = OnceLock::new();

/// Makes this process use `isa` from now on, for measurements; only the first call counts.
///
/// Returns whether `isa` is now in use: not if this CPU lacks it or another was set before.
pub fn set_isa(isa: Isa) -> bool {
    isa.is_available() && *CHOSEN.get_or_init(|| isa) == isa
}

impl Isa {
    /// All instruction sets that are known here, the narrowest first.
    const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// Returns the instruction sets that this CPU has, the narrowest first.
    pub fn available() -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|isa| isa.is_available())
            .collect()
    }

    /// Returns the widest instruction set that this CPU has.
    pub fn best() -> Self {
        Self::ALL
            .into_iter()
            .rfind(|isa| isa.is_available())
            .unwrap_or(Self::Scalar)
    }

    /// Returns the instruction set that this process uses: the one set by [`set_isa`], else the best.
    pub fn current() -> Self {
        CHOSEN.get().copied().unwrap_or_else(Self::best)
    }

    /// Returns how many inputs are hashed side by side; waiting for more than these brings nothing.
    pub fn lanes(self) -> usize {
        match self {
            Self::Scalar => 1,
            Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }

    /// Returns whether this CPU has it.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
            }
        }
    }

    /// Returns whether this CPU has it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        self == Self::Scalar
    }

    /// Returns the widest available instruction set that is not wider than this one.
    pub(crate) fn or_narrower(self) -> Self {
        Self::ALL
            .into_iter()
            .rfind(|&isa| isa <= self && isa.is_available())
            .unwrap_or(Self::Scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalar_is_always_there_and_the_best_is_available() {
        assert_eq!(Isa::available().first(), Some(&Isa::Scalar));
        assert_eq!(Isa::available().last(), Some(&Isa::best()));
    }

    #[test]
    fn asking_for_a_missing_set_gives_one_that_is_there() {
        assert!(
            Isa::ALL
                .into_iter()
                .all(|isa| isa.or_narrower().is_available())
        );
    }
}
