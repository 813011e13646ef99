//! Announcing by HTTP (BEP 3).
//!
//! What must stay true: a reply is read only up to its limit, whatever length it claims; a redirect leads no further than
//! [`Reach`] says, and tells nobody where it came from.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest, REPLY_LEN_MAX};
use swarmcopy_sources::Reach;
use swarmcopy_sources::http::unpacked;
use url::Url;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 3;

/// What asks a content's trackers.
#[derive(Debug)]
pub(super) struct Http {
    any: Client,
    /// Finds no name at a private address.
    public: Client,
    private_redirects: bool,
}

impl Http {
    /// Makes it. Without a proxy: a tracker must see our own address, since that is what it tells others.
    pub(super) fn new(
        name: &str,
        bind_ip: Option<IpAddr>,
        patience: Duration,
        private_redirects: bool,
    ) -> Option<Self> {
        let builder = || {
            Client::builder()
                .user_agent(name.replace(' ', "/"))
                .timeout(patience)
                .redirect(Policy::none())
                .local_address(bind_ip)
                .no_proxy()
        };
        let public = builder().dns_resolver(Arc::new(PublicNames)).build();
        let both = builder().build().and_then(|any| Ok((any, public?)));
        let (any, public) = both
            .inspect_err(|error| tracing::warn!(%error, "cannot ask trackers by HTTP"))
            .ok()?;
        Some(Self {
            any,
            public,
            private_redirects,
        })
    }

    /// Asks, and follows redirects as far as they may lead.
    async fn get(&self, mut url: Url, mut reach: Reach) -> Result<Response, String> {
        for _ in 0..=REDIRECTS_MAX {
            let host = url.host_str().unwrap_or_default();
            reach.check_host(host).map_err(|error| error.to_string())?;
            let client = match reach {
                Reach::Any => &self.any,
                _ => &self.public,
            };
            let reply = client.get(url.clone()).send().await;
            let reply = reply.map_err(|error| cause(&error))?;
            let Some(next) = redirect(&url, &reply) else {
                return Ok(reply);
            };
            if !self.private_redirects {
                reach = reach.after(reply.remote_addr().map(|at| at.ip()));
            }
            url = next;
        }
        Err("it redirects too often".to_owned())
    }

    /// Announces once.
    pub(super) async fn announce(
        &self,
        url: &Url,
        request: &AnnounceRequest,
        reach: Reach,
    ) -> Result<AnnounceReply, String> {
        let mut reply = self.get(request.url(url), reach).await?;
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

/// Where a reply leads.
fn redirect(from: &Url, reply: &Response) -> Option<Url> {
    if !matches!(reply.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = std::str::from_utf8(reply.headers().get(LOCATION)?.as_bytes()).ok()?;
    let to = from.join(to).ok()?;
    matches!(to.scheme(), "http" | "https").then_some(to)
}

/// Finds the public addresses of names.
#[derive(Debug)]
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Addrs = Box::new(Reach::Public.sift(found)?.into_iter());
            Ok(public)
        })
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
