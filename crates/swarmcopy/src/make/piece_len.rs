//! How long the pieces of a new torrent are.
//!
//! What must stay true: a length that leaves here is a power of two of 16 KiB or more, as BEP 52
//! asks for and every client takes.

use crate::{Error, ErrorKind};

/// The shortest piece that is made, in bytes.
const LEN_MIN: u64 = 16 * 1024;
/// The longest piece that `Auto` chooses, in bytes.
const AUTO_LEN_MAX: u64 = 16 * 1024 * 1024;
/// The most pieces that `Auto` aims at.
const AUTO_PIECES_MAX: u64 = 2000;

/// The length of the pieces of a new torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PieceLen {
    /// The power of two from 16 KiB to 16 MiB that gives 1,000 to 2,000 pieces.
    #[default]
    Auto,
    /// This many bytes: a power of two of 16 KiB or more.
    Bytes(u64),
}

impl PieceLen {
    /// Decides the length for a content of `bytes` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a length that is no power of two, too short or too long.
    pub(crate) fn of(self, bytes: u64) -> Result<u64, Error> {
        match self {
            Self::Auto => Ok(auto(bytes)),
            Self::Bytes(len) => check(len),
        }
    }
}

fn auto(bytes: u64) -> u64 {
    bytes
        .div_ceil(AUTO_PIECES_MAX)
        .checked_next_power_of_two()
        .unwrap_or(AUTO_LEN_MAX)
        .clamp(LEN_MIN, AUTO_LEN_MAX)
}

fn check(len: u64) -> Result<u64, Error> {
    if is_good(len) {
        return Ok(len);
    }
    let message = format!("a piece length of {len} bytes is no power of two from 16KiB to 256MiB");
    Err(Error::new(ErrorKind::Usage, message).with_hint(hint(len)))
}

fn is_good(len: u64) -> bool {
    len.is_power_of_two() && (LEN_MIN..=swarmcopy_layout::PIECE_LEN_MAX).contains(&len)
}

fn hint(len: u64) -> String {
    const UNITS: [(u64, &str, u64); 3] = [
        (1_000_000_000, "G", 1 << 30),
        (1_000_000, "M", 1 << 20),
        (1000, "K", 1 << 10),
    ];
    let meant = UNITS.iter().find_map(|&(decimal, unit, binary)| {
        let count = len / decimal;
        let fits = len.is_multiple_of(decimal) && is_good(count.saturating_mul(binary));
        fits.then_some((count, unit))
    });
    match meant {
        Some((count, unit)) if count > 0 => {
            format!(
                "{count}{unit} is {}: did you mean {count}{unit}iB?",
                grouped(len)
            )
        }
        _ => "take 1MiB, 4MiB, .. or auto".to_owned(),
    }
}

/// The number with a comma before each group of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_gives_a_thousand_to_two_thousand_pieces() {
        for bytes in [17 << 20, 100_000_000, 512 << 20, 4_000_000_000, 15 << 30] {
            let len = PieceLen::Auto.of(bytes).unwrap();
            let pieces = bytes.div_ceil(len);
            assert!(
                (1000..=2000).contains(&pieces),
                "{bytes}: {pieces} pieces of {len}"
            );
        }
    }

    #[test]
    fn auto_stays_between_16_kib_and_16_mib() {
        assert_eq!(PieceLen::Auto.of(0).unwrap(), 16 << 10);
        assert_eq!(PieceLen::Auto.of(1).unwrap(), 16 << 10);
        assert_eq!(PieceLen::Auto.of(u64::MAX).unwrap(), 16 << 20);
    }

    #[test]
    fn a_decimal_length_is_refused_with_the_binary_one_as_hint() {
        let hint_of = |len| {
            PieceLen::Bytes(len)
                .of(0)
                .unwrap_err()
                .hint()
                .unwrap()
                .to_owned()
        };
        assert_eq!(hint_of(1_000_000), "1M is 1,000,000: did you mean 1MiB?");
        assert_eq!(hint_of(256_000), "256K is 256,000: did you mean 256KiB?");
        assert_eq!(hint_of(12_345), "take 1MiB, 4MiB, .. or auto");
        assert_eq!(hint_of(0), "take 1MiB, 4MiB, .. or auto");
    }

    #[test]
    fn only_powers_of_two_in_range_are_taken() {
        assert_eq!(PieceLen::Bytes(1 << 20).of(0).unwrap(), 1 << 20);
        for bad in [0, 1 << 13, (16 << 10) + 1, 3 << 20, 512 << 20] {
            let error = PieceLen::Bytes(bad).of(0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{bad}");
        }
    }
}
