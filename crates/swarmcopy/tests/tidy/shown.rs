//! Addresses are shown by `swarmcopy_address` alone: no `Debug` that is derived writes one.

use std::path::Path;

use crate::tokens::{group_end, is, tokens};

/// Fields that hold addresses as text. `Url` as a type is told by itself.
const ADDRESSES: [&str; 9] = [
    "mirror",
    "mirrors",
    "notify",
    "own_mirrors",
    "proxy",
    "trackers",
    "url",
    "url_list",
    "urls",
];
/// These have been made fit to be shown before they get there.
const SHOWN_BEFORE: [(&str, &str); 2] = [
    ("room/src/seen/state.rs", "trackers"),
    ("rehearsal/src/stage.rs", "mirror"),
];

/// Types with a derived `Debug` and an address in them, with the field.
fn offenders(path: &Path, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut derived = false;
    let mut at = 0;
    while at < tokens.len() {
        if is(&tokens, at, "derive") && is(&tokens, at + 1, "(") {
            let end = group_end(&tokens, at + 1);
            derived = tokens[at..end].contains(&"Debug".to_owned());
        }
        let is_type = is(&tokens, at, "struct") || is(&tokens, at, "enum");
        let shows = is_type && std::mem::take(&mut derived);
        if is_type && let Some(open) = body(&tokens, at) {
            let end = group_end(&tokens, open);
            if shows {
                let fields = addresses(&tokens[open + 1..end]).into_iter();
                let name = &tokens[at + 1];
                let known = |field: &str| {
                    let mut known = SHOWN_BEFORE.iter();
                    known.any(|(file, it)| path.ends_with(file) && *it == field)
                };
                let fields = fields.filter(|field| !known(field));
                found.extend(fields.map(|field| format!("{}: {name}.{field}", path.display())));
            }
            at = end;
        }
        at += 1;
    }
    found
}

/// Where the fields or variants of a type begin; `None` for one that has none.
fn body(tokens: &[String], at: usize) -> Option<usize> {
    let mut rest = tokens.iter().enumerate().skip(at);
    let (at, token) = rest.find(|(_, token)| ["{", "(", ";"].contains(&token.as_str()))?;
    (token != ";").then_some(at)
}

/// What in a type's body is an address: its type, or its name where it is text.
fn addresses(body: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut field = String::new();
    for (at, token) in body.iter().enumerate() {
        if is(body, at + 1, ":") {
            field.clone_from(token);
        }
        let text = ["String", "str", "Cow"].contains(&token.as_str());
        // a variant may be called so
        let is_variant = at == 0 || [",", "]"].iter().any(|mark| is(body, at - 1, mark));
        if token == "Url" && !is_variant || text && ADDRESSES.contains(&field.as_str()) {
            found.push(field.clone());
        }
    }
    found
}

#[test]
fn no_derived_debug_shows_an_address() {
    let mut found = Vec::new();
    for path in super::rust_files() {
        let is_code = path.components().any(|part| part.as_os_str() == "src");
        if is_code && !path.ends_with("tests.rs") {
            found.extend(offenders(&path, &std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(found.is_empty(), "use `debug_shown!`: {found:#?}");
}

#[test]
fn an_address_in_a_derived_debug_is_found() {
    let find = |text: &str| offenders(Path::new("x.rs"), text).len();
    assert_eq!(
        find("#[derive(Debug)] struct A { base: Option<Url>, b: u8 }"),
        1
    );
    assert_eq!(
        find("#[derive(Clone, Debug)] pub struct A { pub mirrors: Vec<String> }"),
        1
    );
    assert_eq!(find("#[derive(Debug)] enum A { At(Vec<url::Url>), B }"), 1);
    assert_eq!(find("#[derive(Clone)] struct A { base: Url }"), 0);
    assert_eq!(find("#[derive(Debug)] enum A { Size, Url, Url(u8) }"), 0);
    assert_eq!(
        find("#[derive(Debug)] struct A; struct B { mirrors: Vec<String> }"),
        0
    );
    assert_eq!(
        find("#[derive(Debug)] struct A { mirrors: usize, name: String }"),
        0
    );
}
