//! An answer on its way, and the connection that it comes over.

use http::Response;
use hyper::body::Incoming;

use super::slots::Slot;
use crate::whole::Line;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Coming {
    pub(super) slot: Slot,
    pub(super) body: Incoming,
}

impl Coming {
    pub(super) fn new(slot: Slot, response: Response<Incoming>) -> Self {
        let body = response.into_body();
        Self { slot, body }
    }
}

impl Line for Coming {
    fn is_wanted(&self) -> bool {
        self.slot.is_wanted()
    }
}
