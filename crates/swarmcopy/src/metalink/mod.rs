//! A metalink as a content: with a torrent behind it, or by the hashes that it lists itself.
//!
//! What must stay true: every byte of such a content has a hash to be checked by; an entry that cannot
//! be used is left out and told, the others go on. `docs/metalink.md` lists the rules.

mod advice;
mod describe;
mod gather;
mod hosts;
mod place;
mod show;

use std::collections::BTreeSet;
use std::sync::Arc;

use swarmcopy_address::in_text;
use swarmcopy_layout::{FileIndex, PieceIndex};
use swarmcopy_metalink::{Address, Document, File, Mirror};
use url::Url;

use crate::provenance::Provenance;
use crate::what::{Web, failed};
use crate::{Content, Error};
pub(crate) use advice::{Advice, Holds, Host};
use gather::{Gather, Torrents};
pub(crate) use place::{Place, name_of};
pub(crate) use show::describe;

/// Makes a content of a document. Fetches the .torrents and the metalinks that it leads to.
pub(crate) async fn content(
    document: Document,
    place: &Place,
    web: &Web,
) -> Result<Content, Error> {
    let mut advice = Advice::of(&document);
    advice.from = place.from;
    let mut files = document.files;
    let web = &web.named_by(place.from);
    let mut gather = Gather::new(web, place);
    gather.follow_metalinks(&mut files).await;
    prefer(&mut files, web.locations());
    let torrents = gather.torrents(&files).await;
    let notes = gather.notes.drain(..);
    advice
        .notes
        .extend(notes.map(|note| in_text(&note).into_owned()));
    if let Some((whole, from)) = torrents.whole() {
        let made = of_torrent((whole, from), &files, &torrents, advice.clone())?;
        if !shares_pieces(&made) || !files.iter().all(describe::has_hash) {
            return Ok(made);
        }
        let note = "the torrent is not used: pieces of it reach into files that the metalink does not \
                    list";
        advice.notes.push(note.to_owned());
    } else {
        torrents.lend_pieces(&mut files, &mut advice.notes);
    }
    learn_sizes(&mut files, web).await;
    describe::content(&files, &place.stem, advice)
}

/// Makes a content of what a document lists itself, without fetching anything.
#[cfg(any(test, fuzzing))]
pub(crate) fn content_alone(document: &Document) -> Result<Content, Error> {
    describe::content(&document.files, "document", Advice::of(document))
}

/// Puts mirrors in these countries before others of equal priority, those of the first country first.
fn prefer(files: &mut [File], locations: &[String]) {
    let rank = |mirror: &Mirror| {
        let here = mirror.location.as_ref();
        let place = here.and_then(|here| {
            locations
                .iter()
                .position(|it| it.eq_ignore_ascii_case(here))
        });
        (mirror.priority, place.unwrap_or(locations.len()))
    };
    for file in files {
        file.mirrors.sort_by_key(rank);
    }
}

/// A torrent behind all files: its hashes rule, and the document adds mirrors and shares.
fn of_torrent(
    (bytes, from): (&[u8], Provenance),
    files: &[File],
    torrents: &Torrents,
    mut advice: Advice,
) -> Result<Content, Error> {
    let mut content = Content::torrent(bytes)?;
    content.from = from;
    advice.notes.extend(content.notes().iter().cloned());
    let mapped = torrents.mapped(files, &content.layout);
    let listed = mapped.len();
    let all = content.layout.files();
    let all = all.filter(|(_, file)| !file.attributes().pad).count();
    if all > listed {
        let note = format!(
            "the torrent has {} files that the metalink does not list: they are not copied",
            all - listed
        );
        advice.notes.push(note);
        let wanted: BTreeSet<FileIndex> = mapped.iter().map(|(file, _)| *file).collect();
        let files = content.layout.files();
        advice.listed = Some(files.map(|(file, _)| wanted.contains(&file)).collect());
    }
    advice.hosts = hosts::hosts(&mapped, &content.layout, content.name(), content.form);
    content.advice = Arc::new(advice);
    Ok(content)
}

/// Whether a piece holds bytes of a file that is listed and of one that is not: nobody may have both.
fn shares_pieces(content: &Content) -> bool {
    let Some(listed) = &content.advice.listed else {
        return false;
    };
    let files = content.layout.files().zip(listed);
    let files = files.filter(|((_, file), _)| !file.attributes().pad && !file.is_empty());
    let mut last: Option<(PieceIndex, bool)> = None;
    for ((_, file), listed) in files {
        let mut pieces = content.layout.pieces_of(file.span());
        let first = pieces.next();
        if last.is_some_and(|(piece, other)| Some(piece) == first && other != *listed) {
            return true;
        }
        last = pieces.last().or(first).map(|piece| (piece, *listed));
    }
    false
}

/// Asks the mirrors for sizes that the document does not tell.
async fn learn_sizes(files: &mut [File], web: &Web) {
    for file in files
        .iter_mut()
        .filter(|file| file.size.is_none())
        .take(SIZES_MAX)
    {
        let mirrors = file.mirrors_by_priority();
        let urls: Vec<String> = mirrors
            .iter()
            .filter(|mirror| mirror.url.scheme().starts_with("http"))
            .take(SIZE_TRIES)
            .map(|mirror| mirror.url.to_string())
            .collect();
        for url in urls {
            file.size = web.len(&url).await;
            if file.size.is_some() {
                break;
            }
        }
    }
}

/// Most files whose sizes are asked for.
const SIZES_MAX: usize = 256;
/// Most mirrors that are asked for one size.
const SIZE_TRIES: usize = 3;

impl Content {
    /// Takes a metalink (RFC 5854, or version 3) whose files have hashes in it; relative addresses in it are resolved
    /// against `base`. Other documents that it leads to are not fetched: [`Session::find`](crate::Session::find) does
    /// that. What can't be used is left out and told by [`notes`](Self::notes) and [`left_out`](Self::left_out).
    ///
    /// # Errors
    /// [`ErrorKind::Failed`](crate::ErrorKind::Failed) when it is no metalink, or nothing in it can be copied.
    pub fn metalink(bytes: impl AsRef<[u8]>, base: Option<&Url>) -> Result<Self, Error> {
        let address = base.and_then(|base| Address::try_from(base).ok());
        let document = Document::parse(bytes.as_ref(), address.as_ref()).map_err(|error| {
            failed(&format!("cannot read the metalink: {error}")).with_cause(error)
        })?;
        let mut advice = Advice::of(&document);
        let leads = document
            .files
            .iter()
            .filter(|file| !file.metaurls.is_empty());
        let leads = leads.count();
        if leads > 0 {
            let note = format!("what {leads} files lead to is not fetched");
            advice.notes.push(note);
        }
        let name = base.and_then(name_of).unwrap_or_default();
        let stem = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(stem, _)| stem);
        let stem = if stem.is_empty() { "metalink" } else { stem };
        describe::content(&document.files, stem, advice)
    }

    /// What a metalink says that was not taken, and other things to know, for people.
    pub fn notes(&self) -> &[String] {
        &self.advice.notes
    }

    /// The files that a metalink lists and that are left out, each with the reason: a copy lacks them.
    pub fn left_out(&self) -> &[String] {
        &self.advice.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_metalink::FilePath;

    #[test]
    fn mirrors_in_preferred_countries_come_first_among_equals() {
        let mut file = File::new(FilePath::parse("a").unwrap());
        for (host, location, priority) in [
            ("far", None, 2),
            ("us", Some("us"), 2),
            ("best", Some("us"), 1),
            ("nl", Some("nl"), 2),
            ("de", Some("de"), 2),
        ] {
            let mut mirror = Mirror::new(Address::parse(&format!("http://{host}/a")).unwrap());
            mirror.location = location.map(str::to_owned);
            mirror.priority = priority;
            file.mirrors.push(mirror);
        }
        let mut files = [file];
        prefer(&mut files, &["de".to_owned(), "NL".to_owned()]);
        let hosts = files[0].mirrors_by_priority().into_iter();
        let hosts: Vec<_> = hosts.map(|mirror| mirror.url.host()).collect();
        assert_eq!(hosts, ["best", "de", "nl", "far", "us"]);
    }
}
