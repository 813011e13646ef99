//! Documents made up for tests and timings that must be refused.

use std::fmt::Write as _;

/// The root element's start tag, Metalink 4.
const ROOT: &str = "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">";

/// Documents that must be refused, by name.
pub(crate) fn hostile() -> Vec<(&'static str, String)> {
    let file = |inner: &str| format!("{ROOT}<file name=\"f\">{inner}</file></metalink>");
    let nested = |start: &str, count: usize| file(&start.repeat(count));
    let numbered =
        |count: usize, make: &dyn Fn(usize) -> String| -> String { (0..count).map(make).collect() };
    let few = numbered(40, &|i| format!(" attr{i}=\"\""));
    let attributes = numbered(80_000, &|i| format!(" attr{i}=\"\""));
    let prefixes = numbered(3_000, &|i| format!("<n{i}:x xmlns:n{i}=\"urn:{i}\">"));
    let declared = numbered(3_000, &|i| format!(" xmlns:n{i}=\"urn:{i}\""));
    let level = |i: usize| numbered(30, &|j| format!(" xmlns:n{i}x{j}=\"u\""));
    let wide = numbered(31, &|i| format!("<x{}>", level(i)));
    let external = "<!DOCTYPE m SYSTEM \"file:///etc/passwd\">";
    let subset = format!("<!DOCTYPE m [{}]>", "<!ELEMENT a ANY>".repeat(65_536));
    let megabyte = "x".repeat(1 << 20);
    vec![
        ("entity bomb", entity_bomb()),
        ("external document type", format!("{external}{}", file(""))),
        ("1 MB of document type", format!("{subset}{}", file(""))),
        ("unknown entity", file("<size>&size;</size>")),
        (
            "unknown entity in an attribute",
            file("<url location=\"&l;\">http://h/</url>"),
        ),
        ("100,000 nested elements", nested("<a>", 100_000)),
        ("1,000,000 nested elements", nested("<a>", 1_000_000)),
        (
            "100,000 nested foreign elements",
            nested("<a xmlns=\"urn:x\">", 100_000),
        ),
        ("100,000 nested files", nested("<file name=\"f\">", 100_000)),
        ("40 attributes", file(&format!("<size{few}>1</size>"))),
        (
            "1 MB of attributes",
            file(&format!("<size{attributes}>1</size>")),
        ),
        (
            "1 MB of foreign attributes",
            file(&format!("<x xmlns=\"urn:x\"{attributes}/>")),
        ),
        (
            "1 MB in an attribute",
            file(&format!("<size x=\"{megabyte}\">1</size>")),
        ),
        ("1 MB of tag name", file(&format!("<{megabyte}/>"))),
        ("1 MB of text", file(&format!("<size>{megabyte}</size>"))),
        (
            "1 MB of foreign text",
            file(&format!("<x xmlns=\"urn:x\">{megabyte}</x>")),
        ),
        (
            "1 MB of character data",
            file(&format!("<size><![CDATA[{megabyte}]]></size>")),
        ),
        (
            "1 MB of references",
            file(&format!("<size>{}</size>", "&#49;".repeat(1 << 18))),
        ),
        ("3,000 nested namespaces", file(&prefixes)),
        (
            "3,000 namespaces in a tag",
            file(&format!("<x{declared}/>")),
        ),
        ("30 namespaces on every level", file(&wide)),
        (
            "the same attribute twice",
            file("<size a=\"\" a=\"\">1</size>"),
        ),
    ]
}

/// Ten entities, each ten times the one before.
fn entity_bomb() -> String {
    let mut text = "<!DOCTYPE metalink [<!ENTITY a \"ha\">".to_owned();
    for (entity, of) in ('b'..='j').zip('a'..) {
        let ten = format!("&{of};").repeat(10);
        let _ = write!(text, "<!ENTITY {entity} \"{ten}\">");
    }
    text + "]>" + ROOT + "<generator>&j;</generator></metalink>"
}

/// Documents that must be refused, though only after much of them is read.
pub(crate) fn endless() -> Vec<(&'static str, String)> {
    let root = |inner: String| format!("{ROOT}{inner}</metalink>");
    let name = |i: usize| format!("<file name=\"{i}\"/>");
    vec![
        ("2,000,000 elements", root("<a/>".repeat(2_000_000))),
        ("300,000 files", root((0..300_000).map(name).collect())),
        ("64 MiB and a byte", root("x".repeat(64 << 20))),
    ]
}
