//! The extension protocol (BEP 10) and what is spoken in it: metadata exchange (BEP 9), peer
//! exchange (BEP 11), our own slot gossip, and what machines of ours tell onlookers.
//!
//! What must stay true: every list from a peer is cut to a named limit, and unknown keys and
//! extensions are ignored.

mod error;
mod handshake;
mod metadata;
mod pex;
mod slots;
mod status;
#[cfg(test)]
mod tests;

pub use error::ExtensionError;
pub use handshake::{ExtensionHandshake, HANDSHAKE_LEN_MAX, OwnHandshake, TAGS_MAX};
pub use metadata::{METADATA_BLOCK_LEN, MetadataMessage};
pub use pex::{PEX_PEERS_MAX, Pex, PexFlags, PexPeer};
pub use slots::{
    BadMark, Claim, GROUP_LEN_MAX, MARKS_MAX, NodeBytes, RECORDS_MAX, SLOTS_LEN_MAX, SlotRecord,
    SlotsMessage,
};
pub use status::{
    DecisionStatus, MachineStatus, ONLOOKER_PREFIX, STATUS_DECISIONS_MAX, STATUS_LEN_MAX,
    STATUS_NAME_LEN_MAX, STATUS_SLOTS_MAX, STATUS_SOURCES_MAX, STATUS_WORDS_LEN_MAX, SourceStatus,
    StatusMessage, StatusQuestion,
};

/// The number of the handshake itself.
pub const HANDSHAKE_ID: u8 = 0;
/// Name of metadata exchange.
pub const UT_METADATA: &str = "ut_metadata";
/// Name of peer exchange.
pub const UT_PEX: &str = "ut_pex";
/// Name of the word that a piece is there no more (BEP 54).
pub const LT_DONTHAVE: &str = "lt_donthave";
/// Name of our slot gossip.
pub const SC_SLOTS: &str = "sc_slots";
/// Name of the question how a machine does.
pub const SC_STATUS: &str = "sc_status";
