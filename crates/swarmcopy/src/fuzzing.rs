//! What fuzz targets call: names of contents, options and documents, made up, against what reads them.
//!
//! What must stay true: each function takes any bytes and panics only where a rule is broken.

use std::path::{Component, Path};

use arbitrary::{Arbitrary, Unstructured};
use swarmcopy_bt_wire::metainfo::{Builder, File, Form};
use swarmcopy_layout::Platform;
use swarmcopy_metalink::Document;

use crate::provenance::Provenance;
use crate::{Content, CopyOptions, Error, What, check, metalink};

/// Longest document that is made.
const FILES_MAX: usize = 60;
const SECRET: &str = "S3CR3T";

fn made_of<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

#[derive(Debug, Arbitrary)]
enum Part {
    Scheme(u8),
    Login,
    Host(u8),
    Port(u16),
    Path(String),
    Query(String),
    Magnet,
    Text(String),
}

fn written(parts: &[Part]) -> String {
    const SCHEMES: [&str; 8] = ["http", "https", "HTTP", "ftp", "ftps", "udp", "file", "smb"];
    const HOSTS: [&str; 6] = [
        "h.example",
        "ü.example",
        "127.0.0.1",
        "[::1]",
        "10.0.0.1",
        "",
    ];
    let part = |part: &Part| match part {
        Part::Scheme(which) => format!("{}://", SCHEMES[usize::from(*which) % SCHEMES.len()]),
        Part::Login => format!("me:{SECRET}@"),
        Part::Host(which) => HOSTS[usize::from(*which) % HOSTS.len()].to_owned(),
        Part::Port(port) => format!(":{port}"),
        Part::Path(path) => format!("/{path}"),
        Part::Query(value) => format!("?key={SECRET}&v={value}"),
        Part::Magnet => {
            "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&tr=".to_owned()
        }
        Part::Text(text) => text.clone(),
    };
    parts.iter().take(20).map(part).collect()
}

/// Whether a secret stands where one of an address does.
fn has_secret_of_address(parts: &[Part]) -> bool {
    matches!(parts.first(), Some(Part::Scheme(_)))
        && parts
            .windows(3)
            .all(|three| !matches!(three, [Part::Text(_), ..]))
        && parts
            .iter()
            .skip(1)
            .all(|part| !matches!(part, Part::Scheme(_) | Part::Text(_) | Part::Magnet))
        && matches!(parts, [_, Part::Login, Part::Host(_), ..])
        // behind the host it is a part of a path
        && parts.iter().skip(2).all(|part| !matches!(part, Part::Login))
}

/// Any text: it is a path, an address or a link and nothing else; refused or not, no login of it is shown.
pub fn what(bytes: &[u8]) {
    let Some(parts) = made_of::<Vec<Part>>(bytes) else {
        return;
    };
    let text = written(&parts);
    let what = What::of(text.clone().into());
    let lower = text.trim().to_ascii_lowercase();
    match &what {
        What::Url(url) => assert!(lower.starts_with("http") && *url == text.trim()),
        What::Magnet(link) => assert!(lower.starts_with("magnet:") && *link == text.trim()),
        What::Path(path) => assert!(
            path.as_os_str() == text.as_str() && !lower.starts_with("http://"),
            "{text}"
        ),
    }
    let mut told = format!("{what:?}");
    for set in [
        |options: &mut CopyOptions, text: String| options.mirrors = vec![text],
        |options: &mut CopyOptions, text: String| options.trackers = vec![text],
        |options: &mut CopyOptions, text: String| options.peers = vec![text],
    ] {
        let mut options = CopyOptions::new(".");
        set(&mut options, text.clone());
        told.push_str(&format!("{options:?}"));
        if let Err(error) = check::options(&options) {
            told.push_str(&format!("{error} {error:?}"));
        }
    }
    if has_secret_of_address(&parts) {
        assert!(!told.contains(SECRET), "{text} is shown as {told}");
    }
}

#[derive(Debug, Arbitrary)]
struct Entry {
    path: Vec<String>,
    len: u16,
    bits: u8,
}

#[derive(Debug, Arbitrary)]
enum Paper {
    Torrent {
        name: String,
        power: u8,
        files: Vec<Entry>,
        single: bool,
        addresses: Vec<Vec<Part>>,
        flips: Vec<(u16, u8)>,
    },
    Metalink {
        files: Vec<(String, u32, u8)>,
        urls: Vec<Vec<Part>>,
        shares: Vec<String>,
        raw: String,
    },
    Any(Vec<u8>),
}

/// The bytes of a torrent, if it can be one.
fn torrent(
    name: &str,
    (power, single): (u8, bool),
    files: &[Entry],
    addresses: &[String],
) -> Option<Vec<u8>> {
    let form = if single { Form::SingleFile } else { Form::Tree };
    let piece_len = (16u32 << 10) << (power % 4);
    let mut builder = Builder::new(name, piece_len, form);
    builder.files = files
        .iter()
        .take(if single { 1 } else { FILES_MAX })
        .map(|file| {
            let path = if single {
                vec![name.to_owned()]
            } else {
                file.path.clone()
            };
            File::new(path, file.len.into()).with_executable(file.bits & 1 == 1)
        })
        .collect();
    let len: u64 = builder.files.iter().map(|file| file.len).sum();
    let pieces = usize::try_from(len.div_ceil(piece_len.into())).ok()?;
    builder.pieces = vec![[1; 20]; pieces];
    builder.trackers = vec![addresses.to_vec()];
    builder.url_list = addresses.to_vec();
    builder.own.shares = addresses.to_vec();
    builder.own.mirrors = addresses.to_vec();
    Some(builder.build().ok()?.bytes)
}

fn escaped(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    let plain: String = plain.collect();
    plain
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

fn metalink_text(paper: &Paper) -> String {
    let Paper::Metalink {
        files,
        urls,
        shares,
        raw,
    } = paper
    else {
        return String::new();
    };
    let urls: Vec<_> = urls
        .iter()
        .take(10)
        .map(|parts| escaped(&written(parts)))
        .collect();
    let urls = urls
        .iter()
        .map(|url| format!("<url location=\"de\">{url}</url>"));
    let urls: String = urls.collect();
    let file = |(name, size, bits): &(String, u32, u8)| {
        let hash = match bits % 4 {
            0 => String::new(),
            1 => format!("<hash type=\"sha-1\">{}</hash>", "0a".repeat(20)),
            2 => format!("<hash type=\"sha-256\">{}</hash>", "0b".repeat(32)),
            _ => {
                let pieces = u64::from(*size).div_ceil(65_536);
                let list = format!("<hash>{}</hash>", "0c".repeat(20))
                    .repeat(usize::try_from(pieces.min(100)).unwrap_or(0));
                format!("<pieces length=\"65536\" type=\"sha-1\">{list}</pieces>")
            }
        };
        format!(
            "<file name=\"{}\"><size>{size}</size>{hash}{urls}</file>",
            escaped(name)
        )
    };
    let files: String = files.iter().take(FILES_MAX).map(file).collect();
    let shares: String = shares
        .iter()
        .take(5)
        .map(|it| format!("<share>{}</share>", escaped(it)))
        .collect();
    format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">{shares}{files}{raw}</metalink>")
}

/// Whatever a content was made of: its files lie below the folder that it is copied into, each once, and a document of the
/// internet opens no path.
fn is_sound(mut content: Content) {
    content.from = Provenance::Internet;
    let mut end = 0;
    let mut paths = std::collections::BTreeSet::new();
    for (_, file) in content.layout.files() {
        assert_eq!(file.span().start(), end.max(file.span().start()));
        end = file.span().end();
        let path = file.path().to_path(Platform::HERE);
        assert!(stays_inside(&path), "{path:?}");
        if !file.attributes().pad {
            assert!(paths.insert(path), "a file twice");
        }
    }
    assert!(stays_inside(&content.name.to_path(Platform::HERE)));
    assert!(content.target_path().starts_with(&content.options.into));
    assert_eq!(
        content.digests.len(),
        usize::try_from(content.layout.pieces()).unwrap_or(0)
    );
    let own = content.torrent.is_some();
    assert!(!own || content.shares().len() == content.advice.shares.len());
    for url in content.mirrors() {
        assert!(!content.may_be_private(&url));
    }
    let _ = format!("{content:?}");
}

fn stays_inside(path: &Path) -> bool {
    let mut parts = path.components();
    path.components().next().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Any document: it is refused, or becomes a content that is sound; an honest one is read behind it.
pub fn document_content(bytes: &[u8]) {
    let Some(paper) = made_of::<Paper>(bytes) else {
        return;
    };
    let made: Result<Content, Error> = match &paper {
        Paper::Torrent {
            name,
            power,
            files,
            single,
            addresses,
            flips,
        } => {
            let addresses: Vec<_> = addresses.iter().take(5).map(|it| written(it)).collect();
            let Some(mut bytes) = torrent(name, (*power, *single), files, &addresses) else {
                return;
            };
            for (at, by) in flips {
                if let Some(at) = usize::from(*at).checked_rem(bytes.len())
                    && let Some(byte) = bytes.get_mut(at)
                {
                    *byte ^= by;
                }
            }
            Content::torrent(bytes)
        }
        Paper::Metalink { .. } => match Document::parse(metalink_text(&paper).as_bytes(), None) {
            Ok(document) => metalink::content_alone(&document),
            Err(_) => return,
        },
        Paper::Any(bytes) => Content::torrent(bytes),
    };
    if let Ok(content) = made {
        is_sound(content);
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn any_text_is_a_name_of_one_kind_and_shows_no_login() {
        replay("what", super::what);
    }

    #[test]
    fn any_document_is_refused_or_a_sound_content() {
        replay("document_content", super::document_content);
    }
}
