//! A cursor over the elements of an XML document that refuses the hostile ones as it goes.
//!
//! No tree is built and nothing recurses. Every start tag passes `open`, where depth, number,
//! length, attributes and namespaces are limited, whoever asks for it or skips it; every text
//! passes `next`, where its length is. There are no entities but the five of XML: a DOCTYPE ends
//! the reading.

use crate::error::Error;
use crate::excerpt::excerpt;
use crate::limits::{
    ATTRIBUTES_MAX, BINDINGS_MAX, DEPTH_MAX, DOCUMENT_LEN_MAX, ELEMENTS_MAX, TAG_LEN_MAX,
    TEXT_LEN_MAX,
};
use crate::version::Version;
use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceError, ResolveResult};
use quick_xml::reader::NsReader;
use std::borrow::Cow;

const NAMESPACE_V3: &str = "http://www.metalinker.org/";
pub(crate) const NAMESPACE_V4: &str = "urn:ietf:params:xml:ns:metalink";
/// What this project adds to a document; others skip it as foreign markup.
pub(crate) const NAMESPACE_OWN: &str = "https://github.com/swarmcopy/swarmcopy/metalink";

/// The text of a document: UTF-8, with or without a byte order mark, of characters XML has.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, Error> {
    if bytes.len() > DOCUMENT_LEN_MAX {
        return Err(Error::Limit {
            what: "bytes",
            max: DOCUMENT_LEN_MAX,
            at: 0,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Encoding)?;
    let control = |c: &u8| *c < b' ' && !matches!(c, b'\t' | b'\n' | b'\r');
    if let Some(at) = bytes.iter().position(control) {
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        return Err(Error::Xml {
            reason: "control character".to_owned(),
            at,
        });
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Whether XML 1.0 has the character at all.
pub(crate) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A start tag.
pub(crate) struct Tag<'a> {
    start: BytesStart<'a>,
    /// The version of Metalink it belongs to; `None` is foreign markup.
    pub(crate) version: Option<Version>,
    /// It is markup that this project adds.
    pub(crate) own: bool,
    at: u64,
}

impl Tag<'_> {
    /// The name without prefix.
    pub(crate) fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// The value of the attribute `name` that has no prefix.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<String>, Error> {
        for attribute in self.start.attributes() {
            let attribute = attribute.map_err(|fault| xml_error(&fault, self.at))?;
            if attribute.key.0 == name {
                return self.value(&attribute).map(Some);
            }
        }
        Ok(None)
    }

    fn value(&self, attribute: &Attribute<'_>) -> Result<String, Error> {
        let entity = || Error::Entity {
            name: excerpt(&attribute.value),
            at: self.at,
        };
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| entity())?
            .into_owned();
        if value.chars().all(is_xml_char) {
            Ok(value)
        } else {
            Err(entity())
        }
    }
}

/// What comes next in a document.
enum Token<'a> {
    Open(Tag<'a>),
    Text(Cow<'a, str>),
    Close,
    End,
}

/// A place in a document.
pub(crate) struct Cursor<'a> {
    reader: NsReader<&'a [u8]>,
    depth: usize,
    elements: usize,
    /// The tag just read was `<empty/>`: its end comes next.
    closing: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = NsReader::from_str(text);
        reader
            .resolver_mut()
            .set_max_namespace_bindings(BINDINGS_MAX);
        Self {
            reader,
            depth: 0,
            elements: 0,
            closing: false,
        }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Goes to the next child of the element that is open at `depth`; `None` is the end of that
    /// element. What was not read of the child before is skipped.
    pub(crate) fn child(&mut self, depth: usize) -> Result<Option<Tag<'a>>, Error> {
        loop {
            match self.next()? {
                Token::Open(tag) if self.depth == depth + 1 => return Ok(Some(tag)),
                Token::Close if self.depth < depth => return Ok(None),
                Token::End => return Ok(None),
                Token::Open(_) | Token::Close | Token::Text(_) => {}
            }
        }
    }

    /// Reads the element just opened to its end and returns its own text, not that of children.
    pub(crate) fn text(&mut self) -> Result<String, Error> {
        let depth = self.depth;
        let mut text = String::new();
        loop {
            match self.next()? {
                Token::Text(more) if self.depth == depth => {
                    self.limit(
                        "bytes of text in an element",
                        text.len() + more.len(),
                        TEXT_LEN_MAX,
                    )?;
                    text.push_str(&more);
                }
                Token::Close if self.depth < depth => break,
                Token::End => break,
                Token::Open(_) | Token::Close | Token::Text(_) => {}
            }
        }
        Ok(text)
    }

    fn next(&mut self) -> Result<Token<'a>, Error> {
        if std::mem::take(&mut self.closing) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(Token::Close);
        }
        loop {
            let event = self.reader.read_event();
            match event.map_err(|fault| self.unreadable(&fault))? {
                Event::Start(start) => return self.open(start),
                Event::Empty(start) => {
                    self.closing = true;
                    return self.open(start);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::Close);
                }
                Event::Text(text) => return self.run(line_ends(text.into_inner())),
                Event::CData(text) => return self.run(line_ends(text.into_inner())),
                Event::GeneralRef(reference) => {
                    let c = self.resolve(&reference)?;
                    return self.run(Cow::Owned(c.to_string()));
                }
                Event::DocType(_) => return Err(Error::DocType { at: self.at() }),
                Event::Eof if self.depth == 0 => return Ok(Token::End),
                Event::Eof => return Err(self.fault("document ends inside an element")),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
    }

    fn open(&mut self, start: BytesStart<'a>) -> Result<Token<'a>, Error> {
        self.depth += 1;
        self.elements += 1;
        self.limit("levels of elements", self.depth, DEPTH_MAX)?;
        self.limit("elements", self.elements, ELEMENTS_MAX)?;
        self.limit("bytes in a tag", start.len(), TAG_LEN_MAX)?;
        let count = start
            .attributes()
            .with_checks(false)
            .take(ATTRIBUTES_MAX + 1)
            .count();
        self.limit("attributes of an element", count, ATTRIBUTES_MAX)?;
        for attribute in start.attributes() {
            attribute.map_err(|fault| xml_error(&fault, self.at()))?;
        }
        let (version, own) = match self.reader.resolver().resolve_element(start.name()).0 {
            ResolveResult::Bound(Namespace(NAMESPACE_V4)) => (Some(Version::V4), false),
            ResolveResult::Bound(Namespace(NAMESPACE_V3)) => (Some(Version::V3), false),
            ResolveResult::Bound(Namespace(NAMESPACE_OWN)) => (None, true),
            ResolveResult::Bound(_) | ResolveResult::Unbound => (None, false),
            ResolveResult::Unknown(_) => return Err(self.fault("undeclared namespace prefix")),
        };
        Ok(Token::Open(Tag {
            start,
            version,
            own,
            at: self.at(),
        }))
    }

    fn run(&self, text: Cow<'a, str>) -> Result<Token<'a>, Error> {
        if self.depth == 0 && !text.chars().all(|c| c.is_ascii_whitespace()) {
            return Err(self.fault("text outside of the root element"));
        }
        self.limit("bytes of text in an element", text.len(), TEXT_LEN_MAX)?;
        Ok(Token::Text(text))
    }

    fn resolve(&self, reference: &BytesRef<'_>) -> Result<char, Error> {
        let c = match &**reference {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        let entity = || Error::Entity {
            name: excerpt(reference),
            at: self.at(),
        };
        c.filter(|c| is_xml_char(*c)).ok_or_else(entity)
    }

    fn limit(&self, what: &'static str, have: usize, max: usize) -> Result<(), Error> {
        if have > max {
            Err(Error::Limit {
                what,
                max,
                at: self.at(),
            })
        } else {
            Ok(())
        }
    }

    fn unreadable(&self, fault: &quick_xml::Error) -> Error {
        match fault {
            quick_xml::Error::Namespace(NamespaceError::TooManyBindings(max)) => Error::Limit {
                what: "namespace declarations in scope",
                max: *max,
                at: self.at(),
            },
            _ => xml_error(fault, self.reader.error_position()),
        }
    }

    /// The error that the document is not well-formed here.
    pub(crate) fn fault(&self, reason: &str) -> Error {
        Error::Xml {
            reason: reason.to_owned(),
            at: self.at(),
        }
    }

    /// Where the cursor stands, in bytes.
    pub(crate) fn at(&self) -> u64 {
        self.reader.buffer_position()
    }
}

/// Text with line ends as XML passes them on.
fn line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        return Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    text
}

fn xml_error(fault: &dyn std::error::Error, at: u64) -> Error {
    Error::Xml {
        reason: excerpt(&fault.to_string()),
        at,
    }
}
