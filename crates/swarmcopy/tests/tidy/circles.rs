//! No file imports a file that imports it.
//!
//! A file F *imports* a file G of its crate if a `use` or a path in F (`crate::..`, `super::..`, or by
//! a name that a `use` brought in) leads to something that G defines: a function, a type, a trait, a
//! constant. A name that a module only hands on (`pub use`) counts for the file that defines it, and
//! the module that hands it on imports that file too. `mod name;` alone imports nothing. What is
//! compiled for tests alone (`#[cfg(test)]`) does not count, and methods that a file adds to a type of
//! another file are not seen. A *circle* is a set of files of which each reaches each other one by
//! imports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use crate::imports::Crate;
use crate::top;

type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

#[test]
fn no_file_imports_a_file_that_imports_it() {
    let mut told = String::new();
    for entry in std::fs::read_dir(top().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let src = folder.join("src");
        for root in ["lib.rs", "main.rs"].map(|name| src.join(name)) {
            if root.is_file() {
                tell_circles(&Crate::read(&root).imports(), &mut told);
            }
        }
    }
    assert!(told.is_empty(), "circles between files:\n{told}");
}

#[test]
fn circles_are_found_whatever_way_a_name_is_imported() {
    let shared = "pub struct Shared; pub fn work() {}";
    for (names, is_circle) in [
        ("use crate::one::One; pub struct Two(One);", true),
        ("pub struct Two(crate::one::One);", true),
        ("pub struct Two(super::one::One);", true),
        ("use crate::one; pub struct Two(one::One);", true),
        (
            "use super::one::{self as other}; pub struct Two(other::One);",
            true,
        ),
        ("pub struct Two; fn inside() { use crate::one::One; }", true),
        ("use crate::One; pub struct Two(One);", true),
        ("use crate::*; pub struct Two(One);", true),
        ("pub struct Two; fn call() { crate::one() }", true),
        ("pub struct Two; // crate::one::One", false),
        (
            "pub struct Two; const TEXT: &str = \"crate::one::One\";",
            false,
        ),
        (
            "pub struct Two; #[cfg(test)] mod tests { use crate::one::One; }",
            false,
        ),
        (
            "use crate::shared::work as one; pub struct Two; fn call() { one() }",
            false,
        ),
        ("pub struct Two(std::one::One);", false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write(
            "lib.rs",
            "mod one; mod shared; mod two; pub use one::{One, one};",
        );
        write(
            "one.rs",
            "use crate::two::Two; pub struct One(Box<Two>); pub fn one() {}",
        );
        write("two.rs", names);
        write("shared.rs", shared);
        let mut told = String::new();
        tell_circles(
            &Crate::read(&dir.path().join("lib.rs")).imports(),
            &mut told,
        );
        assert_eq!(!told.is_empty(), is_circle, "{names}\n{told}");
    }
}

fn tell_circles(imports: &Imports, told: &mut String) {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|file| (file, reach(imports, file)))
        .collect();
    let mut seen = BTreeSet::new();
    for (file, from) in &reached {
        if !from.contains(*file) || !seen.insert(*file) {
            continue;
        }
        let back = |other: &PathBuf| reached.get(other).is_some_and(|them| them.contains(*file));
        let circle: Vec<_> = from.iter().filter(|other| back(other)).collect();
        seen.extend(circle.iter().copied());
        told.push_str("circle\n");
        for one in &circle {
            for (other, names) in imports.get(*one).into_iter().flatten() {
                if circle.contains(&other) {
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    let [one, other] =
                        [*one, other].map(|path| path.strip_prefix(top()).unwrap_or(path));
                    let names = names.join(", ");
                    let _ = writeln!(told, "  {} -> {}: {names}", one.display(), other.display());
                }
            }
        }
    }
}

/// The files that `file` imports, by others too.
fn reach(imports: &Imports, file: &PathBuf) -> BTreeSet<PathBuf> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        for other in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(other.clone()) {
                next.push(other);
            }
        }
    }
    reached
}
