//! What is kept of an FTP server from one permit to the next.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use swarmcopy_layout::Layout;

use super::coming::Coming;
use super::sessions::Sessions;
use crate::MirrorOptions;
use crate::http::notes::Notes;
use crate::http::target::Target;
use crate::whole::Sequences;

/// What the fetches of a server share; it outlives a permit.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) target: Target,
    pub(super) layout: Arc<Layout>,
    pub(super) options: MirrorOptions,
    pub(super) notes: Notes,
    pub(super) sessions: Arc<Sessions>,
    /// Files that come as one transfer each.
    pub(super) sequences: Sequences<Coming>,
    /// Whether it was seen to know no `REST`: it sends files from their beginning alone.
    pub(super) knows_no_rest: AtomicBool,
}
