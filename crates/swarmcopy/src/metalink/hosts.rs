//! Sorts the mirrors of all files by the server they lie on.
//!
//! What must stay true: a server is named once, the preferred ones first, and `HOSTS_MAX` at most.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use swarmcopy_bt_wire::metainfo::Form;
use swarmcopy_layout::{FileIndex, Layout};
use swarmcopy_metalink::File;
use url::Url;

use super::{Holds, Host};

/// Most servers of one content.
const HOSTS_MAX: usize = 100;

/// What lies on one server.
struct Entry<'f> {
    priority: u32,
    /// How many other servers were named before it.
    place: usize,
    location: Option<&'f str>,
    connections_max: Option<u32>,
    files: Vec<(FileIndex, &'f Url)>,
}

/// The servers that hold files, those of the best priority first; of equal ones those with more files, then in the
/// order in which they are named.
pub(super) fn hosts(
    files: &[(FileIndex, &File)],
    layout: &Layout,
    name: &str,
    form: Form,
) -> Vec<Host> {
    let mut servers: BTreeMap<String, Entry<'_>> = BTreeMap::new();
    for (index, file) in files {
        for mirror in file.mirrors_by_priority() {
            let place = servers.len();
            let entry = servers
                .entry(server_of(mirror.url.as_url()))
                .or_insert(Entry {
                    priority: mirror.priority,
                    place,
                    location: mirror.location.as_deref(),
                    connections_max: None,
                    files: Vec::new(),
                });
            let limits = [
                entry.connections_max,
                file.connections_max,
                mirror.connections_max,
            ];
            entry.connections_max = limits.into_iter().flatten().min();
            entry.priority = entry.priority.min(mirror.priority);
            // of several addresses of a file on one server the best counts
            if entry.files.last().is_none_or(|(last, _)| last != index) {
                entry.files.push((*index, mirror.url.as_url()));
            }
        }
    }
    let mut entries: Vec<Entry<'_>> = servers.into_values().collect();
    entries.sort_by_key(|entry| (entry.priority, Reverse(entry.files.len()), entry.place));
    entries.truncate(HOSTS_MAX);
    let bytes = layout.files();
    let wanted = bytes
        .filter(|(_, file)| !file.attributes().pad && !file.is_empty())
        .count();
    let host = |entry: Entry<'_>| {
        let all = entry.files.len() >= wanted;
        let base = base_of(&entry, layout, name);
        let holds = base.filter(|_| all && form == Form::Tree).map_or_else(
            || {
                let files = entry.files.iter();
                Holds::Files(files.map(|(at, url)| (*at, url.to_string())).collect())
            },
            Holds::Tree,
        );
        Host {
            holds,
            priority: entry.priority,
            location: entry.location.map(str::to_owned),
            connections_max: entry.connections_max,
        }
    };
    entries.into_iter().map(host).collect()
}

/// Scheme, login, host and port.
fn server_of(url: &Url) -> String {
    let mut server = url.clone();
    server.set_path("");
    server.set_query(None);
    server.into()
}

/// The address below which all files lie under NAME and their paths, as BEP 19 has it.
fn base_of(entry: &Entry<'_>, layout: &Layout, name: &str) -> Option<String> {
    let mut base: Option<Url> = None;
    for (index, url) in &entry.files {
        let path = layout.file(*index)?.path();
        let names = std::iter::once(name).chain(path.names());
        let below = without(url, &names.collect::<Vec<_>>())?;
        if base.get_or_insert_with(|| below.clone()) != &below {
            return None;
        }
    }
    base.map(Into::into)
}

/// The address without the names that its path ends in.
fn without(url: &Url, names: &[&str]) -> Option<Url> {
    if url.query().is_some() {
        return None;
    }
    let segments: Vec<&str> = url.path_segments()?.collect();
    let rest = segments.len().checked_sub(names.len())?;
    let (folder, tail) = segments.split_at_checked(rest)?;
    let same = tail
        .iter()
        .zip(names)
        .all(|(segment, name)| percent_decode_str(segment).eq(name.bytes()));
    let mut base = url.clone();
    base.set_path(&format!("{}/", folder.join("/")));
    same.then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::RelPath;
    use swarmcopy_metalink::{Address, FilePath, Mirror};

    fn file(path: &str, urls: &[(&str, u32)]) -> File {
        let mut file = File::new(FilePath::parse(path).unwrap());
        for (url, priority) in urls {
            let mut mirror = Mirror::new(Address::parse(url).unwrap());
            mirror.priority = *priority;
            file.mirrors.push(mirror);
        }
        file
    }

    fn sorted(files: &[File]) -> Vec<Holds> {
        hosts_of(files).into_iter().map(|host| host.holds).collect()
    }

    fn hosts_of(files: &[File]) -> Vec<Host> {
        let mut builder = Layout::builder(16);
        for file in files {
            builder = builder.file(RelPath::parse(file.path.as_str()).unwrap(), 1);
        }
        let layout = builder.build().unwrap();
        let indexes = layout.files().map(|(index, _)| index);
        let mapped: Vec<_> = indexes.zip(files).collect();
        hosts(&mapped, &layout, "CS 5", Form::Tree)
    }

    #[test]
    fn a_server_that_has_the_tree_below_one_address_is_found() {
        let files = [
            file(
                "a#1",
                &[("http://h/x/CS%205/a%231", 2), ("ftp://g/CS%205/a%231", 1)],
            ),
            file(
                "d/b",
                &[("http://h/x/CS%205/d/b", 2), ("ftp://g/CS%205/d/b", 1)],
            ),
        ];
        let want = ["ftp://g/", "http://h/x/"].map(|base| Holds::Tree(base.into()));
        assert_eq!(sorted(&files), want);
    }

    #[test]
    fn other_servers_have_a_list_of_what_lies_there() {
        let files = [
            file(
                "a",
                &[
                    ("http://h/1?x", 1),
                    ("http://h/CS%205/a", 2),
                    ("http://g/CS%205/a", 3),
                ],
            ),
            file("b", &[("http://h/2", 1)]),
        ];
        let [Holds::Files(first), Holds::Files(second)] = &sorted(&files)[..] else {
            panic!("lists")
        };
        let urls: Vec<_> = first.iter().map(|(_, url)| url.as_str()).collect();
        assert_eq!(urls, ["http://h/1?x", "http://h/2"]);
        assert_eq!(second.len(), 1);
    }

    #[test]
    fn no_more_servers_are_named_than_the_limit() {
        let urls: Vec<String> = (0..150).map(|at| format!("http://h{at}/a")).collect();
        let urls: Vec<_> = urls.iter().map(String::as_str).zip(1..).collect();
        let hosts = sorted(&[file("a", &urls)]);
        assert_eq!(hosts.len(), HOSTS_MAX);
        assert!(matches!(&hosts[0], Holds::Files(files) if files[0].1 == "http://h0/a"));
    }

    #[test]
    fn the_least_number_of_connections_counts_that_a_server_asks_for() {
        let mut files = [
            file(
                "a",
                &[("http://h/a", 1), ("http://g/a", 2), ("http://f/a", 3)],
            ),
            file("b", &[("http://h/b", 1), ("http://g/b", 2)]),
        ];
        files[0].mirrors[0].connections_max = Some(5);
        files[1].mirrors[0].connections_max = Some(3);
        files[1].connections_max = Some(4);
        let limits: Vec<_> = hosts_of(&files)
            .iter()
            .map(|host| host.connections_max)
            .collect();
        assert_eq!(limits, [Some(3), Some(4), None]);
    }

    #[test]
    fn a_servers_country_and_priority_are_told() {
        let mut files = [file("a", &[("http://h/a", 3), ("http://g/a", 4)])];
        files[0].mirrors[0].location = Some("de".to_owned());
        let told: Vec<_> = hosts_of(&files)
            .into_iter()
            .map(|host| (host.priority, host.location))
            .collect();
        assert_eq!(told, [(3, Some("de".to_owned())), (4, None)]);
    }

    #[test]
    fn of_equal_servers_the_one_comes_first_that_is_named_first() {
        let files = [file(
            "a",
            &[("http://z/a", 2), ("http://h/a", 2), ("http://b/a", 1)],
        )];
        let urls: Vec<_> = sorted(&files)
            .into_iter()
            .map(|holds| match holds {
                Holds::Files(files) => files[0].1.clone(),
                Holds::Tree(url) => url,
            })
            .collect();
        assert_eq!(urls, ["http://b/a", "http://z/a", "http://h/a"]);
    }
}
