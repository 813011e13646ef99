//! What the crates owe to those who take one of them from a registry.

use std::collections::BTreeMap;
use std::fs;

use crate::top;

/// These change with every version, and say so.
const WITHOUT_A_PROMISE: [&str; 10] = [
    "doctor",
    "recording",
    "rehearsal",
    "room",
    "scheduler",
    "sim",
    "slots",
    "sources",
    "swarm",
    "sys",
];

/// The manifest and the README of each crate that is published, by its folder.
fn crates() -> BTreeMap<String, (String, String)> {
    let mut crates = BTreeMap::new();
    for entry in fs::read_dir(top().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        if name != "python" {
            crates.insert(name, (read("Cargo.toml"), read("README.md")));
        }
    }
    crates
}

/// The lines of a table of a manifest.
fn table<'a>(manifest: &'a str, head: &str) -> impl Iterator<Item = &'a str> {
    let lines = manifest.lines().skip_while(move |line| *line != head);
    lines.skip(1).take_while(|line| !line.starts_with('['))
}

#[test]
fn each_feature_is_told_in_the_readme_of_its_crate() {
    for (name, (manifest, readme)) in crates() {
        let names = table(&manifest, "[features]").filter_map(|line| line.split_once(" = "));
        for (feature, _) in names.filter(|(feature, _)| *feature != "default") {
            assert!(
                readme.contains(&format!("`{feature}`")),
                "{name}: {feature}"
            );
        }
    }
}

#[test]
fn who_promises_no_interface_says_so() {
    for (name, (_, readme)) in crates() {
        let promises = !readme.contains("No promise of stability");
        assert_eq!(
            promises,
            !WITHOUT_A_PROMISE.contains(&name.as_str()),
            "{name}"
        );
    }
}

#[test]
fn all_crates_have_one_version_and_one_compiler() {
    for (name, (manifest, _)) in crates() {
        for key in ["version", "rust-version", "edition", "license"] {
            let shared = format!("{key}.workspace = true");
            assert!(
                table(&manifest, "[package]").any(|line| line == shared),
                "{name}: {key}"
            );
        }
    }
    let read = |file: &str| fs::read_to_string(top().join(file)).unwrap();
    let (workspace, python, embed) = (
        read("Cargo.toml"),
        read("crates/python/Cargo.toml"),
        read("embed/Cargo.toml"),
    );
    let shared = |key: &str| {
        let mut lines = table(&workspace, "[workspace.package]");
        lines.find(|line| line.starts_with(key)).unwrap().to_owned()
    };
    let version = shared("version = ");
    assert!(python.contains(&version) && python.contains(&shared("rust-version = ")));
    assert!(embed.contains(&shared("rust-version = ")));
    let ours =
        table(&workspace, "[workspace.dependencies]").filter(|line| line.contains("path = "));
    for line in ours {
        assert!(line.contains(&version), "{line}");
    }
}

#[test]
fn messages_of_the_library_name_no_flag_and_no_command() {
    let facade = top().join("crates/swarmcopy/src");
    let mut found = Vec::new();
    for path in crate::rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let speaks = |line: &&str| {
            let mut flags = line.split("--").skip(1).zip(line.split("--"));
            let is_flag = |(after, before): (&str, &str)| {
                after.starts_with(|c: char| c.is_ascii_lowercase())
                    && before.ends_with([' ', '"', '`'])
            };
            flags.any(is_flag) || line.contains("same command")
        };
        if path.starts_with(&facade) && !path.ends_with("tests.rs") {
            found.extend(
                code.filter(speaks)
                    .map(|line| format!("{}: {line}", path.display())),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_library_has_its_readme_as_its_front_page_with_an_example_that_is_built() {
    for (name, (_, readme)) in crates() {
        assert!(
            !readme.contains("```rust,ignore") && !readme.contains("```ignore"),
            "{name}"
        );
        let root = top().join("crates").join(&name).join("src/lib.rs");
        let Ok(root) = fs::read_to_string(root) else {
            continue;
        };
        assert!(
            root.starts_with("#![doc = include_str!(\"../README.md\")]"),
            "{name}"
        );
        assert!(readme.contains("```rust"), "{name}");
    }
}

#[test]
fn every_crate_can_be_found_and_says_under_which_licence() {
    for (name, (manifest, _)) in crates() {
        let has = |head: &str, key: &str| {
            let line = table(&manifest, head).find(|line| line.starts_with(key));
            let told = line.is_some_and(|line| line.len() > key.len() + "[\"\"]".len());
            assert!(told, "{name}: {key}");
        };
        has("[package]", "description = ");
        has("[package]", "keywords = ");
        has("[package]", "categories = ");
        assert!(
            table(&manifest, "[package.metadata.docs.rs]")
                .any(|line| line == "all-features = true"),
            "{name}: docs.rs"
        );
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let read = |folder: &str| fs::read(top().join(folder).join(licence)).unwrap();
            assert_eq!(read(&format!("crates/{name}")), read("."), "{name}");
        }
    }
}
