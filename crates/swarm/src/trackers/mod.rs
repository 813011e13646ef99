//! Trackers of a swarm.

use std::net::IpAddr;
use std::sync::Arc;

use url::Url;

use crate::common::Common;

pub(crate) async fn run(_common: Arc<Common>, _tiers: Vec<Vec<Url>>, _bind_ip: Option<IpAddr>) {}
