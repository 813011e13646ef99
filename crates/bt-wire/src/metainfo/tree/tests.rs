//! Rules of the table of times, flags, folders and links.

use proptest::prelude::*;

use super::*;
use crate::bencode::Item;
use crate::metainfo::{Builder, File, Form, Torrent};

fn path(text: &str) -> Vec<String> {
    text.split('/').map(str::to_owned).collect()
}

fn builder() -> Builder {
    let mut builder = Builder::new("tree", 16 * 1024, Form::Tree);
    for (name, len) in [("a", 5), ("bin/x", 5), ("bin/y", 7)] {
        builder.files.push(File::new(path(name), len));
    }
    builder.pieces = vec![[1; 20]];
    builder
}

fn folder(path: &str) -> Folder {
    Folder {
        path: path.to_owned(),
        attributes: Attributes::unix(7, 0o755, ModeOf::Folder),
    }
}

fn link(path: &str, target: &str) -> Link {
    Link {
        path: path.to_owned(),
        target: target.to_owned(),
        kind: LinkKind::File,
        time: -1,
    }
}

fn tree() -> Tree {
    Tree {
        files: vec![
            Attributes::unix(i64::MIN, 0o644, ModeOf::File),
            Attributes::unix(i64::MAX, 0o4750, ModeOf::File),
            Attributes::unix(0, 0o555, ModeOf::File),
        ],
        folders: vec![folder("bin"), folder("empty"), folder("empty/deep")],
        links: vec![link("bin/a", "../a"), link("bin/gone", "x/./../nothing")],
        hard_links: vec![HardLink { file: 1, first: 0 }],
        ..Tree::default()
    }
}

/// What a torrent with this table is refused for.
fn refused(edit: impl FnOnce(&mut Tree)) -> String {
    let mut tree = tree();
    edit(&mut tree);
    let mut builder = builder();
    builder.own.tree = Some(tree);
    builder.build().unwrap_err().to_string()
}

/// What a torrent is refused for whose table has this entry instead.
fn refused_entry(key: &str, value: impl Into<Item>) -> String {
    let table = tree().item().with(key, value);
    let info = builder().build().unwrap().torrent.info.raw;
    let torrent = Item::dict()
        .with("info", Item::Encoded(info.to_vec()))
        .with("swarmcopy", Item::dict().with("tree", table));
    Torrent::parse(&torrent.encode()).unwrap_err().to_string()
}

#[test]
fn a_table_is_read_as_it_was_written_and_changes_no_info_hash() {
    let mut builder = builder();
    let without = builder.build().unwrap().torrent;
    builder.own.tree = Some(tree());
    let with = builder.build().unwrap().torrent;
    assert_eq!(with.own.tree, Some(tree()));
    assert_eq!(with.info, without.info);
}

#[test]
fn modes_are_written_only_where_flags_do_not_say_them() {
    for (mode, of, given) in [
        (0o644, ModeOf::File, false),
        (0o755, ModeOf::File, false),
        (0o444, ModeOf::File, false),
        (0o555, ModeOf::File, false),
        (0o664, ModeOf::File, true),
        (0o6755, ModeOf::File, true),
        (0o755, ModeOf::Folder, false),
        (0o555, ModeOf::Folder, false),
        (0o1777, ModeOf::Folder, true),
    ] {
        let attributes = Attributes::unix(0, mode, of);
        assert_eq!(attributes.mode.is_some(), given, "{mode:o}");
        assert_eq!(attributes.mode(of), mode, "{mode:o}");
    }
}

#[test]
fn each_fault_is_told_with_its_field() {
    type Edit = fn(&mut Tree);
    let fields: [(&str, Edit); 14] = [
        ("tree.times: ends too early", |t| t.files.truncate(2)),
        ("tree.times: holds more values", |t| {
            t.files.push(Attributes::default())
        }),
        ("tree.folders: holds a path that is not", |t| {
            t.folders[0].path = "..".into()
        }),
        ("tree.folders: holds a path that is not", |t| {
            t.folders[0].path = "a//b".into()
        }),
        ("tree.folders: holds a path that is not", |t| {
            t.folders[0].path = "/etc".into()
        }),
        ("tree.folders: holds a path twice", |t| {
            t.folders[1].path = "bin".into()
        }),
        ("tree.folders: holds a path with a file", |t| {
            t.folders[0].path = "a/b".into()
        }),
        ("tree.links: holds a path with a file", |t| {
            t.links[1].path = "bin/x".into()
        }),
        ("tree.links: holds the path of a folder", |t| {
            t.links[1].path = "empty".into()
        }),
        ("tree.links: holds a link with something below", |t| {
            t.folders.remove(0);
            t.links[0].path = "bin".into();
        }),
        ("tree.hard links: holds a file that does not", |t| {
            t.hard_links[0].first = 3
        }),
        ("tree.hard links: holds a file that does not", |t| {
            t.hard_links[0].first = 2
        }),
        ("tree.hard links: holds a file that does not", |t| {
            t.hard_links[0].first = 1
        }),
        ("tree.hard links: holds a link to a file", |t| {
            t.hard_links.insert(0, HardLink { file: 0, first: 1 });
        }),
    ];
    for (at, (field, edit)) in fields.into_iter().enumerate() {
        let message = refused(edit);
        assert!(message.contains(field), "{at}: {message}, not {field}");
    }
}

#[test]
fn a_column_that_lies_is_told_with_its_name() {
    let long = [[0xff; 9].as_slice(), &[0x7f]].concat();
    let cases: [(&str, &[u8], &str); 9] = [
        ("origin", b"amiga", "origin: neither"),
        ("times", &long, "times: holds a number of more"),
        ("flags", &[3, 1, 0], "flags: holds more values"),
        ("flags", &[0, 1, 3, 1], "flags: holds a run"),
        ("flags", &[4, 1], "flags: holds a run"),
        ("flags", &[3, 64], "flags: holds flags that"),
        (
            "folders",
            &[9, 1, b'x'],
            "folders: holds a path that shares",
        ),
        ("folders", &[0, 200, 1, b'x'], "folders: ends too early"),
        ("links", &[0, 1, b'x', 2, 1, b'y'], "links: holds a kind"),
    ];
    for (key, bytes, problem) in cases {
        let message = refused_entry(key, bytes);
        assert!(message.contains(problem), "{message}, not {problem}");
    }
    let message = refused_entry("folders", 7_i64);
    assert!(message.contains("folders: not a string"), "{message}");
}

#[test]
fn a_link_never_leaves_and_never_leads_through_a_link() {
    for (target, problem) in [
        ("/etc/passwd", "is absolute"),
        ("", "is absolute"),
        ("a\\b", "is absolute"),
        ("a\u{0}", "is absolute"),
        ("../..", "leaves"),
        ("../x/../../x", "leaves"),
        ("gone/x", "leads through another"),
        ("gone/..", "leads through another"),
        ("./gone/./../a", "leads through another"),
    ] {
        let message = refused(|tree| tree.links[0].target = target.to_owned());
        let field = format!("tree.links[0].target: {problem}");
        assert!(message.contains(&field), "{target:?}: {message}");
    }
    for target in [
        "gone",
        "gone/",
        "..",
        "../",
        "../a",
        "nothing/at/all",
        "x/../y",
    ] {
        let mut builder = builder();
        let mut tree = tree();
        tree.links[0].target = target.to_owned();
        builder.own.tree = Some(tree);
        builder
            .build()
            .unwrap_or_else(|error| panic!("{target:?}: {error}"));
    }
}

#[test]
fn paths_that_share_much_cannot_fill_the_memory() {
    let mut column = Vec::new();
    let names = vec!["n".repeat(250); 120].join("/");
    columns::push_path(&mut column, "", &names);
    for _ in 0..100_000 {
        columns::push_number(&mut column, u64::try_from(names.len()).unwrap());
        columns::push_number(&mut column, 0);
    }
    let message = refused_entry("folders", column);
    assert!(message.contains("too long together"), "{message}");
}

/// A tree of 5,000 folders with ten files each, times as a disk has them.
fn large() -> (Vec<File>, Tree) {
    let mut tree = Tree::default();
    let mut files = Vec::new();
    let mut time = 17_000_000_000_000_000_i64;
    for folder_at in 0..5000 {
        let name = format!("part{:02}/folder-{folder_at:05}", folder_at / 100);
        if folder_at % 100 == 0 {
            tree.folders
                .push(folder(&format!("part{:02}", folder_at / 100)));
        }
        tree.folders.push(folder(&name));
        for at in 0..10 {
            time = time.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let seen = 17_000_000_000_000_000 + time.rem_euclid(3_000_000_000_000_000);
            files.push(File::new(path(&format!("{name}/file-{at}.dll")), 100));
            let mode = if at % 2 == 0 { 0o644 } else { 0o755 };
            tree.files.push(Attributes::unix(seen, mode, ModeOf::File));
        }
    }
    (files, tree)
}

#[test]
fn a_table_of_50_000_files_takes_a_megabyte_at_most() {
    let (files, tree) = large();
    let bytes = tree.item().encode();
    assert!(bytes.len() <= 1_000_000, "{} bytes", bytes.len());
    let document = crate::bencode::parse(&bytes, &crate::bencode::Limits::message(1 << 20));
    let read = Tree::read(&document.unwrap().root(), &files).unwrap();
    assert_eq!(read, tree);
}

proptest! {
    #[test]
    fn columns_give_back_what_was_put_in(
        times in proptest::collection::vec(any::<i64>(), 0..50),
        runs in proptest::collection::vec(0..3_u64, 0..50),
        paths in proptest::collection::vec("[a-cäöü]{1,3}(/[a-cäöü]{1,3}){0,3}", 0..20),
    ) {
        let mut out = Vec::new();
        columns::push_times(&mut out, times.iter().copied());
        columns::push_runs(&mut out, runs.iter().copied());
        let mut before = "";
        for path in &paths {
            columns::push_path(&mut out, before, path);
            before = path;
        }
        let mut column = columns::Column::new(&out);
        prop_assert_eq!(column.times(times.len()).unwrap(), times);
        let mut read = Vec::new();
        column.runs(runs.len(), |len, value| {
            read.extend(std::iter::repeat_n(value, len));
            Ok(())
        }).unwrap();
        prop_assert_eq!(read, runs);
        for path in &paths {
            prop_assert_eq!(&column.path().unwrap(), path);
        }
        prop_assert!(column.end().is_ok());
    }

    #[test]
    fn any_bytes_as_columns_keep_the_rules(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::check::metainfo_tree(&bytes);
    }
}

#[test]
fn extended_attributes_have_columns_of_their_own() {
    let extended = Access {
        lists: vec!["origin=00ff".to_owned()],
        files: vec![Some(0), None, Some(0)],
        folders: vec![None, None, Some(0), None],
    };
    let mut builder = builder();
    builder.own.tree = Some(Tree {
        extended: Some(extended.clone()),
        ..tree()
    });
    let read = builder.build().unwrap().torrent.own.tree.unwrap();
    assert_eq!((read.access, read.extended), (None, Some(extended.clone())));
    let mut broken = extended;
    broken.lists.clear();
    let error = refused(|tree| tree.extended = Some(broken));
    assert!(error.contains("file extended"), "{error}");
}

#[test]
fn access_lists_are_read_as_they_were_written_and_each_fault_names_its_column() {
    let access = || Access {
        lists: vec![
            "u::rw-,u:7:r--,g::r--,m::r--,o::---".to_owned(),
            "d:u::rwx".to_owned(),
        ],
        files: vec![None, Some(0), Some(0)],
        folders: vec![Some(1), None, None, Some(0)],
    };
    let mut builder = builder();
    builder.own.tree = Some(Tree {
        access: Some(access()),
        ..tree()
    });
    let read = builder.build().unwrap().torrent.own.tree.unwrap();
    assert_eq!(read.access, Some(access()));
    for (key, value, why) in [
        ("access", &b"\xff\xff\xff\x01"[..], "too long"),
        ("file access", &[3, 1], "does not exist"),
        ("file access", &[2, 0], "too early"),
        ("folder access", &[4, 0, 1], "more values"),
    ] {
        let table = tree()
            .item()
            .with("access", "")
            .with("file access", &[3, 0][..]);
        let table = table.with("folder access", &[4, 0][..]).with(key, value);
        let info = builder.build().unwrap().torrent.info.raw;
        let torrent = Item::dict()
            .with("info", Item::Encoded(info.to_vec()))
            .with("swarmcopy", Item::dict().with("tree", table));
        let error = Torrent::parse(&torrent.encode()).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(why), "{error}");
    }
}
