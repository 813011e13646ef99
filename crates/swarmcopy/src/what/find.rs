//! From a name to a content.

use super::finding::Finding;
use super::magnet::{self, Link};
use super::named::Named;
use super::web::Web;
use super::words::failed;
use crate::{Content, CopyOptions, Error, Session, What, metalink};

impl Session {
    /// Finds out what `what` names and makes a content of it. The .torrents and metalinks that a
    /// metalink leads to are fetched, and the peers, trackers and addresses of a magnet link are
    /// asked for its description, besides the peers and trackers of `options`. A magnet link waits
    /// until some peer answers, as long as the time-out or the deadline of the options allow.
    ///
    /// May be dropped at any await.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`](crate::ErrorKind::Failed) when it can't be read or makes no sense, [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete) when
    /// no peer described the content of a magnet link in time.
    pub async fn find(&self, what: &What, options: &CopyOptions) -> Result<Content, Error> {
        self.find_watched(what, options, &Finding::default()).await
    }

    /// The same; `finding` tells meanwhile how it goes.
    ///
    /// # Errors
    /// Those of [`find`](Self::find).
    pub async fn find_watched(
        &self,
        what: &What,
        options: &CopyOptions,
        finding: &Finding,
    ) -> Result<Content, Error> {
        let web = Web::new(options)?;
        let named = Named::read(what, &web).await?;
        self.content_of(named, (options, finding), &web).await
    }

    /// Makes a content of what was found.
    async fn content_of(
        &self,
        mut named: Named,
        (options, finding): (&CopyOptions, &Finding),
        web: &Web,
    ) -> Result<Content, Error> {
        let mut link = None;
        if let Named::Magnet(text, from) = &named {
            let found = Link::read(text, *from, options).await?;
            let (bytes, from) =
                magnet::torrent(&found, &self.inner, (options, finding), web).await?;
            named = Named::Torrent(bytes, from);
            link = Some(found);
        }
        let content = match named {
            Named::Torrent(bytes, from) => {
                let mut content = Content::torrent(bytes)?;
                content.from = from;
                content
            }
            Named::Metalink(document, place) => metalink::content(*document, &place, web).await?,
            Named::Magnet(..) => return Err(failed(&"a magnet link leads to another")),
        };
        let mut content = content.with_options(options.clone());
        content.check_named().await;
        if let Some(link) = link {
            link.advise(&mut content);
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::provenance::Provenance;

    const HASH: &str = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";

    /// What comes of a link from there that names this machine in each way, and whether this machine was asked.
    async fn asked(from: Provenance, trusted: bool) -> (String, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
        });
        let link = format!(
            "magnet:?xt=urn:btih:{HASH}&xs=http://{addr}/x.torrent&tr=http://{addr}/announce\
             &ws=http://{addr}/&x.pe={addr}"
        );
        let session = Session::builder().lsd(false).build().await.unwrap();
        let mut options = CopyOptions::new("x");
        options.trust_document = trusted;
        options.timeout = Some(std::time::Duration::from_millis(500));
        let web = Web::new(&options).unwrap();
        let found = session
            .content_of(
                Named::Magnet(link, from),
                (&options, &Finding::default()),
                &web,
            )
            .await;
        let error = found.unwrap_err();
        let told = format!("{error} {}", error.hint().unwrap_or_default());
        session.shutdown(std::time::Duration::ZERO).await;
        (told, asked.is_finished())
    }

    #[tokio::test]
    async fn a_link_from_the_internet_makes_no_private_address_be_asked_unless_it_is_trusted() {
        let (told, asked_it) = asked(Provenance::Internet, false).await;
        assert!(!asked_it && told.contains("trust_document"), "{told}");
        for (from, trusted) in [(Provenance::Internet, true), (Provenance::Network, false)] {
            let (told, asked_it) = asked(from, trusted).await;
            assert!(asked_it && !told.contains("trust_document"), "{told}");
        }
    }
}
