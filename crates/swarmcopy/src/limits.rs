//! Which limits hold for what is taken from an origin.
//!
//! What must stay true: the origins' own budget holds always, `limit_down` wherever the address of a
//! source is not known to lie in a network that is free of it.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_sources::{Limiter, Networks};
use tokio::net::lookup_host;
use tokio::time::timeout;
use url::{Host, Url};

/// Time to look a mirror up.
const LOOKUP_TIME: Duration = Duration::from_secs(5);

/// The limits of one copy.
#[derive(Debug, Clone)]
pub(crate) struct OriginLimits {
    /// What is taken from all sources together.
    pub(crate) down: Arc<Limiter>,
    /// What is taken from all origins together.
    pub(crate) origin: Arc<Limiter>,
    /// Where `down` does not hold.
    pub(crate) free: Networks,
}

impl OriginLimits {
    /// Those of any origin.
    pub(crate) fn all(&self) -> Vec<Arc<Limiter>> {
        vec![Arc::clone(&self.down), Arc::clone(&self.origin)]
    }

    /// Those of a share: a folder that is mounted counts as near.
    pub(crate) fn of_share(&self) -> Vec<Arc<Limiter>> {
        if self.free.contains_lan() {
            vec![Arc::clone(&self.origin)]
        } else {
            self.all()
        }
    }

    /// Those of a mirror; its name is looked up where that matters.
    pub(crate) async fn of_mirror(&self, url: &str) -> Vec<Arc<Limiter>> {
        if self.is_free(url).await {
            vec![Arc::clone(&self.origin)]
        } else {
            self.all()
        }
    }

    /// Whether all addresses of a mirror are free.
    async fn is_free(&self, url: &str) -> bool {
        if self.free.is_empty() {
            return false;
        }
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        match url.host() {
            Some(Host::Ipv4(ip)) => self.free.contains(ip.into()),
            Some(Host::Ipv6(ip)) => self.free.contains(ip.into()),
            Some(Host::Domain(name)) => {
                let port = url.port_or_known_default().unwrap_or_default();
                let found = timeout(LOOKUP_TIME, lookup_host((name, port))).await;
                let Ok(Ok(found)) = found else { return false };
                let mut found = found.peekable();
                found.peek().is_some() && found.all(|addr| self.free.contains(addr.ip()))
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(free: &[&str]) -> OriginLimits {
        let free = free.iter().map(|text| text.parse().unwrap()).collect();
        OriginLimits {
            down: Arc::new(Limiter::new(Some(1))),
            origin: Arc::new(Limiter::new(Some(2))),
            free: Networks::new(vec![free]),
        }
    }

    fn rates(limits: &[Arc<Limiter>]) -> Vec<Option<u64>> {
        limits.iter().map(|limit| limit.rate()).collect()
    }

    #[tokio::test]
    async fn only_the_budget_of_origins_holds_for_what_is_free() {
        let (free, all) = ([Some(2)], [Some(1), Some(2)]);
        let lan = limits(&["lan"]);
        assert_eq!(rates(&lan.of_share()), free);
        assert_eq!(rates(&lan.of_mirror("http://10.0.0.7/x/").await), free);
        assert_eq!(rates(&lan.of_mirror("http://[fe80::1]:8080/").await), free);
        assert_eq!(rates(&lan.of_mirror("http://localhost/").await), free);
        assert_eq!(rates(&lan.of_mirror("ftp://192.0.2.1/").await), all);
        assert_eq!(rates(&lan.of_mirror("http://nowhere.invalid/").await), all);
        let site = limits(&["192.0.2.0/24"]);
        assert_eq!(rates(&site.of_share()), all);
        assert_eq!(rates(&site.of_mirror("ftp://192.0.2.1/").await), free);
        let none = limits(&[]);
        assert_eq!(rates(&none.of_share()), all);
        assert_eq!(rates(&none.of_mirror("http://127.0.0.1/").await), all);
    }
}
