//! The 68-byte handshake (BEP 3) and its reserved bits.
//!
//! What must stay true: unknown reserved bits survive decoding and encoding.

use super::WireError;

const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";
const PEER_ID_PREFIX: &[u8; 8] = b"-SC0200-";

/// The eight reserved bytes that name optional protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reserved(pub [u8; 8]);

impl Reserved {
    const EXTENDED: u64 = 1 << 20;
    const FAST: u64 = 1 << 2;
    const DHT: u64 = 1;

    /// What this project offers: extension protocol (BEP 10) and fast extension (BEP 6).
    pub fn ours() -> Self {
        Self((Self::EXTENDED | Self::FAST).to_be_bytes())
    }

    /// The same bits with the DHT bit (BEP 5) set.
    #[must_use]
    pub fn with_dht(self) -> Self {
        Self((u64::from_be_bytes(self.0) | Self::DHT).to_be_bytes())
    }

    /// The extension protocol (BEP 10) is spoken.
    pub fn extended(self) -> bool {
        self.has(Self::EXTENDED)
    }

    /// The fast extension (BEP 6) is spoken.
    pub fn fast(self) -> bool {
        self.has(Self::FAST)
    }

    /// The peer runs a DHT node (BEP 5).
    pub fn dht(self) -> bool {
        self.has(Self::DHT)
    }

    fn has(self, bit: u64) -> bool {
        u64::from_be_bytes(self.0) & bit != 0
    }
}

/// The first 68 bytes on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    /// Optional protocols.
    pub reserved: Reserved,
    /// Which content the link is about (a v2 info-hash is cut to 20 bytes, BEP 52).
    pub info_hash: [u8; 20],
    /// Who speaks.
    pub peer_id: [u8; 20],
}

impl Handshake {
    /// Length on the wire.
    pub const LEN: usize = 68;

    /// Writes the handshake.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let parts = [
            &PROTOCOL[..],
            &self.reserved.0,
            &self.info_hash,
            &self.peer_id,
        ];
        let mut out = [0; Self::LEN];
        for (to, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        out
    }

    /// Reads a handshake; fails when another protocol is spoken.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, WireError> {
        let fields = || {
            let rest = bytes.strip_prefix(PROTOCOL)?;
            let (reserved, rest) = rest.split_first_chunk::<8>()?;
            let (info_hash, rest) = rest.split_first_chunk::<20>()?;
            Some((*reserved, *info_hash, rest.try_into().ok()?))
        };
        let (reserved, info_hash, peer_id) = fields().ok_or(WireError::Protocol)?;
        Ok(Self {
            reserved: Reserved(reserved),
            info_hash,
            peer_id,
        })
    }
}

/// Makes a peer id with our prefix `-SC0200-` from twelve random bytes.
pub fn peer_id(random: [u8; 12]) -> [u8; 20] {
    let mut id = [0; 20];
    for (to, from) in id.iter_mut().zip(PEER_ID_PREFIX.iter().chain(&random)) {
        *to = *from;
    }
    id
}
