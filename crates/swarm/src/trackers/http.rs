//! Announcing by HTTP (BEP 3).
//!
//! What must stay true: a reply is read only up to its limit, whatever length it claims.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest, REPLY_LEN_MAX};
use swarmcopy_sources::http::unpacked;
use url::Url;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 3;

/// What asks a content's trackers.
#[derive(Debug)]
pub(super) struct Http(Client);

impl Http {
    /// Makes it. Without a proxy: a tracker must see our own address, since that is what it tells others.
    pub(super) fn new(name: &str, bind_ip: Option<IpAddr>, patience: Duration) -> Option<Self> {
        let client = Client::builder()
            .user_agent(name.replace(' ', "/"))
            .timeout(patience)
            .redirect(Policy::limited(REDIRECTS_MAX))
            .local_address(bind_ip)
            .no_proxy()
            .build();
        client
            .inspect_err(|error| tracing::warn!(%error, "cannot ask trackers by HTTP"))
            .ok()
            .map(Self)
    }

    /// Announces once.
    pub(super) async fn announce(
        &self,
        url: &Url,
        request: &AnnounceRequest,
    ) -> Result<AnnounceReply, String> {
        let reply = self.0.get(request.url(url)).send().await;
        let mut reply = reply.map_err(|error| cause(&error))?;
        let status = reply.status();
        let mut body = Vec::new();
        while let Some(part) = reply.chunk().await.map_err(|error| cause(&error))? {
            if body.len().saturating_add(part.len()) > REPLY_LEN_MAX {
                return Err("its answer is too long".to_owned());
            }
            body.extend_from_slice(&part);
        }
        // some pack their answers though nobody asked for that
        let body = unpacked(body, REPLY_LEN_MAX).ok_or("its answer can't be unpacked")?;
        match AnnounceReply::parse(&body) {
            // some trackers say why they refuse in a reply with an error's status
            Err(_) if !status.is_success() => Err(format!("it answers with status {status}")),
            Err(_) if is_page(&body) => {
                Err("it answers with a web page, not as a tracker".to_owned())
            }
            parsed => parsed.map_err(|error| error.to_string()),
        }
    }
}

/// Whether this looks like HTML.
fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// The innermost cause, which names what happened; the outer ones only repeat the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
