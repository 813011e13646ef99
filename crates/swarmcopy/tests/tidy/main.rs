//! The house rules that a machine can check: file length, heads, arrows, READMEs, leftovers.
#![cfg(not(windows))] // they look at the same text on all systems

mod circles;
mod imports;
mod products;
mod shown;
mod tokens;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// All Rust files of the workspace, without what builds leave.
fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = ["crates", "benches", "fuzz"]
        .map(|name| top().join(name))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !["target", "corpus", "artifacts"].contains(&name) {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    assert!(
        files.len() > 100,
        "the walk found {} files only",
        files.len()
    );
    files
}

fn offenders(wrong: impl Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let mut offenders = rust_files();
    offenders.retain(|path| wrong(path, &read(path)));
    offenders
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long = offenders(|_, text| text.lines().count() > FILE_LINES_MAX);
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn every_file_says_what_it_is() {
    let headless = offenders(|_, text| {
        let first = text
            .lines()
            .find(|line| !line.starts_with("#!") && !line.trim().is_empty());
        !first.is_some_and(|line| line.starts_with("//!"))
    });
    assert!(headless.is_empty(), "{headless:?}");
}

#[test]
fn nothing_is_left_for_later() {
    let marks =
        ["TO", "FIX", "XX"].map(|half| half.to_owned() + if half == "TO" { "DO" } else { "" });
    let marks = [
        marks[0].clone(),
        marks[1].clone() + "ME",
        marks[2].clone() + "X",
    ];
    let left = offenders(|_, text| {
        let word = |line: &str| {
            line.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| marks.contains(&word.to_owned()))
        };
        text.lines().any(word)
    });
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn lints_are_silenced_only_where_they_would_speak() {
    let silenced = offenders(|_, text| {
        text.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with("#[allow(") || line.starts_with("#![allow(")
        })
    });
    assert!(
        silenced.is_empty(),
        "use #[expect(.., reason = ..)]: {silenced:?}"
    );
}

#[test]
fn no_test_sleeps_to_let_things_settle() {
    let sleepers = offenders(|path, text| {
        let is_test = path.components().any(|part| part.as_os_str() == "tests")
            || path.file_name().is_some_and(|name| name == "tests.rs");
        is_test
            && !path.ends_with("tidy/main.rs")
            && (text.contains("thread::sleep") || text.contains("time::sleep("))
    });
    assert!(sleepers.is_empty(), "{sleepers:?}");
}

/// The arrows of ARCHITECTURE.md: what each crate may use of ours.
fn arrows() -> BTreeMap<&'static str, &'static [&'static str]> {
    const PURE: &[&str] = &[];
    BTreeMap::from([
        ("address", PURE),
        ("layout", PURE),
        ("bt-wire", &["address"]),
        ("metalink", &["address"]),
        ("digest", PURE),
        ("sys", PURE),
        ("slots", &["layout", "bt-wire"] as &[&str]),
        ("scheduler", &["layout", "slots"]),
        ("piece-store", &["layout", "digest", "sys"]),
        ("sources", &["address", "layout", "scheduler", "sys"]),
        (
            "swarm",
            &[
                "address",
                "layout",
                "bt-wire",
                "scheduler",
                "sources",
                "sys",
            ],
        ),
        (
            "swarmcopy",
            &[
                "address",
                "layout",
                "bt-wire",
                "metalink",
                "digest",
                "sys",
                "scheduler",
                "piece-store",
                "sources",
                "swarm",
                "recording",
            ],
        ),
        ("sim", &["layout", "scheduler"]),
        ("recording", &["layout", "scheduler"]),
        ("doctor", &["bt-wire", "swarmcopy", "sys"]),
        ("tracker", &["bt-wire", "sys"]),
        ("room", &["swarmcopy", "tracker"]),
        (
            "rehearsal",
            &[
                "swarmcopy",
                "layout",
                "scheduler",
                "sources",
                "sys",
                "tracker",
            ],
        ),
        ("python", &["swarmcopy"]),
        (
            "cli",
            &[
                "address",
                "doctor",
                "swarmcopy",
                "recording",
                "rehearsal",
                "room",
                "sim",
                "sys",
                "tracker",
            ],
        ),
    ])
}

#[test]
fn crates_look_only_where_the_arrows_point() {
    let arrows = arrows();
    for entry in fs::read_dir(top().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let may = arrows
            .get(name.as_str())
            .unwrap_or_else(|| panic!("no arrows for {name}"));
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let mut section = String::new();
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line.to_owned();
            }
            let ours = line
                .strip_prefix("swarmcopy-")
                .or(line.starts_with("swarmcopy.").then_some(line));
            let Some(used) = ours.filter(|_| section == "[dependencies]") else {
                continue;
            };
            let used = used.split(['.', ' ', '=']).next().unwrap();
            assert!(may.contains(&used), "{name} must not use {used}");
        }
    }
}

/// What the command line may name of ours besides the facade: programs of their own, and how things are shown.
const BESIDE_THE_FACADE: [&str; 8] = [
    "address",
    "doctor",
    "recording",
    "rehearsal",
    "room",
    "sim",
    "sys",
    "tracker",
];

#[test]
fn the_command_line_copies_by_the_facade_alone_which_hides_nothing() {
    let (cli, facade) = (
        top().join("crates/cli/src"),
        top().join("crates/swarmcopy/src"),
    );
    let around = offenders(|path, text| {
        let names = text.split("swarmcopy_").skip(1);
        let mut names = names.filter_map(|rest| rest.split_once("::").map(|(name, _)| name));
        path.starts_with(&cli) && names.any(|name| !BESIDE_THE_FACADE.contains(&name))
    });
    assert!(around.is_empty(), "{around:?}");
    let hidden = offenders(|path, text| path.starts_with(&facade) && text.contains("doc(hidden)"));
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn every_crate_is_ready_to_be_published() {
    for name in arrows().keys().filter(|name| **name != "python") {
        let folder = top().join("crates").join(name);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for key in [
            "description = ",
            "keywords = ",
            "categories = ",
            "[package.metadata.docs.rs]",
        ] {
            assert!(manifest.contains(key), "{name}: {key}");
        }
        for text in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(folder.join(text).is_file(), "{name}: {text}");
        }
        if let Ok(lib) = fs::read_to_string(folder.join("src/lib.rs")) {
            let front = "#![doc = include_str!(\"../README.md\")]";
            assert!(
                lib.starts_with(front),
                "{name}: its README is its front page"
            );
            let readme = fs::read_to_string(folder.join("README.md")).unwrap();
            // what stands between such marks is a test of the documentation
            assert!(readme.contains("```rust"), "{name}: an example");
        }
    }
}

#[test]
fn every_library_crate_has_a_readme() {
    for name in arrows().keys().filter(|name| **name != "cli") {
        let readme = top().join("crates").join(name).join("README.md");
        assert!(readme.is_file(), "{} is missing", readme.display());
    }
}
