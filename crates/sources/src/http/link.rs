//! One connection to a server, and how it is made.
//!
//! What must stay true: a link carries one request at a time, is used again only after the last answer's body
//! was read to its end, and is closed when dropped.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use swarmcopy_address::debug_shown;
use tokio::task::JoinHandle;
use url::Url;

use super::error::LinkError;
use super::guard::Guard;
use super::options::MirrorOptions;
use super::patient::{PatientConnector, Promise};
use super::seal;
use super::trust::Trust;
use crate::Limiter;

/// What this program calls itself.
const USER_AGENT: &str = concat!("swarmcopy/", env!("CARGO_PKG_VERSION"));
/// Longest run that a connection reads at once; its buffer grows to it only where bytes come fast.
const READ_LEN: usize = 512 * 1024;
/// Receive buffer of a connection whose rate is limited, as a part of what comes in a second, and its bounds in
/// bytes: what fits into it comes at the full speed of the line, in bursts that cost other users of the server
/// their packets.
const RECEIVE_BUFFER_PARTS: u64 = 50;
const RECEIVE_BUFFER: (u64, u64) = (32 * 1024, 4 * 1024 * 1024);

/// Makes links for one mirror.
pub(super) struct Dialer {
    guard: Guard,
    proxies: Matcher,
    trust: Trust,
    connect_timeout: Duration,
    limits: Vec<Arc<Limiter>>,
}

debug_shown!(Dialer {
    guard, trust, connect_timeout, limits;
    proxies: "..",
});

/// A connection that is open.
#[derive(Debug)]
pub(super) struct Link {
    origin: url::Origin,
    sender: SendRequest<NoBody>,
    /// Set if the other end is a proxy that wants the whole URL.
    proxy: Option<ProxyLogin>,
    promise: Promise,
    driver: JoinHandle<()>,
}

/// The body of a GET.
#[derive(Debug)]
struct NoBody;

impl Body for NoBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

struct ProxyLogin(Option<HeaderValue>);

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyLogin(..)")
    }
}

impl Dialer {
    pub(super) fn new(guard: Guard, options: &MirrorOptions) -> Self {
        let proxies = match options.proxy.as_deref() {
            Some(proxy) => Matcher::builder().all(proxy).build(),
            None if guard.home_is_loopback() => Matcher::builder().build(),
            None => Matcher::from_system(),
        };
        let (trust, connect_timeout) = (options.trust.clone(), options.connect_timeout);
        Self {
            guard,
            proxies,
            trust,
            connect_timeout,
            limits: options.limits.clone(),
        }
    }

    /// The rule for redirects.
    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Whether the server of `url` is reached through a proxy.
    pub(super) fn is_proxied(&self, url: &Url) -> bool {
        let target = url.as_str().parse::<Uri>();
        target.is_ok_and(|target| self.proxies.intercept(&target).is_some())
    }

    /// Connects to the server of `url`, through a proxy where one is set.
    pub(super) async fn dial(&self, url: &Url) -> Result<Link, LinkError> {
        let connecting = tokio::time::timeout(self.connect_timeout, self.connect(url));
        connecting
            .await
            .map_err(|_| format!("no connection within {:?}", self.connect_timeout))?
    }

    /// The receive buffer of a connection, where the system is not to choose it.
    fn receive_buffer(&self) -> Option<usize> {
        let rate = self.limits.iter().filter_map(|limit| limit.rate()).min()?;
        let len = (rate / RECEIVE_BUFFER_PARTS).clamp(RECEIVE_BUFFER.0, RECEIVE_BUFFER.1);
        usize::try_from(len).ok()
    }

    async fn connect(&self, url: &Url) -> Result<Link, LinkError> {
        let target: Uri = url.as_str().parse()?;
        let intercept = self.proxies.intercept(&target);
        let mut tcp = HttpConnector::new_with_resolver(self.guard.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_recv_buffer_size(self.receive_buffer());
        let promise = Promise::default();
        let tcp = PatientConnector::new(tcp, promise.clone());
        let trust = &self.trust;
        let (stream, proxy) = match intercept {
            Some(proxy) if url.scheme() == "https" => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), tcp);
                if let Some(login) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(login.clone());
                }
                (seal::connect(tunnel, trust, target).await?, None)
            }
            Some(proxy) => {
                let stream = seal::connect(tcp, trust, proxy.uri().clone()).await?;
                (
                    stream,
                    Some(ProxyLogin(Intercept::basic_auth(&proxy).cloned())),
                )
            }
            None => (seal::connect(tcp, trust, target).await?, None),
        };
        let (sender, connection) = Builder::new()
            .max_buf_size(READ_LEN)
            .handshake(stream)
            .await?;
        let driver = tokio::spawn(async move {
            // what went wrong is told to whoever sends or reads
            let _ = connection.await;
        });
        Ok(Link {
            origin: url.origin(),
            sender,
            proxy,
            promise,
            driver,
        })
    }
}

impl Link {
    /// Whether a request to `url` can be sent over it now.
    pub(super) fn fits(&self, url: &Url) -> bool {
        self.origin == url.origin() && self.is_open()
    }

    /// Whether neither side has closed it.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a GET and waits for the head of the answer.
    pub(super) async fn get(
        &mut self,
        url: &Url,
        headers: HeaderMap,
    ) -> Result<Response<Incoming>, LinkError> {
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let target = match &self.proxy {
            Some(_) => format!(
                "{}{}{query}",
                url.origin().ascii_serialization(),
                url.path()
            ),
            None => format!("{}{query}", url.path()),
        };
        let mut request = Request::get(target).body(NoBody)?;
        *request.headers_mut() = headers;
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let fixed = request.headers_mut();
        fixed.insert(header::HOST, HeaderValue::try_from(host)?);
        fixed.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        if let Some(ProxyLogin(Some(login))) = &self.proxy {
            fixed.insert(header::PROXY_AUTHORIZATION, login.clone());
        }
        self.sender.ready().await?;
        let mark = self.promise.mark();
        let response = self.sender.send_request(request).await?;
        let len = response.body().size_hint().exact();
        self.promise.body(mark, len.unwrap_or(0));
        Ok(response)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
