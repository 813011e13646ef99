//! How often a peer may make us take or answer a message of an extension.

use std::time::Duration;

use tokio::time::Instant;

use crate::tokens::Tokens;

/// Greetings that a peer may send at once, and the time in which one more is taken (BEP 10 lets it change its words).
const GREETINGS_MAX: u32 = 8;
const GREETING_EVERY: Duration = Duration::from_secs(10);
/// Addresses that a peer may tell of at once, and the time in which one more is taken.
const ADDRESSES_MAX: u32 = 100;
const ADDRESS_EVERY: Duration = Duration::from_secs(1);
/// Blocks of metadata that a peer may ask for at once, and the time in which one more is given.
const METADATA_MAX: u32 = 4096;
const METADATA_EVERY: Duration = Duration::from_millis(2);
/// What a peer may make us take, by messages of extensions.
#[derive(Debug)]
pub(super) struct Quotas {
    pub(super) greetings: Tokens,
    pub(super) addresses: Tokens,
    pub(super) metadata: Tokens,
}

impl Quotas {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            greetings: Tokens::new(now, GREETINGS_MAX, GREETING_EVERY),
            addresses: Tokens::new(now, ADDRESSES_MAX, ADDRESS_EVERY),
            metadata: Tokens::new(now, METADATA_MAX, METADATA_EVERY),
        }
    }
}
