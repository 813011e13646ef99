//! What is kept of an FTP server from one permit to the next.

use std::sync::Arc;

use swarmcopy_layout::Layout;

use super::sessions::Sessions;
use crate::MirrorOptions;
use crate::http::notes::Notes;
use crate::http::target::Target;

/// What the fetches of a server share; it outlives a permit.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) target: Target,
    pub(super) layout: Arc<Layout>,
    pub(super) options: MirrorOptions,
    pub(super) notes: Notes,
    pub(super) sessions: Sessions,
}
