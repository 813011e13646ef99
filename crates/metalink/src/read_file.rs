//! Reads what a document says about one file: size, hashes, pieces, URLs.

use crate::error::Error;
use crate::excerpt::excerpt;
use crate::file::{File, MetaKind, MetaUrl, Mirror, Signature};
use crate::hash::{Hash, HashError, HashKind, PieceList, push_hex};
use crate::limits::URLS_MAX;
use crate::path::FilePath;
use crate::read::Reader;
use crate::report::{Part, Reason};
use crate::version::Version;
use crate::xml::Tag;

/// The largest size: what file systems and offsets of other programs take.
const SIZE_MAX: u64 = i64::MAX.unsigned_abs();

impl Reader<'_> {
    pub(crate) fn file_parts(&mut self, file: &mut File, depth: usize) -> Result<(), Error> {
        while let Some(tag) = self.child(depth)? {
            match (self.version, tag.name()) {
                (_, "size") => self.size(file)?,
                (_, "hash") => self.hash(file, &tag)?,
                (_, "pieces") => self.pieces(file, &tag)?,
                (_, "url") => self.mirror(file, &tag)?,
                (_, "signature") => self.signature(file, &tag)?,
                (Version::V4, "metaurl") => self.metaurl(file, &tag)?,
                (Version::V3, "verification") => self.file_parts(file, depth + 1)?,
                (Version::V3, "resources") => {
                    file.connections_max = self.connections(&tag)?;
                    self.file_parts(file, depth + 1)?;
                }
                _ => self.about(&tag, &mut file.about)?,
            }
        }
        Ok(())
    }

    fn size(&mut self, file: &mut File) -> Result<(), Error> {
        let text = self.cursor.text()?;
        let Some(size) = self.number(Part::Size, &text, (0, SIZE_MAX)) else {
            return Ok(());
        };
        match file.size {
            Some(before) if before != size => self.report.push(Part::Size, &text, Reason::Repeated),
            _ => file.size = Some(size),
        }
        Ok(())
    }

    fn hash(&mut self, file: &mut File, tag: &Tag<'_>) -> Result<(), Error> {
        let kind = self.kind(Part::Hash, tag)?;
        let text = self.cursor.text()?;
        let Some(kind) = kind else { return Ok(()) };
        match Hash::from_hex(kind, &text) {
            Err(reason) => self.report.push(Part::Hash, &text, reason),
            Ok(hash) => match file.hashes.iter().find(|before| before.kind() == kind) {
                None => file.hashes.push(hash),
                Some(before) if *before == hash => {}
                Some(_) => self.report.push(Part::Hash, &text, Reason::Repeated),
            },
        }
        Ok(())
    }

    /// The hash function an element names; none, or an unknown one, is reported.
    fn kind(&mut self, what: Part, tag: &Tag<'_>) -> Result<Option<HashKind>, Error> {
        let Some(name) = tag.attribute("type")? else {
            self.report.push(what, "", Reason::Missing("type"));
            return Ok(None);
        };
        let kind = HashKind::from_name(&name);
        if kind.is_none() {
            self.report
                .push(what, &name, HashError::Kind(excerpt(&name)));
        }
        Ok(kind)
    }

    /// Reads a piece list. It is dropped as a whole where one of its hashes is bad: a hash that is
    /// left out would put all that follow in the wrong place.
    fn pieces(&mut self, file: &mut File, tag: &Tag<'_>) -> Result<(), Error> {
        let depth = self.cursor.depth();
        let Some(kind) = self.kind(Part::Pieces, tag)? else {
            return Ok(());
        };
        let Some(length) = tag.attribute("length")? else {
            self.report
                .push(Part::Pieces, "", Reason::Missing("length"));
            return Ok(());
        };
        let Some(piece_len) = self.number(Part::Pieces, &length, (1, SIZE_MAX)) else {
            return Ok(());
        };
        let mut hashes = Vec::new();
        let mut numbers = Vec::new();
        let mut bad = None;
        while let Some(tag) = self.child(depth)? {
            if tag.name() != "hash" {
                continue;
            }
            if self.version == Version::V3 {
                let Some(number) = self.piece_number(&tag)? else {
                    continue;
                };
                numbers.push(number);
            }
            let text = self.cursor.text()?;
            if bad.is_none() {
                bad = push_hex(&mut hashes, kind, &text).err();
            }
        }
        let list = match bad {
            Some(reason) => Err(reason),
            None if self.version == Version::V3 => in_order(kind, &numbers, &hashes),
            None => Ok(hashes),
        };
        match list.and_then(|hashes| PieceList::new(kind, piece_len, hashes)) {
            Ok(list) => file.pieces.push(list),
            Err(reason) => self.report.push(Part::Pieces, &length, reason),
        }
        Ok(())
    }

    /// The number of a piece in Metalink 3. A hash without one belongs nowhere and is dropped.
    fn piece_number(&mut self, tag: &Tag<'_>) -> Result<Option<u64>, Error> {
        let Some(number) = tag.attribute("piece")? else {
            self.report.push(Part::Hash, "", Reason::Missing("piece"));
            return Ok(None);
        };
        Ok(self.number(Part::Hash, &number, (0, SIZE_MAX)))
    }

    /// Drops the piece lists that do not fit the size; it may come after them.
    pub(crate) fn check_pieces(&mut self, file: &mut File) {
        let Some(size) = file.size else { return };
        file.pieces.retain(|list| {
            let fits = list.check_size(size);
            fits.map_err(|reason| self.report.push(Part::Pieces, list.kind().name(), reason))
                .is_ok()
        });
    }

    fn mirror(&mut self, file: &mut File, tag: &Tag<'_>) -> Result<(), Error> {
        if self.version == Version::V3 && tag.attribute("type")?.as_deref() == Some("bittorrent") {
            return self.add_metaurl(file, tag, MetaKind::Torrent, None);
        }
        let text = self.cursor.text()?;
        let Some(url) = self.url(Part::Url, &text) else {
            return Ok(());
        };
        if file.mirrors.len() >= URLS_MAX {
            self.report.push(Part::Url, &text, Reason::TooMany);
            return Ok(());
        }
        let mut mirror = Mirror::new(url);
        mirror.priority = self.priority(tag)?;
        mirror.location = self.location(tag)?;
        if self.version == Version::V3 {
            mirror.connections_max = self.connections(tag)?;
        }
        file.mirrors.push(mirror);
        Ok(())
    }

    fn location(&mut self, tag: &Tag<'_>) -> Result<Option<String>, Error> {
        let Some(text) = tag.attribute("location")? else {
            return Ok(None);
        };
        let country = text.trim().to_ascii_lowercase();
        if country.is_empty() {
            return Ok(None);
        }
        if country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_lowercase()) {
            return Ok(Some(country));
        }
        self.report.push(Part::Location, &text, Reason::Country);
        Ok(None)
    }

    fn connections(&mut self, tag: &Tag<'_>) -> Result<Option<u32>, Error> {
        let Some(text) = tag.attribute("maxconnections")? else {
            return Ok(None);
        };
        let number = self.number(Part::Connections, &text, (1, u64::from(u32::MAX)));
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    fn metaurl(&mut self, file: &mut File, tag: &Tag<'_>) -> Result<(), Error> {
        let Some(media_type) = tag.attribute("mediatype")? else {
            self.report
                .push(Part::MetaUrl, "", Reason::Missing("mediatype"));
            return Ok(());
        };
        let Some(kind) = MetaKind::of_media_type(&media_type) else {
            let reason = Reason::MediaType(excerpt(&media_type));
            self.report.push(Part::MetaUrl, &media_type, reason);
            return Ok(());
        };
        let name = match tag
            .attribute("name")?
            .map(|name| (FilePath::parse(&name), name))
        {
            None => None,
            Some((Ok(path), _)) => Some(path),
            Some((Err(reason), name)) => {
                self.report.push(Part::MetaUrl, &name, reason);
                return Ok(());
            }
        };
        self.add_metaurl(file, tag, kind, name)
    }

    fn add_metaurl(
        &mut self,
        file: &mut File,
        tag: &Tag<'_>,
        kind: MetaKind,
        name: Option<FilePath>,
    ) -> Result<(), Error> {
        let text = self.cursor.text()?;
        let Some(url) = self.url(Part::MetaUrl, &text) else {
            return Ok(());
        };
        if file.metaurls.len() >= URLS_MAX {
            self.report.push(Part::MetaUrl, &text, Reason::TooMany);
            return Ok(());
        }
        let priority = self.priority(tag)?;
        file.metaurls.push(MetaUrl {
            url,
            kind,
            priority,
            name,
        });
        Ok(())
    }

    fn signature(&mut self, file: &mut File, tag: &Tag<'_>) -> Result<(), Error> {
        let name = if self.version == Version::V3 {
            "type"
        } else {
            "mediatype"
        };
        let media_type = tag.attribute(name)?.unwrap_or_default();
        let text = self.cursor.text()?;
        file.signatures.push(Signature { media_type, text });
        Ok(())
    }
}

/// Puts hashes into the order of their numbers, which must be 0, 1, 2 and so on.
fn in_order(kind: HashKind, numbers: &[u64], hashes: &[u8]) -> Result<Vec<u8>, HashError> {
    let mut order: Vec<(u64, &[u8])> = numbers
        .iter()
        .copied()
        .zip(hashes.chunks_exact(kind.hash_len()))
        .collect();
    order.sort_by_key(|(number, _)| *number);
    let mut sorted = Vec::with_capacity(hashes.len());
    for (want, (number, hash)) in (0..).zip(order) {
        if number != want {
            return Err(HashError::Hole(want));
        }
        sorted.extend_from_slice(hash);
    }
    Ok(sorted)
}
