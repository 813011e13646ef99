//! What the tasks of a link share: the link itself, and what all links of its swarm share.

use std::ops::Deref;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::core::Core;
use super::setup::Setup;
use crate::common::Common;
use crate::uplink::Place;

/// A link in its swarm.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) common: Arc<Common>,
    pub(crate) core: Arc<Core>,
}

impl Shared {
    pub(crate) fn new(common: Arc<Common>, setup: Setup) -> (Arc<Self>, mpsc::Receiver<TcpStream>) {
        let id = common.ids.next();
        let place = Place::new(&common.uplink, id);
        let close = common.cancel.child_token();
        let (core, streams) = Core::new(&common.layout, (id, place), close, setup);
        let core = Arc::new(core);
        (Arc::new(Self { common, core }), streams)
    }
}

impl Deref for Shared {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}
