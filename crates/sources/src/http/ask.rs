//! Asking for a file: the request, its redirects, and what is learnt for the next time.
//!
//! What must stay true: a login goes to the mirror's own origin alone, at most `REDIRECTS_MAX` redirects are
//! followed, and none to where the mirror must not lead.

use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, Response, header};
use hyper::body::{Body as _, Incoming};
use swarmcopy_address::Shown;
use url::Url;

use super::answer::{self, Answer, Asked, Refusal};
use super::options::REDIRECTS_MAX;
use super::reader::MirrorReader;
use super::seal::{complaint, is_not_trusted};
use super::slots::{NoAnswer, Slot};
use super::target::without_credentials;
use super::trouble::{Trouble, leads_to_private, plain_words};
use crate::SourceError;
use crate::whole::{Wanted, Whole as _};

/// Longest body of an answer without use that is read to keep its connection.
const DRAIN_LEN_MAX: u64 = 16 * 1024;

impl MirrorReader {
    /// Asks for a part of a file and follows redirects.
    pub(super) async fn ask(
        &self,
        slot: &mut Slot,
        wanted: Wanted<'_>,
    ) -> Result<(Response<Incoming>, Answer), Trouble> {
        let known = self.mirror.notes.known(wanted.index);
        let target = &self.mirror.target;
        let home = target.file_url(wanted.index, wanted.file.path(), known.spelling);
        let home = home.ok_or_else(|| self.refuse(wanted, Refusal::NoAddress))?;
        let kept = known.moved.is_some();
        let mut url = known.moved.unwrap_or_else(|| home.clone());
        for _redirect in 0..=REDIRECTS_MAX {
            let (response, answer) = self
                .ask_at(slot, wanted, &url, known.etag.as_deref())
                .await?;
            match answer {
                Answer::Moved(Shown(location)) => {
                    url = self.follow(wanted, &url, &location)?;
                    self.drain(slot, response).await;
                }
                Answer::Refused(Refusal::Status(403 | 404 | 410)) if kept && url != home => {
                    // links of content networks expire: ask at home where it is now
                    self.mirror
                        .notes
                        .learn(wanted.index, |known| known.moved = None);
                    self.drain(slot, response).await;
                    return Err(Trouble::Passing("a redirect that has expired".to_owned()));
                }
                answer => {
                    self.learn(wanted, response.headers(), &answer, (&url, &home));
                    return Ok((response, answer));
                }
            }
        }
        Err(self.refuse(wanted, Refusal::Redirects).into())
    }

    async fn ask_at(
        &self,
        slot: &mut Slot,
        wanted: Wanted<'_>,
        url: &Url,
        etag: Option<&str>,
    ) -> Result<(Response<Incoming>, Answer), Trouble> {
        let file = wanted.file.span();
        let ranged = wanted.span != file;
        let asked = Asked {
            from: wanted.span.start() - file.start(),
            to: wanted.span.end() - file.start(),
            len: file.len(),
            etag: etag.filter(|_| ranged),
            html: is_html_name(wanted.file.path().name()),
        };
        let headers = self.headers(&asked, url);
        match slot
            .get(url, &headers, self.mirror.options.idle_timeout)
            .await
        {
            Ok(response) => {
                let now = SystemTime::now();
                let answer = answer::read(response.status(), response.headers(), &asked, now);
                Ok((response, answer))
            }
            Err(NoAnswer::Silent) => Err(self.silent().into()),
            Err(NoAnswer::Reset(error)) => Err(Trouble::Passing(plain_words(&*error))),
            Err(NoAnswer::Unreachable(error)) if leads_to_private(&*error) => {
                Err(self.refuse(wanted, Refusal::Private).into())
            }
            Err(NoAnswer::Unreachable(error)) if is_not_trusted(&*error) => {
                Err(self.closed(plain_words(&*error)).into())
            }
            Err(NoAnswer::Unreachable(error)) => Err(self.broken(plain_words(&*error)).into()),
        }
    }

    fn headers(&self, asked: &Asked<'_>, url: &Url) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        let ranged = asked.to - asked.from != asked.len;
        let range = format!("bytes={}-{}", asked.from, asked.to.saturating_sub(1));
        if let Some(range) = HeaderValue::try_from(range).ok().filter(|_| ranged) {
            headers.insert(header::RANGE, range);
        }
        if let Some(etag) = asked.etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(header::IF_RANGE, etag);
        }
        if let Some(login) = self.mirror.target.login(url).and_then(super::Login::header) {
            headers.insert(header::AUTHORIZATION, login);
        }
        headers
    }

    fn follow(&self, wanted: Wanted<'_>, url: &Url, location: &str) -> Result<Url, SourceError> {
        let next = url.join(location);
        let mut next = next.map_err(|_| self.refuse(wanted, Refusal::Redirect))?;
        without_credentials(&mut next);
        if !matches!(next.scheme(), "http" | "https") || complaint(next.scheme()).is_some() {
            return Err(self.refuse(wanted, Refusal::Redirect));
        }
        let allowed = self.mirror.slots.guard().follow(&next);
        allowed.map_err(|_| self.refuse(wanted, Refusal::Private))?;
        Ok(next)
    }

    /// Keeps what helps to ask for the rest of the file.
    fn learn(
        &self,
        wanted: Wanted<'_>,
        headers: &HeaderMap,
        answer: &Answer,
        (url, home): (&Url, &Url),
    ) {
        if !matches!(answer, Answer::Bytes { .. }) || wanted.span == wanted.file.span() {
            return;
        }
        let etag = answer::strong_etag(headers).map(str::to_owned);
        let moved = (url != home).then(|| url.clone());
        let known = self.mirror.notes.known(wanted.index);
        if known.etag != etag || known.moved != moved {
            self.mirror.notes.learn(wanted.index, |known| {
                known.etag = etag;
                known.moved = moved;
            });
        }
    }

    /// Reads a short body to its end, so that the connection can be used again.
    pub(super) async fn drain(&self, slot: &mut Slot, response: Response<Incoming>) {
        let mut body = response.into_body();
        if body
            .size_hint()
            .exact()
            .is_none_or(|len| len > DRAIN_LEN_MAX)
        {
            return;
        }
        let patience = self.mirror.options.idle_timeout;
        while slot.frame(&mut body, patience).await.is_ok() {}
    }
}

fn is_html_name(name: &str) -> bool {
    let ending = name
        .rsplit_once('.')
        .map_or("", |(_, ending)| ending)
        .to_ascii_lowercase();
    matches!(
        ending.as_str(),
        "html" | "htm" | "xhtml" | "xht" | "shtml" | "mht" | "php" | "hta"
    )
}
