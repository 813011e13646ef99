//! The bytes of a journal: an 80-byte header, then records of 16 bytes.
//!
//! Numbers are little-endian. A record is `kind u32, a u32, b u32, crc u32`; the checksum covers
//! the record's position too, so that a record that lies at the wrong place is none. What must stay
//! true: any bytes decode to a header, a record or nothing.

use std::fmt::Write as _;

use crate::target::{Shape, Target};

pub(crate) const RECORD_LEN: usize = 16;
pub(crate) const HEADER_LEN: usize = 80;
const MAGIC: [u8; 8] = *b"swarmcpj";
const VERSION: u32 = 1;

/// What the journal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record {
    /// The piece was verified and its bytes were safe on the disk.
    Piece(u32),
    /// Length and time of change of a file, folded, when pieces of it were last recorded.
    Stamp { file: u32, stamp: u32 },
}

impl Record {
    pub(crate) fn encode(self, position: u64) -> [u8; RECORD_LEN] {
        let (kind, a, b) = match self {
            Self::Piece(piece) => (1_u32, piece, 0),
            Self::Stamp { file, stamp } => (2, file, stamp),
        };
        let mut bytes = [0; RECORD_LEN];
        put(&mut bytes, 0, &kind.to_le_bytes());
        put(&mut bytes, 4, &a.to_le_bytes());
        put(&mut bytes, 8, &b.to_le_bytes());
        let crc = checksum(position, bytes.get(..12).unwrap_or_default());
        put(&mut bytes, 12, &crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], position: u64) -> Option<Self> {
        let (body, crc) = (bytes.get(..12)?, number(bytes, 12)?);
        if checksum(position, body) != crc {
            return None;
        }
        match (number(bytes, 0)?, number(bytes, 4)?, number(bytes, 8)?) {
            (1, piece, 0) => Some(Self::Piece(piece)),
            (2, file, stamp) => Some(Self::Stamp { file, stamp }),
            _ => None,
        }
    }
}

/// The header of the journal of `target`: another content or layout has another one.
pub(crate) fn header(target: &Target) -> [u8; HEADER_LEN] {
    let layout = target.layout();
    let mut bytes = [0; HEADER_LEN];
    put(&mut bytes, 0, &MAGIC);
    put(&mut bytes, 8, &VERSION.to_le_bytes());
    put(&mut bytes, 12, &target.id());
    put(&mut bytes, 44, &layout.piece_len().to_le_bytes());
    put(&mut bytes, 52, &layout.pieces().to_le_bytes());
    put(&mut bytes, 56, &layout_digest(target));
    let crc = checksum(0, bytes.get(..76).unwrap_or_default());
    put(&mut bytes, 76, &crc.to_le_bytes());
    bytes
}

fn layout_digest(target: &Target) -> [u8; 20] {
    let mut hasher = swarmcopy_digest::Sha1::new();
    let mut line = String::new();
    let shape = if target.shape() == Shape::Tree {
        "tree"
    } else {
        "file"
    };
    hasher.update(shape.as_bytes());
    for (index, file) in target.layout().files() {
        line.clear();
        let pad = file.attributes().pad;
        let _ = write!(line, "\0{}\0{}\0{}", file.len(), u8::from(pad), file.path());
        hasher.update(line.as_bytes());
        if !pad && !target.stores(index) {
            // what was verified without a file says nothing of it
            hasher.update(b"\0-");
        }
    }
    hasher.finish()
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(value.len())) {
        place.copy_from_slice(value);
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*four))
}

fn checksum(position: u64, body: &[u8]) -> u32 {
    crc32(position.to_le_bytes().iter().chain(body).copied())
}

/// The CRC-32 of IEEE 802.3, bit by bit: records are few.
pub(crate) fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789".iter().copied()), 0xCBF4_3926);
    }

    proptest! {
        #[test]
        fn a_record_survives_and_a_changed_one_does_not(
            piece: u32, stamp: u32, position in 0u64..1 << 40, bit in 0usize..128,
        ) {
            for record in [Record::Piece(piece), Record::Stamp { file: piece, stamp }] {
                let mut bytes = record.encode(position);
                prop_assert_eq!(Record::decode(&bytes, position), Some(record));
                prop_assert_eq!(Record::decode(&bytes, position + 16), None);
                bytes[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(Record::decode(&bytes, position), None);
            }
        }

        #[test]
        fn any_bytes_are_a_record_or_nothing(bytes: Vec<u8>, position: u64) {
            let _ = Record::decode(&bytes, position);
        }
    }
}
