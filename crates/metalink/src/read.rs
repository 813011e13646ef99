//! Reads a document: its root, what it says about itself, and one file after the other.
//!
//! Both versions go the same way: the elements that Metalink 3 wraps around the others (`files`,
//! `verification`, `resources`) are entered as if they were not there.

use crate::about::{About, Publisher};
use crate::address::Address;
use crate::document::{Document, Origin};
use crate::error::Error;
use crate::excerpt::excerpt;
use crate::file::File;
use crate::limits::{FILES_MAX, PRIORITY_MAX, SHARE_LEN_MAX, SHARES_MAX};
use crate::path::FilePath;
use crate::report::{Part, Reason, Report};
use crate::version::Version;
use crate::xml::{Cursor, Tag, decode};

impl Document {
    /// Reads a document of either version.
    ///
    /// `base` is the URL it was fetched from, after redirects: relative URLs are resolved against
    /// it and dropped where it is `None`. Entries that cannot be used are dropped and told in
    /// [`dropped`](Self::dropped); a document that is no metalink, is not well-formed or goes
    /// over a limit is refused.
    pub fn parse(bytes: &[u8], base: Option<&Address>) -> Result<Self, Error> {
        let mut cursor = Cursor::new(decode(bytes)?);
        let root = cursor.child(0)?.ok_or(Error::NotMetalink)?;
        let version = root
            .version
            .filter(|_| root.name() == "metalink")
            .ok_or(Error::NotMetalink)?;
        let document = Self {
            version,
            ..Self::default()
        };
        let report = Report::default();
        let mut reader = Reader {
            cursor,
            version,
            base,
            report,
            document,
        };
        if version == Version::V3 {
            reader.root_v3(&root)?;
        }
        let depth = reader.cursor.depth();
        reader.parts(depth)?;
        if reader.cursor.child(0)?.is_some() {
            return Err(reader.cursor.fault("second root element"));
        }
        Ok(reader.finish())
    }
}

/// A document being read.
pub(crate) struct Reader<'a> {
    pub(crate) cursor: Cursor<'a>,
    pub(crate) version: Version,
    base: Option<&'a Address>,
    pub(crate) report: Report,
    document: Document,
}

impl<'a> Reader<'a> {
    /// What Metalink 3 writes into the root's tag.
    fn root_v3(&mut self, root: &Tag<'_>) -> Result<(), Error> {
        self.document.generator = root.attribute("generator")?;
        self.document.published = root.attribute("pubdate")?;
        self.document.updated = root.attribute("refreshdate")?;
        let dynamic = root.attribute("type")?.as_deref() == Some("dynamic");
        if let Some(origin) = root.attribute("origin")? {
            self.origin(&origin, dynamic);
        }
        Ok(())
    }

    fn parts(&mut self, depth: usize) -> Result<(), Error> {
        while let Some(tag) = self.cursor.child(depth)? {
            if tag.own && tag.name() == "share" {
                self.share()?;
            }
            if tag.version != Some(self.version) {
                continue;
            }
            match (self.version, tag.name()) {
                (_, "file") => self.file(&tag)?,
                (Version::V3, "files") => self.parts(depth + 1)?,
                (Version::V4, "generator") => self.document.generator = self.line()?,
                (Version::V4, "published") => self.document.published = self.line()?,
                (Version::V4, "updated") => self.document.updated = self.line()?,
                (Version::V4, "origin") => {
                    let dynamic =
                        matches!(tag.attribute("dynamic")?.as_deref(), Some("true" | "1"));
                    let text = self.cursor.text()?;
                    self.origin(&text, dynamic);
                }
                _ => {
                    let mut about = std::mem::take(&mut self.document.about);
                    self.about(&tag, &mut about)?;
                    self.document.about = about;
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, tag: &Tag<'_>) -> Result<(), Error> {
        let depth = self.cursor.depth();
        let Some(name) = tag.attribute("name")? else {
            self.report.push(Part::File, "", Reason::Missing("name"));
            return Ok(());
        };
        let path = match FilePath::parse(&name) {
            Ok(path) => path,
            Err(reason) => {
                self.report.push(Part::File, &name, reason);
                return Ok(());
            }
        };
        if self.document.files.len() >= FILES_MAX {
            let at = self.cursor.at();
            return Err(Error::Limit {
                what: "files",
                max: FILES_MAX,
                at,
            });
        }
        self.report.file = Some(excerpt(&name));
        let mut file = File::new(path);
        self.file_parts(&mut file, depth)?;
        self.check_pieces(&mut file);
        self.report.file = None;
        self.document.files.push(file);
        Ok(())
    }

    /// Goes to the next child that is Metalink's own; foreign markup is skipped whole.
    pub(crate) fn child(&mut self, depth: usize) -> Result<Option<Tag<'a>>, Error> {
        loop {
            let tag = self.cursor.child(depth)?;
            if tag
                .as_ref()
                .is_none_or(|tag| tag.version == Some(self.version))
            {
                return Ok(tag);
            }
        }
    }

    /// The text of the element just opened without the blanks around it; `None` if there is none.
    fn line(&mut self) -> Result<Option<String>, Error> {
        let text = self.cursor.text()?;
        let line = text.trim();
        Ok((!line.is_empty()).then(|| line.to_owned()))
    }

    /// Reads what is said for people; anything else is not known and skipped.
    pub(crate) fn about(&mut self, tag: &Tag<'_>, about: &mut About) -> Result<(), Error> {
        match tag.name() {
            "identity" => about.identity = self.line()?,
            "version" => about.version = self.line()?,
            "description" => about.description = self.line()?,
            "copyright" => about.copyright = self.line()?,
            "logo" => about.logo = self.line()?,
            "language" => about.languages.extend(self.line()?),
            "os" => about.oses.extend(self.line()?),
            "publisher" => about.publisher = self.publisher(tag)?,
            _ => {}
        }
        Ok(())
    }

    /// Attributes in RFC 5854, elements in Metalink 3 (and in what MirrorBrain writes).
    fn publisher(&mut self, tag: &Tag<'_>) -> Result<Option<Publisher>, Error> {
        let depth = self.cursor.depth();
        let (mut name, mut url) = (tag.attribute("name")?, tag.attribute("url")?);
        while let Some(tag) = self.child(depth)? {
            match tag.name() {
                "name" => name = self.line()?,
                "url" => url = self.line()?,
                _ => {}
            }
        }
        Ok(name.map(|name| Publisher { name, url }))
    }

    fn share(&mut self) -> Result<(), Error> {
        let Some(location) = self.line()? else {
            return Ok(());
        };
        if location.len() > SHARE_LEN_MAX || location.contains(char::is_control) {
            self.report.push(Part::Share, &location, Reason::Location);
        } else if self.document.shares.len() >= SHARES_MAX {
            self.report.push(Part::Share, &location, Reason::TooMany);
        } else {
            self.document.shares.push(location);
        }
        Ok(())
    }

    fn origin(&mut self, text: &str, dynamic: bool) {
        if let Some(url) = self.url(Part::Origin, text) {
            self.document.origin = Some(Origin { url, dynamic });
        }
    }

    /// Resolves a URL and takes it if it can be fetched here.
    pub(crate) fn url(&mut self, what: Part, text: &str) -> Option<Address> {
        let taken = Address::resolve(text.trim(), self.base);
        taken
            .map_err(|reason| self.report.push(what, text, reason))
            .ok()
    }

    /// Reads a whole number; one that is none, or out of range, is reported.
    pub(crate) fn number(&mut self, what: Part, text: &str, (min, max): (u64, u64)) -> Option<u64> {
        let digits = text.trim();
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        let number = digits
            .parse()
            .ok()
            .filter(|number| plain && (min..=max).contains(number));
        if number.is_none() {
            self.report.push(what, text, Reason::Number { min, max });
        }
        number
    }

    /// The priority of a URL: its own, or the one its preference makes.
    ///
    /// Metalink 3 prefers 100 most; documents go beyond it, which says no more than 100 does.
    pub(crate) fn priority(&mut self, tag: &Tag<'_>) -> Result<u32, Error> {
        let (name, range) = match self.version {
            Version::V3 => ("preference", (0, u64::from(u32::MAX))),
            Version::V4 => ("priority", (1, u64::from(PRIORITY_MAX))),
        };
        let Some(text) = tag.attribute(name)? else {
            return Ok(PRIORITY_MAX);
        };
        let Some(number) = self.number(Part::Priority, &text, range) else {
            return Ok(PRIORITY_MAX);
        };
        let priority = match self.version {
            Version::V3 => 101 - number.min(100),
            Version::V4 => number,
        };
        Ok(u32::try_from(priority).unwrap_or(PRIORITY_MAX))
    }

    /// Drops files that lie where others do, and hands out what is left.
    fn finish(mut self) -> Document {
        let files = std::mem::take(&mut self.document.files);
        let clashes = clashes(&files);
        for (file, clash) in files.into_iter().zip(clashes) {
            if clash {
                self.report
                    .push(Part::File, file.path.as_str(), Reason::Clash);
            } else {
                self.document.files.push(file);
            }
        }
        self.document.dropped = self.report.dropped;
        self.document.dropped_unlisted = self.report.unlisted;
        self.document
    }
}

/// Which files have to go: of equal paths all but the first, and files in a folder that is a file.
///
/// Sorted by names, what lies in a folder follows it at once: one look back is enough.
fn clashes(files: &[File]) -> Vec<bool> {
    let mut order: Vec<(usize, &FilePath)> =
        files.iter().map(|file| &file.path).enumerate().collect();
    order.sort_by_key(|(_, path)| *path);
    let mut clashes = vec![false; files.len()];
    let mut kept: Option<&FilePath> = None;
    for (index, path) in order {
        if kept.is_some_and(|kept| path.is_within(kept)) {
            if let Some(clash) = clashes.get_mut(index) {
                *clash = true;
            }
        } else {
            kept = Some(path);
        }
    }
    clashes
}
