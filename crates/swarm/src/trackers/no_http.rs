//! Trackers by HTTP in a build without the feature `tracker`: each is told as one that can't be asked.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::time::Duration;

use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest};
use swarmcopy_sources::Reach;
use url::Url;

/// What asks nobody.
#[derive(Debug)]
pub(super) struct Http;

impl Http {
    /// Makes it.
    #[expect(clippy::unnecessary_wraps, reason = "it stands for one that can fail")]
    pub(super) fn new(
        _name: &str,
        _ip: Option<IpAddr>,
        _patience: Duration,
        _private: bool,
    ) -> Option<Self> {
        Some(Self)
    }

    /// Says why it can't announce.
    #[expect(clippy::unused_self, reason = "it stands for one that asks")]
    pub(super) fn announce(
        &self,
        _url: &Url,
        _request: &AnnounceRequest,
        _reach: Reach,
    ) -> Ready<Result<AnnounceReply, String>> {
        let why = "this build asks no tracker by HTTP (feature `tracker`)";
        ready(Err(why.to_owned()))
    }
}
