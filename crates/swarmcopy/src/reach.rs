//! Whether a name leads to a private address or to this machine, where a document from elsewhere must not lead.

use std::net::SocketAddr;
use std::time::Duration;

use swarmcopy_sources::Reach;
use url::Url;

/// How long a name may take to be found.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

/// Whether one of the addresses of a URL's host is a private one or this machine's.
pub(crate) async fn url_is_private(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(1);
    let looking = tokio::net::lookup_host((host, port));
    any_is_private(looking).await
}

/// The same of a peer as `HOST:PORT`.
pub(crate) async fn peer_is_private(peer: &str) -> bool {
    any_is_private(tokio::net::lookup_host(peer)).await
}

async fn any_is_private<A: Iterator<Item = SocketAddr>>(
    looking: impl Future<Output = std::io::Result<A>>,
) -> bool {
    match tokio::time::timeout(LOOK_UP_TIME, looking).await {
        Ok(Ok(mut found)) => found.any(|addr| !Reach::Public.allows(addr.ip())),
        // a name that nobody knows leads nowhere
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn private_addresses_are_known_however_they_are_written() {
        for url in [
            "http://127.0.0.1/x",
            "udp://[::1]:1",
            "http://localhost:1/",
            "http://10.1.2.3/",
        ] {
            assert!(url_is_private(url).await, "{url}");
        }
        assert!(!url_is_private("http://192.0.2.1/").await && !url_is_private("no url").await);
        assert!(peer_is_private("[fd00::1]:1").await && !peer_is_private("192.0.2.1:1").await);
    }
}
