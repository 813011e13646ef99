//! Writes Metalink 4 (RFC 5854), one file after the other.
//!
//! Whatever a `Writer` hands out, the reader takes: what it would refuse (control characters, too
//! much of something) is an error here. Files that are as the docs of their fields say are read
//! back equal.

use crate::about::About;
use crate::document::Document;
use crate::error::Error;
use crate::file::{File, MetaKind, MetaUrl, Mirror};
use crate::hash::Hex;
use crate::limits::{
    DOCUMENT_LEN_MAX, ELEMENTS_MAX, FILES_MAX, PRIORITY_MAX, TAG_LEN_MAX, TEXT_LEN_MAX,
};
use crate::xml::{NAMESPACE_OWN, NAMESPACE_V4, is_xml_char};
use std::fmt::{self, Display, Write as _};

/// A document being written.
///
/// ```
/// use swarmcopy_metalink::{Document, Writer};
/// let mut head = Document::default();
/// head.generator = Some("lab/1".into());
/// let text = Writer::new(&head).unwrap().finish();
/// assert_eq!(Document::parse(text.as_bytes(), None).unwrap(), head);
/// ```
pub struct Writer {
    out: String,
    files: usize,
    elements: usize,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Writer");
        shown.field("files", &self.files).finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a document with what `head` says about itself; its files are not written.
    pub fn new(head: &Document) -> Result<Self, Error> {
        let mut writer = Self {
            out: String::new(),
            files: 0,
            elements: 1,
        };
        writer
            .out
            .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metalink xmlns=\"");
        writer.out.push_str(NAMESPACE_V4);
        writer.out.push_str("\">\n");
        writer.line("  ", "generator", head.generator.as_deref())?;
        if let Some(origin) = &head.origin {
            let dynamic = origin.dynamic.then_some("true");
            writer.element("  ", "origin", &[("dynamic", dynamic)], origin.url.as_str())?;
        }
        writer.line("  ", "published", head.published.as_deref())?;
        writer.line("  ", "updated", head.updated.as_deref())?;
        for share in &head.shares {
            writer.element("  ", "share", &[("xmlns", Some(NAMESPACE_OWN))], share)?;
        }
        Ok(writer)
    }

    /// Writes one file. Nothing of it is written where that fails.
    ///
    /// Metalink 4 has no place for `connections_max`.
    pub fn file(&mut self, file: &File) -> Result<(), Error> {
        limit("files", self.files + 1, FILES_MAX)?;
        let before = (self.out.len(), self.elements);
        let written = self.file_parts(file).and_then(|()| self.check());
        if written.is_ok() {
            self.files += 1;
        } else {
            self.out.truncate(before.0);
            self.elements = before.1;
        }
        written
    }

    /// Ends the document and hands it out.
    pub fn finish(mut self) -> String {
        self.out.push_str(END);
        self.out
    }

    /// The document as it is, its end included, is one the reader takes.
    fn check(&self) -> Result<(), Error> {
        limit("elements", self.elements, ELEMENTS_MAX)?;
        limit("bytes", self.out.len() + END.len(), DOCUMENT_LEN_MAX)
    }

    fn file_parts(&mut self, file: &File) -> Result<(), Error> {
        self.open("  ", "file", &[("name", Some(file.path.as_str()))])?;
        self.out.push_str(">\n");
        if let Some(size) = file.size {
            self.element(INDENT, "size", &[], size.to_string())?;
        }
        self.about(&file.about)?;
        for hash in &file.hashes {
            let kind = [("type", Some(hash.kind().name()))];
            self.element(INDENT, "hash", &kind, Hex(hash.as_bytes()))?;
        }
        for list in &file.pieces {
            let length = list.piece_len().to_string();
            let attributes = [
                ("length", Some(length.as_str())),
                ("type", Some(list.kind().name())),
            ];
            self.open(INDENT, "pieces", &attributes)?;
            self.out.push_str(">\n");
            for hash in list.hashes() {
                self.element("      ", "hash", &[], Hex(hash))?;
            }
            self.out.push_str("    </pieces>\n");
        }
        for signature in &file.signatures {
            let media_type = [("mediatype", Some(signature.media_type.as_str()))];
            self.element(INDENT, "signature", &media_type, &signature.text)?;
        }
        file.mirrors
            .iter()
            .try_for_each(|mirror| self.mirror(mirror))?;
        file.metaurls
            .iter()
            .try_for_each(|metaurl| self.metaurl(metaurl))?;
        self.out.push_str("  </file>\n");
        Ok(())
    }

    fn about(&mut self, about: &About) -> Result<(), Error> {
        self.line(INDENT, "identity", about.identity.as_deref())?;
        self.line(INDENT, "version", about.version.as_deref())?;
        for language in &about.languages {
            self.line(INDENT, "language", Some(language))?;
        }
        for os in &about.oses {
            self.line(INDENT, "os", Some(os))?;
        }
        self.line(INDENT, "description", about.description.as_deref())?;
        self.line(INDENT, "copyright", about.copyright.as_deref())?;
        self.line(INDENT, "logo", about.logo.as_deref())?;
        if let Some(publisher) = &about.publisher {
            let attributes = [
                ("name", Some(publisher.name.as_str())),
                ("url", publisher.url.as_deref()),
            ];
            self.open(INDENT, "publisher", &attributes)?;
            self.out.push_str("/>\n");
        }
        Ok(())
    }

    fn mirror(&mut self, mirror: &Mirror) -> Result<(), Error> {
        let priority = priority(mirror.priority);
        let attributes = [
            ("location", mirror.location.as_deref()),
            ("priority", priority.as_deref()),
        ];
        self.element(INDENT, "url", &attributes, mirror.url.as_str())
    }

    fn metaurl(&mut self, metaurl: &MetaUrl) -> Result<(), Error> {
        let media_type = match metaurl.kind {
            MetaKind::Torrent => "torrent",
            MetaKind::Metalink => "application/metalink4+xml",
        };
        let priority = priority(metaurl.priority);
        let attributes = [
            ("mediatype", Some(media_type)),
            ("name", metaurl.name.as_ref().map(super::FilePath::as_str)),
            ("priority", priority.as_deref()),
        ];
        self.element(INDENT, "metaurl", &attributes, metaurl.url.as_str())
    }

    fn line(&mut self, indent: &str, name: &str, text: Option<&str>) -> Result<(), Error> {
        text.map_or(Ok(()), |text| self.element(indent, name, &[], text))
    }

    fn element(
        &mut self,
        indent: &str,
        name: &str,
        attributes: &[(&str, Option<&str>)],
        text: impl Display,
    ) -> Result<(), Error> {
        self.open(indent, name, attributes)?;
        self.out.push('>');
        let len = self.escaped(text, "\r")?;
        limit("bytes of text in an element", len, TEXT_LEN_MAX)?;
        self.out.extend(["</", name, ">\n"]);
        Ok(())
    }

    /// Writes a start tag without its end.
    fn open(
        &mut self,
        indent: &str,
        name: &str,
        attributes: &[(&str, Option<&str>)],
    ) -> Result<(), Error> {
        self.elements += 1;
        let start = self.out.len();
        self.out.extend([indent, "<", name]);
        for (key, value) in attributes {
            if let Some(value) = value {
                self.out.extend([" ", key, "=\""]);
                self.escaped(value, "\"\t\r\n")?;
                self.out.push('"');
            }
        }
        limit("bytes in a tag", self.out.len() - start, TAG_LEN_MAX)
    }

    /// Writes text, the characters `special` and what XML makes markup of as references, and says
    /// how long it is without them.
    fn escaped(&mut self, text: impl Display, special: &'static str) -> Result<usize, Error> {
        let mut escape = Escape {
            out: &mut self.out,
            special,
            len: 0,
            refused: String::new(),
        };
        match write!(escape, "{text}") {
            Ok(()) => Ok(escape.len),
            Err(fmt::Error) => Err(Error::unwritable(&escape.refused)),
        }
    }
}

const INDENT: &str = "    ";
const END: &str = "</metalink>\n";

fn limit(what: &'static str, have: usize, max: usize) -> Result<(), Error> {
    if have > max {
        Err(Error::TooLarge { what, max })
    } else {
        Ok(())
    }
}

/// The lowest priority is what none says.
fn priority(priority: u32) -> Option<String> {
    (priority < PRIORITY_MAX).then(|| priority.to_string())
}

/// Escapes what is written through it.
struct Escape<'a> {
    out: &'a mut String,
    special: &'static str,
    /// What was written, before it was escaped.
    len: usize,
    /// What could not be written.
    refused: String,
}

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.len += text.len();
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                c if !is_xml_char(c) => {
                    text.clone_into(&mut self.refused);
                    return Err(fmt::Error);
                }
                c if self.special.contains(c) => write!(self.out, "&#{};", u32::from(c))?,
                c => self.out.push(c),
            }
        }
        Ok(())
    }
}
