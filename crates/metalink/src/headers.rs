//! Metalink/HTTP (RFC 6249): what a server says of a file in the headers of its answer.
//!
//! `Link` names mirrors and descriptions (RFC 8288), `Digest` (RFC 3230) and `Repr-Digest` (RFC 9530)
//! hold hashes. What must stay true: one bad entry is dropped and told, the others go on; relative
//! links are resolved against the address that was asked.

use crate::address::Address;
use crate::excerpt::excerpt;
use crate::file::{File, MetaKind, MetaUrl, Mirror};
use crate::hash::{Hash, HashKind};
use crate::limits::{PRIORITY_MAX, TAG_LEN_MAX, URLS_MAX};
use crate::path::FilePath;
use crate::report::{Dropped, Part, Reason, Report};
use swarmcopy_address::{debug_shown, in_text};

/// The headers of an answer that say something of the file, each as often as it was sent.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Headers<'a> {
    /// The values of `Link`.
    pub link: &'a [&'a str],
    /// The values of `Digest`.
    pub digest: &'a [&'a str],
    /// The values of `Repr-Digest`.
    pub repr_digest: &'a [&'a str],
}

debug_shown!(Headers<'a> {
    digest, repr_digest;
    link: link.iter().map(|link| in_text(link)).collect::<Vec<_>>(),
});

impl<'a> Headers<'a> {
    /// The values of `Link`, `Digest` and `Repr-Digest`.
    pub fn new(link: &'a [&'a str], digest: &'a [&'a str], repr_digest: &'a [&'a str]) -> Self {
        Self {
            link,
            digest,
            repr_digest,
        }
    }
}

impl File {
    /// Reads the headers of the answer to a question for `asked`, and tells what was left out.
    ///
    /// ```
    /// use swarmcopy_metalink::{File, FilePath, Headers};
    /// let asked = swarmcopy_metalink::Address::parse("http://h.example/x.iso")?;
    /// let links = ["<http://m.example/x.iso>; rel=duplicate; pri=2; geo=se"];
    /// let digests = ["SHA-256=ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="];
    /// let headers = Headers::new(&links, &digests, &[]);
    /// let (file, dropped) = File::from_headers(FilePath::parse("x.iso")?, &asked, headers);
    /// assert_eq!((file.mirrors.len(), file.hashes.len(), dropped.len()), (1, 1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_headers(
        path: FilePath,
        asked: &Address,
        headers: Headers<'_>,
    ) -> (Self, Vec<Dropped>) {
        let mut reader = Reader {
            file: File::new(path),
            asked,
            report: Report::default(),
        };
        let fits = |value: &&&str| value.len() <= TAG_LEN_MAX;
        for value in headers.link.iter().filter(fits) {
            for link in split(value, ',') {
                reader.link(link);
            }
        }
        for value in headers.repr_digest.iter().filter(fits) {
            for entry in split(value, ',') {
                reader.digest(entry, |text| text.strip_prefix(':')?.strip_suffix(':'));
            }
        }
        for value in headers.digest.iter().filter(fits) {
            for entry in split(value, ',') {
                reader.digest(entry, |text| Some(text));
            }
        }
        (reader.file, reader.report.dropped)
    }
}

struct Reader<'a> {
    file: File,
    asked: &'a Address,
    report: Report,
}

impl Reader<'_> {
    fn link(&mut self, link: &str) {
        let Some((target, params)) = target_of(link) else {
            let reason = Reason::Url("it is no link".to_owned());
            return self.report.push(Part::Url, link, reason);
        };
        let params: Vec<(String, String)> = split(params, ';').map(param).collect();
        let value = |name: &str| {
            let found = params.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        let is = |rel: &str| {
            let mut rels = value("rel").unwrap_or_default().split_ascii_whitespace();
            rels.any(|word| word.eq_ignore_ascii_case(rel))
        };
        if is("duplicate") {
            self.mirror(target, value("pri"), value("geo"));
        } else if is("describedby") {
            self.metaurl(target, value("type"), value("pri"), value("name"));
        }
    }

    fn mirror(&mut self, target: &str, pri: Option<&str>, geo: Option<&str>) {
        if self.file.mirrors.len() >= URLS_MAX {
            return self.report.push(Part::Url, target, Reason::TooMany);
        }
        let Some(url) = self.url(Part::Url, target) else {
            return;
        };
        let mut mirror = Mirror::new(url);
        mirror.priority = self.priority(pri);
        if let Some(geo) = geo {
            let country = geo.trim().to_ascii_lowercase();
            if country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_lowercase()) {
                mirror.location = Some(country);
            } else {
                self.report.push(Part::Location, geo, Reason::Country);
            }
        }
        self.file.mirrors.push(mirror);
    }

    /// Descriptions of other types (signatures) are of no use here.
    fn metaurl(&mut self, target: &str, kind: Option<&str>, pri: Option<&str>, name: Option<&str>) {
        let kind = kind.unwrap_or_default();
        let Some(kind) = MetaKind::of_media_type(kind) else {
            let reason = Reason::MediaType(excerpt(kind));
            return self.report.push(Part::MetaUrl, target, reason);
        };
        if self.file.metaurls.len() >= URLS_MAX {
            return self.report.push(Part::MetaUrl, target, Reason::TooMany);
        }
        let name = match name.map(FilePath::parse).transpose() {
            Ok(name) => name,
            Err(reason) => return self.report.push(Part::MetaUrl, target, reason),
        };
        let Some(url) = self.url(Part::MetaUrl, target) else {
            return;
        };
        let mut metaurl = MetaUrl::new(kind, url);
        metaurl.priority = self.priority(pri);
        metaurl.name = name;
        self.file.metaurls.push(metaurl);
    }

    fn url(&mut self, part: Part, target: &str) -> Option<Address> {
        let resolved = self.asked.join(target.trim());
        resolved
            .map_err(|reason| self.report.push(part, target, reason))
            .ok()
    }

    fn priority(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else {
            return PRIORITY_MAX;
        };
        let number = text.parse().ok();
        let Some(number) = number.filter(|number| (1..=PRIORITY_MAX).contains(number)) else {
            let (min, max) = (1, u64::from(PRIORITY_MAX));
            self.report
                .push(Part::Priority, text, Reason::Number { min, max });
            return PRIORITY_MAX;
        };
        number
    }

    /// Takes `name=value`; `inner` takes off what stands around the base64 of a hash.
    fn digest(&mut self, entry: &str, inner: fn(&str) -> Option<&str>) {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        // RFC 3230 calls SHA-1 just SHA
        let name = if name.trim().eq_ignore_ascii_case("sha") {
            "sha-1"
        } else {
            name
        };
        let Some(kind) = HashKind::from_name(name) else {
            let reason = crate::hash::HashError::Kind(excerpt(name));
            return self.report.push(Part::Hash, entry, reason);
        };
        let bytes = inner(value.trim()).and_then(base64);
        let hash = bytes.map_or(Err(crate::hash::HashError::Hex), |bytes| {
            Hash::new(kind, &bytes)
        });
        match hash {
            Err(reason) => self.report.push(Part::Hash, entry, reason),
            Ok(hash) => match self.file.hashes.iter().find(|old| old.kind() == kind) {
                None => self.file.hashes.push(hash),
                Some(old) if *old == hash => {}
                Some(_) => self.report.push(Part::Hash, entry, Reason::Repeated),
            },
        }
    }
}

/// Cuts a header's value at `separator`, but not within quotes or `<>`; empty parts are left out.
fn split(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut angled) = (false, false, false);
    let parts = value.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !angled => quoted = !quoted,
            '<' if !quoted => angled = true,
            '>' if !quoted => angled = false,
            c => return c == separator && !quoted && !angled,
        }
        false
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// The address of a link and what follows it.
fn target_of(link: &str) -> Option<(&str, &str)> {
    link.strip_prefix('<')?.split_once('>')
}

/// `name="value"`, the name in small letters, the value without its quotes.
fn param(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let value = value.trim();
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let value = match inner {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.to_owned(),
    };
    (name.trim().to_ascii_lowercase(), value)
}

/// Decodes base64 (RFC 4648 section 4), padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    (held == 0 && bits < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_headers_are_read(link: String, digest: String, repr in "[a-z0-9=:, -]{0,80}") {
            let (file, _) = read(&[&link], &[&digest], &[&repr]);
            prop_assert!(file.mirrors.len() <= URLS_MAX);
        }

        #[test]
        fn base64_is_undone(bytes: Vec<u8>) {
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |at| b >> at & 1)).collect();
            let six = |bits: &[u8]| (0..6).fold(0, |all, at| all << 1 | bits.get(at).unwrap_or(&0));
            let text: String = bits.chunks(6).map(|bits| char::from(digits[usize::from(six(bits))])).collect();
            prop_assert_eq!(base64(&text), Some(bytes));
        }
    }

    const SHA256: &str = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";

    fn read(link: &[&str], digest: &[&str], repr: &[&str]) -> (File, Vec<Dropped>) {
        let asked = Address::parse("http://h.example/d/x.iso").unwrap();
        let path = FilePath::parse("x.iso").unwrap();
        File::from_headers(path, &asked, Headers::new(link, digest, repr))
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        let links = [
            "<http://www2.example.com/example.ext>; rel=duplicate",
            "<ftp://ftp.example.com/example.ext>; rel=duplicate; pri=4; pref",
            "<http://example.com/example.ext.torrent>; rel=describedby; \
             type=\"application/x-bittorrent\"; name=\"differentname.ext\"",
            "<http://example.com/example.ext.meta4>; rel=describedby; \
             type=\"application/metalink4+xml\"",
            "<http://example.com/example.ext.asc>; rel=describedby; \
             type=\"application/pgp-signature\"",
        ];
        let digest = [
            "SHA-256=MWVkMWQxYTRiMzk5MDQ0MzI3NGU5NDEyZTk5OWY1ZGFmNzgyZTJlODYzYjRjYzFhOTlmNTQwYzI2M2QwM2U2MQ==",
        ];
        let (file, dropped) = read(&links, &digest, &[]);
        let mirrors: Vec<_> = file
            .mirrors
            .iter()
            .map(|m| (m.url.as_str(), m.priority))
            .collect();
        assert_eq!(
            mirrors,
            [
                ("http://www2.example.com/example.ext", PRIORITY_MAX),
                ("ftp://ftp.example.com/example.ext", 4)
            ]
        );
        let kinds: Vec<_> = file.metaurls.iter().map(|metaurl| metaurl.kind).collect();
        assert_eq!(kinds, [MetaKind::Torrent, MetaKind::Metalink]);
        assert_eq!(
            file.metaurls[0].name.as_ref().unwrap().as_str(),
            "differentname.ext"
        );
        // the RFC prints hexadecimal digits in base64, which is no hash, and a signature is no metaurl
        assert_eq!(dropped.iter().filter(|d| d.what == Part::Hash).count(), 1);
        assert_eq!(dropped.iter().filter(|d| d.reason.is_fault()).count(), 1);
    }

    #[test]
    fn several_links_and_hashes_stand_in_one_header() {
        let links =
            ["<a?x=1,2;3>;rel=\"duplicate foo\";geo=GB;pri=1, <//m.example/b>; REL=Duplicate"];
        let digest = [&*format!(
            "SHA=gMUl+9tndlppbMGMQELubw1yaGQ=, SHA-256={SHA256}"
        )];
        let repr = [&*format!("sha-256=:{SHA256}:")];
        let (file, dropped) = read(&links, &digest, &repr);
        assert_eq!(dropped, []);
        let urls: Vec<_> = file
            .mirrors
            .iter()
            .map(|mirror| mirror.url.as_str())
            .collect();
        assert_eq!(urls, ["http://h.example/d/a?x=1,2;3", "http://m.example/b"]);
        assert_eq!(file.mirrors[0].location.as_deref(), Some("gb"));
        let kinds: Vec<_> = file.hashes.iter().map(Hash::kind).collect();
        assert_eq!(kinds, [HashKind::Sha256, HashKind::Sha1]);
    }

    #[test]
    fn a_bad_entry_is_dropped_and_the_others_go_on() {
        let links = [
            "http://m.example/x; rel=duplicate",
            "<>; rel=duplicate",
            "<http://m.example/x>; rel=duplicate; pri=0; geo=Europe",
            "<x.torrent>; rel=describedby; type=torrent; name=\"../x\"",
            "<x.html>; rel=next",
            "<unclosed; rel=duplicate",
        ];
        let digest = ["SHA-256=AAAA", "UNIXsum=30637", "SHA-512=*"];
        let (file, dropped) = read(&links, &digest, &[SHA256, "sha-256=abc"]);
        assert_eq!(
            (file.mirrors.len(), file.metaurls.len(), file.hashes.len()),
            (1, 0, 0)
        );
        assert_eq!(file.mirrors[0].priority, PRIORITY_MAX);
        assert_eq!(dropped.len(), 11);
    }

    #[test]
    fn two_hashes_that_differ_are_told() {
        let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let digest = [&*format!("SHA-256={SHA256}"), &*format!("sha-256={other}")];
        let (file, dropped) = read(&[], &digest, &[]);
        assert_eq!((file.hashes.len(), dropped.len()), (1, 1));
        assert_eq!(dropped[0].reason, Reason::Repeated);
    }

    #[test]
    fn base64_is_read_strictly() {
        assert_eq!(base64("Zm9v").unwrap(), b"foo");
        assert_eq!(base64("Zm8=").unwrap(), b"fo");
        assert_eq!(base64("Zg").unwrap(), b"f");
        for bad in ["Z", "Zm9v Zg", "Zh==", "Zm9v-_"] {
            assert_eq!(base64(bad), None, "{bad}");
        }
    }
}
