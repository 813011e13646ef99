//! Documents that come packed by gzip (RFC 1952), asked for or not.
//!
//! What must stay true: no more is unpacked than the limit allows, however little was sent.

use std::io::Read as _;

use flate2::bufread::GzDecoder;

/// What every packed document begins with.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The document itself, if `bytes` are one that is packed; else `bytes`. `None` if it can't be
/// unpacked, or is longer than `len_max` then.
///
/// ```
/// use swarmcopy_sources::http::unpacked;
/// assert_eq!(unpacked(b"plain".to_vec(), 5), Some(b"plain".to_vec()));
/// assert_eq!(unpacked(b"\x1f\x8bnonsense".to_vec(), 5), None);
/// ```
pub fn unpacked(bytes: Vec<u8>, len_max: usize) -> Option<Vec<u8>> {
    if !bytes.starts_with(&MAGIC) {
        return Some(bytes);
    }
    let mut document = Vec::new();
    let mut rest = bytes.as_slice();
    // one part or several; some servers send a line or a page behind them
    while rest.starts_with(&MAGIC) {
        let room = len_max.checked_sub(document.len())?;
        let most = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
        let mut part = GzDecoder::new(rest);
        part.by_ref().take(most).read_to_end(&mut document).ok()?;
        rest = part.into_inner();
    }
    Some(document).filter(|document| document.len() <= len_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_document_is_unpacked() {
        assert_eq!(unpacked(packed(b"d1:ai1ee"), 8), Some(b"d1:ai1ee".to_vec()));
    }

    #[test]
    fn parts_are_put_together_and_what_stands_behind_them_is_passed_over() {
        let two = [packed(b"d1:a"), packed(b"i1ee")].concat();
        assert_eq!(unpacked(two.clone(), 8), Some(b"d1:ai1ee".to_vec()));
        assert_eq!(unpacked(two.clone(), 7), None);
        let more = [two, b"\r\n<!-- served by a proxy -->".to_vec()].concat();
        assert_eq!(unpacked(more, 8), Some(b"d1:ai1ee".to_vec()));
        let many = packed(b"").repeat(1000);
        assert_eq!(unpacked(many, 8), Some(Vec::new()));
    }

    #[test]
    fn little_that_unpacks_to_much_is_refused() {
        let bomb = packed(&vec![0; 10 << 20]);
        assert!(bomb.len() < 20_000);
        assert_eq!(unpacked(bomb, 1 << 20), None);
    }

    #[test]
    fn what_breaks_off_is_refused() {
        let mut cut = packed(&[7; 1000]);
        cut.truncate(cut.len() - 9);
        assert_eq!(unpacked(cut, 1000), None);
    }
}
