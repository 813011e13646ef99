//! What sources, machines and origins are called by.

/// A source of bytes as the caller numbers them; never used again after `SourceDown`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SourceId(pub u32);

/// A process of ours in the swarm: random for each start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeId(pub [u8; 8]);

/// Names an origin without telling its address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct OriginTag(pub [u8; 8]);

impl OriginTag {
    /// The tag of the origin with this identity: scheme, lower-case host and authority or share.
    pub fn of(identity: &str) -> Self {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(identity.as_bytes());
        let mut tag = [0; 8];
        for (to, from) in tag.iter_mut().zip(digest) {
            *to = from;
        }
        Self(tag)
    }
}

/// What kind of origin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum OriginKind {
    /// A folder: mounted SMB or NFS, a UNC path, a local disk.
    Share,
    /// An HTTP or FTP server.
    Mirror,
}

/// How a machine is connected; the slow kinds stand back where wired ones are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum MachineClass {
    /// By cable.
    #[default]
    Wired,
    /// By radio.
    Wifi,
    /// From afar, through a tunnel.
    Vpn,
    /// Each byte costs money.
    Metered,
    /// On battery.
    Battery,
}
