//! From a name to a content.

use super::magnet;
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
        let web = Web::new(options)?;
        let mut named = Named::read(what, &web).await?;
        let mut link = None;
        if let Named::Magnet(text) = &named {
            let magnet = magnet::parse(text)?;
            let (bytes, from) = magnet::torrent(&magnet, &self.inner, options, &web).await?;
            named = Named::Torrent(bytes, from);
            link = Some(magnet);
        }
        let content = match named {
            Named::Torrent(bytes, from) => {
                let mut content = Content::torrent(bytes)?;
                content.from = from;
                content
            }
            Named::Metalink(document, place) => metalink::content(*document, &place, &web).await?,
            Named::Magnet(_) => return Err(failed(&"a magnet link leads to another")),
        };
        let mut content = content.with_options(options.clone());
        content.check_named().await;
        if let Some(magnet) = link {
            magnet::advise(&magnet, &mut content);
        }
        Ok(content)
    }
}
