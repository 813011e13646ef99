//! Decimal numbers as bencode writes them.

/// Reads an optional sign and decimal digits that fill `text`.
pub(super) fn parse_int(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let negative = digits.len() < text.len();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |int, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        let tens = int.checked_mul(10)?;
        if negative {
            tens.checked_sub(i64::from(digit))
        } else {
            tens.checked_add(i64::from(digit))
        }
    })
}
