//! What an http(s) address names: a document, or a file of which its server tells hashes (RFC 6249).
//!
//! What must stay true: a file without a hash is refused, never copied on trust.

use swarmcopy_metalink::{Address, Document, File, FilePath, Headers, Mirror};
use swarmcopy_sources::http::Fetched;
use url::Url;

use super::named::Named;
use super::web::Web;
use super::words::{failed, shown};
use crate::Error;
use crate::metalink::{Place, name_of};
use crate::provenance::Provenance;

/// Reads what lies at `url`.
pub(super) async fn read(url: &str, web: &Web) -> Result<Named, Error> {
    let mut fetched = web.fetch(url).await?;
    let at = fetched
        .url()
        .cloned()
        .ok_or_else(|| failed(&"cannot fetch the address: no answer"))?;
    if let Some(body) = fetched.body.take() {
        let named = Named::of_bytes(body, place(&fetched, &at), &shown(&at));
        // a file may look like a document and be none
        return named.or_else(|error| described(&fetched).map_err(|_| error));
    }
    described(&fetched)
}

/// Where what was fetched lies.
fn place(fetched: &Fetched, at: &Url) -> Place {
    Place::of_url(at, Provenance::fetched(fetched.is_public))
}

/// The file that the headers describe.
fn described(fetched: &Fetched) -> Result<Named, Error> {
    let asked = fetched
        .heads
        .first()
        .map(swarmcopy_sources::http::Head::url);
    let Some(asked) = asked else {
        return Err(failed(&"cannot fetch a file: no answer"));
    };
    let name = name_of(asked).and_then(|name| FilePath::parse(&name).ok());
    let asked_shown = shown(asked);
    let path =
        name.ok_or_else(|| failed(&format!("cannot copy {asked_shown}: it names no file")))?;
    // who redirects may describe what it redirects to, and knows it first
    let told = fetched.heads.iter().filter_map(|head| {
        let asked = Address::try_from(head.url()).ok()?;
        let values = |name| head.values(name).collect::<Vec<_>>();
        let (link, digest, repr) = (values("link"), values("digest"), values("repr-digest"));
        let headers = Headers::new(&link, &digest, &repr);
        Some(File::from_headers(path.clone(), &asked, headers))
    });
    let Some((mut file, dropped)) = told
        .into_iter()
        .find(|(file, _)| !file.hashes.is_empty() || !file.metaurls.is_empty())
    else {
        return Err(failed(&format!(
            "cannot copy {asked_shown}: it is no .torrent, metalink or magnet link, and its server tells no \
             hash of it to check a copy by"
        ))
        .with_hint("make a .torrent or a metalink of it, or let the server send Repr-Digest"));
    };
    file.size = fetched.len;
    let address = Address::try_from(asked).map_err(|error| failed(&error))?;
    let mut own = Mirror::new(address);
    own.priority = 1;
    file.mirrors.insert(0, own);
    let mut document = Document::default();
    document.files.push(file);
    document.dropped = dropped;
    Ok(Named::Metalink(Box::new(document), place(fetched, asked)))
}
