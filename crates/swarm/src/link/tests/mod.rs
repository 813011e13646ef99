//! Links by script: what is sent, and what must follow.

mod asking;
mod greeting;
mod serving;

use bytes::Bytes;

use crate::testing::{Rig, content};

/// The bytes of the rig's content.
fn content_of(rig: &Rig) -> Bytes {
    content(usize::try_from(rig.common.layout.len()).unwrap())
}
