//! A test: every flag and every public option has a test of its effect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::args::Cli;

/// The table: what, then the file and the test of its effect.
const TABLE: &str = include_str!("effects.txt");

/// The structs whose public fields are options, by the files that hold them.
const OPTIONS: [(&str, &str); 6] = [
    ("Config", "swarmcopy/src/config.rs"),
    ("CopyOptions", "swarmcopy/src/config.rs"),
    ("MakeOptions", "swarmcopy/src/make/options.rs"),
    ("Options", "piece-store/src/options.rs"),
    ("RehearsalOptions", "rehearsal/src/options.rs"),
    ("TrackerOptions", "tracker/src/options.rs"),
];

/// What came without a test of its effect, or with one that shows too little. This list only becomes shorter.
const OWED: [&str; 4] = [
    "rehearse --watch",
    "rehearse --listen",
    "doctor --tracker",
    "RehearsalOptions.staged",
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    let base = match path.strip_prefix("ci/") {
        Some(_) => crates().join(".."),
        None => crates(),
    };
    std::fs::read_to_string(base.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// By what it is about: the file and the name of a test.
fn table() -> BTreeMap<String, (String, String)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter(|line| !line.trim().is_empty());
    let mut table = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (what, [file, test]) = words.split_last_chunk().unwrap();
        let before = table.insert(what.join(" "), ((*file).to_owned(), (*test).to_owned()));
        assert!(before.is_none(), "twice: {line}");
    }
    table
}

/// Every flag of every command.
fn flags() -> Vec<String> {
    let mut flags = Vec::new();
    let mut todo: Vec<(String, clap::Command)> = vec![(String::new(), Cli::command())];
    while let Some((path, command)) = todo.pop() {
        let arguments = command.get_arguments();
        let named = arguments.filter_map(clap::Arg::get_long);
        let named = named.filter(|name| *name != "help" && *name != "version");
        flags.extend(named.map(|name| format!("{path} --{name}").trim().to_owned()));
        for below in command.get_subcommands() {
            let path = format!("{path} {}", below.get_name()).trim().to_owned();
            todo.push((path, below.clone()));
        }
    }
    flags
}

/// Every public field of the options.
fn fields() -> Vec<String> {
    let mut fields = Vec::new();
    for (name, path) in OPTIONS {
        let source = read(path);
        let start = source.find(&format!("pub struct {name} {{")).unwrap();
        let body = source[start..].split_once("\n}").unwrap().0;
        let named = body
            .lines()
            .filter_map(|line| line.strip_prefix("    pub "));
        let named = named.map(|line| line.split_once(':').unwrap().0);
        let before = fields.len();
        fields.extend(named.map(|field| format!("{name}.{field}")));
        assert!(fields.len() > before, "{name} has no field");
    }
    fields
}

#[test]
fn every_flag_and_every_option_has_a_test_of_its_effect() {
    let table = table();
    let wanted: Vec<String> = flags().into_iter().chain(fields()).collect();
    let lacking: Vec<&String> = wanted
        .iter()
        .filter(|it| !table.contains_key(*it) && !OWED.contains(&it.as_str()))
        .collect();
    let paid: Vec<&&str> = OWED.iter().filter(|it| table.contains_key(**it)).collect();
    assert!(paid.is_empty(), "owed no more: {paid:#?}");
    assert!(
        lacking.is_empty(),
        "no test of the effect of {lacking:#?}: effects.txt lacks it"
    );
    let gone: Vec<&String> = table.keys().filter(|it| !wanted.contains(it)).collect();
    assert!(
        gone.is_empty(),
        "there is no such flag or option: {gone:#?}"
    );
    for (what, (file, test)) in &table {
        let source = read(file);
        let is_there = [format!("fn {test}("), format!("def {test}(")];
        let is_there = is_there.iter().any(|text| source.contains(text));
        assert!(is_there, "{what}: no test {test} in {file}");
    }
}
