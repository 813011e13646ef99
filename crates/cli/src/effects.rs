//! Tests: every flag and every public option has a test of its effect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::args::Cli;
use crate::commands::reach::options_of;

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

/// A value for each flag that the table leads to an option, and what that needs beside it.
const SAMPLES: [(&str, &str, &str); 18] = [
    ("--ca-certificate", "x.pem", ""),
    ("--class", "wifi", ""),
    ("--connections", "7", ""),
    ("--dht", "", ""),
    ("--dht-node", "node:1", "--dht"),
    ("--encryption", "off", ""),
    ("--group", "south", ""),
    ("--location", "de", ""),
    ("--netrc", "logins", ""),
    ("--no-lsd", "", ""),
    ("--no-pex", "", ""),
    ("--no-replace", "", ""),
    ("--origin-readers", "2", ""),
    ("--plain", "", ""),
    ("--private-redirects", "", ""),
    ("--sparse", "", ""),
    ("--staged", "", ""),
    ("--threads", "3", ""),
];

/// What shows the effect of a flag or an option.
#[derive(Debug)]
enum Shown {
    /// A test: its file and its name.
    Test(String, String),
    /// The flag does nothing but set this option, which has a test of its effect.
    Option(String),
}

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

/// By what it is about.
fn table() -> BTreeMap<String, Shown> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter(|line| !line.trim().is_empty());
    let mut table = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (what, [file, test]) = words.split_last_chunk().unwrap();
        let shown = match *file {
            "=" => Shown::Option((*test).to_owned()),
            file => Shown::Test(file.to_owned(), (*test).to_owned()),
        };
        let before = table.insert(what.join(" "), shown);
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
        .filter(|it| !table.contains_key(*it))
        .collect();
    assert!(
        lacking.is_empty(),
        "no test of the effect of {lacking:#?}: effects.txt lacks it"
    );
    let gone: Vec<&String> = table.keys().filter(|it| !wanted.contains(it)).collect();
    assert!(
        gone.is_empty(),
        "there is no such flag or option: {gone:#?}"
    );
    for (what, shown) in &table {
        let Shown::Test(file, test) = shown else {
            continue;
        };
        let source = read(file);
        let is_there = [format!("fn {test}("), format!("def {test}(")];
        let is_there = is_there.iter().any(|text| source.contains(text));
        assert!(is_there, "{what}: no test {test} in {file}");
        if let Some((_, flag)) = what.split_once(" --") {
            assert!(
                runs_with(file, &source, flag),
                "{what}: {file} does not run the program with it; lead it to an option by `=`"
            );
        }
    }
}

/// Whether the tests of a file run the program with a flag; those beside a command's own code may call that.
fn runs_with(file: &str, source: &str, flag: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-');
    let long = format!("--{flag}");
    let mut found = source.match_indices(&long);
    let short = flag == "output" && source.contains("\"-o\"");
    let is_beside = file.starts_with("cli/src/") || file.starts_with("doctor/src/");
    is_beside || short || found.any(|(at, text)| is_end(&source[at + text.len()..]))
}

#[test]
fn a_flag_that_is_led_to_an_option_sets_it() {
    let table = table();
    let mut idle = Vec::new();
    for (what, shown) in &table {
        let Shown::Option(field) = shown else {
            continue;
        };
        let shows = table.get(field);
        assert!(
            matches!(shows, Some(Shown::Test(..))),
            "{what}: no test of the effect of {field}"
        );
        let (command, flag) = what.split_once(' ').unwrap();
        let sample = SAMPLES.iter().find(|(known, ..)| *known == flag);
        let (_, value, beside) = sample.unwrap_or_else(|| panic!("no value for {flag}"));
        let mut args = match command {
            "get" => vec!["get", "x.torrent", "--to", "to"],
            "seed" => vec!["seed", "x.torrent", "--from", "from"],
            "room" => vec!["room", "x.torrent"],
            _ => vec![command, "x"],
        };
        args.extend(Some(*beside).filter(|it| !it.is_empty()));
        let before = field_of(&args, field);
        args.push(flag);
        args.extend(Some(*value).filter(|it| !it.is_empty()));
        if field_of(&args, field) == before {
            idle.push(what);
        }
    }
    assert!(idle.is_empty(), "these set nothing: {idle:#?}");
}

/// How a field of the options shows itself that a command line becomes.
fn field_of(args: &[&str], field: &str) -> String {
    let (name, field) = field.split_once('.').unwrap();
    let options = options_of(args);
    let (_, shown) = options.iter().find(|(known, _)| *known == name).unwrap();
    let start = shown.find(&format!("\n    {field}: ")).unwrap();
    let rest = &shown[start + 1..];
    // it ends where the next line begins that is no deeper, and does not close what this one opened
    let ends = rest.match_indices("\n    ").filter(|(at, _)| {
        let next = rest[at + 5..].chars().next();
        next.is_some_and(|c| c.is_alphabetic())
    });
    rest[..ends.map(|(at, _)| at).next().unwrap_or(rest.len())].to_owned()
}
