//! Documents that come packed by gzip (RFC 1952), asked for or not.
//!
//! What must stay true: no more is unpacked than the limit allows, however little was sent.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

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
    let most = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut document = Vec::new();
    let read = MultiGzDecoder::new(bytes.as_slice())
        .take(most)
        .read_to_end(&mut document);
    read.ok().filter(|_| document.len() <= len_max)?;
    Some(document)
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
