//! Which file of a crate takes names from which, read from its `mod`s, `use`s and paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::tokens::{group_end, is, tokens, without_tests};

/// Aliases that lead to aliases are followed so far.
const HOPS_MAX: usize = 20;
const ITEMS: [&str; 8] = [
    "fn", "struct", "enum", "union", "trait", "type", "const", "static",
];

/// A module: the file it stands in, and the names in it.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    /// Its tokens, without those of modules inside it.
    tokens: Vec<String>,
    defined: BTreeSet<String>,
    /// What names that are brought in stand for, as paths.
    brought: BTreeMap<String, Vec<String>>,
    /// Paths of which all names are brought in.
    globs: Vec<Vec<String>>,
}

/// What a path leads to.
enum Place {
    Module(Vec<String>),
    /// Something that this file defines.
    Item(PathBuf),
}

/// The modules of a crate by their paths.
#[derive(Debug, Default)]
pub(crate) struct Crate(BTreeMap<Vec<String>, Module>);

impl Crate {
    /// Reads a crate from its root file on; what is compiled for tests alone is left out.
    pub(crate) fn read(root: &Path) -> Self {
        let mut read = Self::default();
        read.add_file(Vec::new(), root);
        read
    }

    /// From each file to those from which it takes names, with the names.
    pub(crate) fn imports(&self) -> BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>> {
        let mut imports = BTreeMap::<_, BTreeMap<_, BTreeSet<_>>>::new();
        for (path, module) in &self.0 {
            let from = imports.entry(module.file.clone()).or_default();
            for used in module.paths() {
                if let Some(Place::Item(file)) = self.resolve(path, &used, HOPS_MAX)
                    && file != module.file
                {
                    from.entry(file).or_default().insert(used.join("::"));
                }
            }
        }
        imports
    }

    fn add_file(&mut self, path: Vec<String>, file: &Path) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(path, file, &without_tests(&tokens(&text)));
    }

    /// Adds a module, and those inside it or beside its file.
    fn add(&mut self, path: Vec<String>, file: &Path, tokens: &[String]) {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let child = || [path.as_slice(), &tokens[at + 1..at + 2]].concat();
            if token == "mod" && is(tokens, at + 2, "{") {
                let end = group_end(tokens, at + 2);
                self.add(child(), file, &tokens[at + 3..end - 1]);
                at = end;
            } else if token == "mod" && is(tokens, at + 2, ";") {
                if let Some(file) = file_of(file, path.last(), &tokens[at + 1]) {
                    self.add_file(child(), &file);
                }
                at += 3;
            } else if token == "use" {
                let end = at
                    + tokens[at..]
                        .iter()
                        .position(|token| token == ";")
                        .unwrap_or(0);
                module.bring(&[], &tokens[at + 1..end]);
                module.tokens.push("use".to_owned());
                at = end;
            } else {
                if ITEMS.contains(&token.as_str()) {
                    module.defined.extend(tokens.get(at + 1).cloned());
                }
                // what stands inside of functions and types is not seen from outside
                let end = if token == "{" {
                    group_end(tokens, at)
                } else {
                    at + 1
                };
                for at in at..end {
                    module.tokens.push(tokens[at].clone());
                    if tokens[at] == "use" && is(tokens, at.wrapping_sub(1), "{") {
                        let len = tokens[at..].iter().position(|token| token == ";");
                        module.bring(&[], &tokens[at + 1..at + len.unwrap_or(1)]);
                    }
                }
                at = end;
            }
        }
        self.0.insert(path, module);
    }

    fn resolve(&self, from: &[String], path: &[String], hops: usize) -> Option<Place> {
        let hops = hops.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let mut place = match first.as_str() {
            "crate" => Place::Module(Vec::new()),
            "self" => Place::Module(from.to_vec()),
            "super" => Place::Module(from.split_last()?.1.to_vec()),
            name => self.name_in(from, name, rest.is_empty(), hops)?,
        };
        for (at, name) in rest.iter().enumerate() {
            let last = at + 1 == rest.len();
            let Place::Module(module) = &place else { break };
            place = match name.as_str() {
                "self" => continue,
                "super" => Place::Module(module.split_last()?.1.to_vec()),
                name => self.name_in(module, name, last, hops)?,
            };
        }
        Some(place)
    }

    /// A name in a module. At the end of a path a function of a module's name comes before the module.
    fn name_in(&self, path: &[String], name: &str, last: bool, hops: usize) -> Option<Place> {
        let module = self.0.get(path)?;
        let child = [path, &[name.to_owned()]].concat();
        let child = self.0.contains_key(&child).then_some(Place::Module(child));
        if !last && child.is_some() {
            return child;
        }
        self.item_in(module, path, name, hops).or(child)
    }

    fn item_in(&self, module: &Module, path: &[String], name: &str, hops: usize) -> Option<Place> {
        if module.defined.contains(name) {
            return Some(Place::Item(module.file.clone()));
        }
        if let Some(brought) = module.brought.get(name) {
            // `use bytes;` and the like would lead to themselves
            return (*brought != [name]).then(|| self.resolve(path, brought, hops))?;
        }
        module.globs.iter().find_map(|glob| {
            let all = [glob.as_slice(), &[name.to_owned()]].concat();
            self.resolve(path, &all, hops.checked_sub(1)?)
        })
    }
}

impl Module {
    /// Takes in a tree of `use`, below `stem`.
    fn bring(&mut self, stem: &[String], tree: &[String]) {
        let brace = tree.iter().position(|token| token == "{");
        let cut = brace.unwrap_or(tree.len());
        let mut path = stem.to_vec();
        let words = tree[..cut].iter().filter(|token| *token != "::");
        path.extend(words.take_while(|token| *token != "as").cloned());
        if let Some(open) = brace {
            let inside = &tree[open + 1..group_end(tree, open) - 1];
            for part in parts(inside) {
                self.bring(&path, part);
            }
        } else if path.last().is_some_and(|last| last == "*") {
            path.pop();
            self.globs.push(path);
        } else {
            if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                path.pop();
            }
            let name = tree
                .iter()
                .rev()
                .find(|token| *token != "self")
                .or(stem.last());
            if let Some(name) = name {
                self.brought.insert(name.clone(), path);
            }
        }
    }

    /// All paths in it, and all names that it may have by a glob.
    fn paths(&self) -> BTreeSet<Vec<String>> {
        let mut paths: BTreeSet<_> = self.brought.values().cloned().collect();
        let is_word = |at: usize| {
            let token = self.tokens.get(at);
            token.is_some_and(|token| token.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        };
        for at in 0..self.tokens.len() {
            let begins = is_word(at) && !is(&self.tokens, at.wrapping_sub(1), "::");
            if !begins || is(&self.tokens, at.wrapping_sub(1), ".") {
                continue;
            }
            let mut path = vec![self.tokens[at].clone()];
            let mut next = at + 1;
            while is(&self.tokens, next, "::") && is_word(next + 1) {
                path.push(self.tokens[next + 1].clone());
                next += 2;
            }
            if path.len() > 1 || !self.globs.is_empty() {
                paths.insert(path);
            }
        }
        paths
    }
}

/// The parts between the commas of a list.
fn parts(list: &[String]) -> Vec<&[String]> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < list.len() {
        match list[at].as_str() {
            "{" => at = group_end(list, at),
            "," => {
                parts.push(&list[start..at]);
                (start, at) = (at + 1, at + 1);
            }
            _ => at += 1,
        }
    }
    parts.push(&list[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// The file of `mod name;` in `file`, which is the module `last`.
fn file_of(file: &Path, last: Option<&String>, name: &str) -> Option<PathBuf> {
    let folder = file.parent()?;
    let is_face = file.file_stem().is_some_and(|stem| stem == "mod") || last.is_none();
    let folder = match last {
        Some(last) if !is_face => folder.join(last),
        _ => folder.to_owned(),
    };
    let files = [format!("{name}.rs"), format!("{name}/mod.rs")].map(|file| folder.join(file));
    files.into_iter().find(|file| file.is_file())
}
