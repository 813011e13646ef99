//! Fetches a short document whole: a .torrent, a metalink, whatever names a content by its address.
//!
//! The same connections, certificates, logins and rules for redirects as for mirrors. What must stay true:
//! no more than `len_max` bytes are kept whatever the server claims, a body that does not look like a
//! document is not read on, and nothing waits longer than `DOCUMENT_TIME_MAX`.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, header};
use hyper::body::Incoming;
use swarmcopy_address::{Shown, debug_shown};
use url::Url;

use super::MirrorOptions;
use super::error::MirrorError;
use super::options::REDIRECTS_MAX;
use super::seal::complaint;
use super::slots::{NoAnswer, NoFrame, Slot, Slots};
use super::target::{Target, without_credentials};
use super::trouble::plain_words;
use super::unpack::{MAGIC, unpacked};

/// Longest time for a document, redirects and all.
pub const DOCUMENT_TIME_MAX: Duration = Duration::from_mins(5);
/// Bytes of a body that are read before it is judged by its looks.
const LOOK_LEN: usize = 1024;

/// Why a document cannot be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Its address, the proxy or the certificates cannot be used.
    #[error(transparent)]
    Address(#[from] MirrorError),
    /// No answer, or one that broke off.
    #[error("cannot fetch {shown}: {what}")]
    Broken {
        /// The address without credentials.
        shown: String,
        /// What went wrong.
        what: String,
    },
    /// The server refuses.
    #[error("cannot fetch {shown}: the server says {status}")]
    Status {
        /// The address without credentials.
        shown: String,
        /// The status and its name.
        status: String,
    },
}

/// What one server on the way to a document said of it.
#[derive(Clone)]
pub struct Head {
    url: Url,
    headers: HeaderMap,
}

debug_shown!(Head {
    ;
    url: Shown(url),
    headers: headers.keys().collect::<Vec<_>>(),
});

impl Head {
    /// The address that was asked, without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// All values of a header, in order; those that are no text are left out.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok())
    }
}

/// A document as it was fetched.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// What each server said, redirects first; the last is the one that has it. Never empty.
    pub heads: Vec<Head>,
    /// How long it is, where that is told or known.
    pub len: Option<u64>,
    /// Whether the server that was asked first is at a public address, as far as that is known.
    pub is_public: bool,
    /// Its bytes; `None` if it is longer than asked for or does not look like a document.
    pub body: Option<Vec<u8>>,
}

impl Fetched {
    /// Where it lies after all redirects.
    pub fn url(&self) -> Option<&Url> {
        self.heads.last().map(Head::url)
    }
}

/// Fetches the document at `url` if it has at most `len_max` bytes and `looks` takes its first ones
/// (up to 1 KiB). May be dropped at any await.
pub async fn fetch_document(
    url: &str,
    options: &MirrorOptions,
    len_max: usize,
    looks: fn(&[u8]) -> bool,
) -> Result<Fetched, DocumentError> {
    let target = Target::of_document(url, options)?;
    let slots = Slots::new(&target, options);
    let fetch = Fetch {
        target: &target,
        slots: &slots,
        patience: options.idle_timeout,
    };
    let fetched = tokio::time::timeout(DOCUMENT_TIME_MAX, fetch.run(len_max, looks)).await;
    fetched.unwrap_or_else(|_| Err(fetch.broken("it takes too long")))
}

/// One fetch.
struct Fetch<'a> {
    target: &'a Target,
    slots: &'a std::sync::Arc<Slots>,
    patience: Duration,
}

impl Fetch<'_> {
    async fn run(
        &self,
        len_max: usize,
        looks: fn(&[u8]) -> bool,
    ) -> Result<Fetched, DocumentError> {
        let mut slot = self.slots.take().await.map_err(|what| self.broken(&what))?;
        let mut url = self.target.base().clone();
        let mut heads = Vec::new();
        for _redirect in 0..=REDIRECTS_MAX {
            let response = self.get(&mut slot, &url).await?;
            heads.push(Head {
                url: url.clone(),
                headers: response.headers().clone(),
            });
            if response.status().is_redirection() {
                url = self.follow(&url, response.headers())?;
                continue;
            }
            if !response.status().is_success() {
                return Err(DocumentError::Status {
                    shown: Shown(&url).to_string(),
                    status: response.status().to_string(),
                });
            }
            let told = content_len(response.headers());
            let too_long = told.is_some_and(|len| usize::try_from(len).is_ok_and(|l| l > len_max));
            let body = if too_long {
                None
            } else {
                self.body(&mut slot, response, len_max, looks).await?
            };
            let have = body
                .as_ref()
                .and_then(|body| u64::try_from(body.len()).ok());
            return Ok(Fetched {
                heads,
                is_public: !self.slots.guard().home_is_private(),
                len: have.or(told),
                body,
            });
        }
        Err(self.broken("it redirects too often"))
    }

    async fn get(&self, slot: &mut Slot, url: &Url) -> Result<Response<Incoming>, DocumentError> {
        let mut headers = HeaderMap::new();
        let identity = HeaderValue::from_static("identity");
        headers.insert(header::ACCEPT_ENCODING, identity);
        // RFC 6249 section 6, RFC 9530: what is hashed, in an order of preference
        let want = HeaderValue::from_static("SHA-256, SHA-512;q=0.8, SHA;q=0.5");
        headers.insert("want-digest", want);
        let want = HeaderValue::from_static("sha-256=10, sha-512=8");
        headers.insert("want-repr-digest", want);
        if let Some(login) = self.target.login(url).and_then(super::Login::header) {
            headers.insert(header::AUTHORIZATION, login);
        }
        match slot.get(url, &headers, self.patience).await {
            Ok(response) => Ok(response),
            Err(NoAnswer::Silent) => Err(self.broken("the server says nothing")),
            Err(NoAnswer::Reset(error) | NoAnswer::Unreachable(error)) => {
                Err(self.broken(&plain_words(&*error)))
            }
        }
    }

    fn follow(&self, url: &Url, headers: &HeaderMap) -> Result<Url, DocumentError> {
        let location = headers.get(header::LOCATION);
        let location = location.and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| url.join(location).ok());
        let Some(mut next) = next.filter(|next| matches!(next.scheme(), "http" | "https")) else {
            return Err(self.broken("a redirect to nowhere"));
        };
        if let Some(complaint) = complaint(next.scheme()) {
            return Err(self.broken(complaint));
        }
        without_credentials(&mut next);
        let allowed = self.slots.guard().follow(&next);
        allowed.map_err(|private| self.broken(&private.to_string()))?;
        Ok(next)
    }

    async fn body(
        &self,
        slot: &mut Slot,
        response: Response<Incoming>,
        len_max: usize,
        looks: fn(&[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>, DocumentError> {
        let told = content_len(response.headers());
        let coding = response.headers().get(header::CONTENT_ENCODING);
        let known = |coding: &HeaderValue| {
            let known = ["identity", "gzip", "x-gzip"];
            known
                .iter()
                .any(|known| coding.as_bytes().eq_ignore_ascii_case(known.as_bytes()))
        };
        if coding.is_some_and(|coding| !known(coding)) {
            return Err(self.broken("the server sends it compressed, which was not asked for"));
        }
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        let mut judged = false;
        loop {
            match slot.frame(&mut body, self.patience).await {
                Ok(frame) => bytes.extend_from_slice(&frame),
                Err(NoFrame::End) => break,
                Err(NoFrame::Silent) => return Err(self.broken("the server stopped sending")),
                Err(NoFrame::Reset(error)) => return Err(self.broken(&plain_words(&*error))),
            }
            judged |= bytes.len() >= LOOK_LEN;
            let packed = bytes.starts_with(&MAGIC);
            if bytes.len() > len_max || (judged && !packed && !looks(head(&bytes))) {
                return Ok(None);
            }
        }
        let have = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if told.is_some_and(|told| told != have) {
            return Err(self.broken("the server stopped sending"));
        }
        let unpacked = unpacked(bytes, len_max);
        let bytes = unpacked.ok_or_else(|| self.broken("it can't be unpacked"))?;
        Ok(looks(head(&bytes)).then_some(bytes))
    }

    fn broken(&self, what: &str) -> DocumentError {
        DocumentError::Broken {
            shown: self.target.shown().to_owned(),
            what: what.to_owned(),
        }
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..LOOK_LEN).unwrap_or(bytes)
}

fn content_len(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    value.parse().ok()
}
