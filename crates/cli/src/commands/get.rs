//! `get`: copies a content to this machine.

use std::path::{Path, PathBuf};

use swarmcopy::{Config, Content, CopyOptions, Error, Record, RecordNames, Replace, Stay};
use swarmcopy_sys::{FileId, file_id};

use super::beside::Wishes;
use super::running::{self, Explain, Prepare, Rest, Running};
use crate::args::GetArgs;
use crate::args::values::Rate;
use crate::exit::Style;
use crate::host::Host;
use crate::{netrc, output, policy, records};

/// What a copy that is not complete has beside it.
const JOURNAL_SUFFIX: &str = ".swarmcopy";

/// Runs the command.
pub(super) fn run(args: &GetArgs, host: &Host) -> Result<u8, Error> {
    if args.dry_run {
        let style = Style::of(args.json);
        let content = super::found::find(&args.what, style)?;
        return super::dry_run::run(&content, &options(args)?, style);
    }
    let explain = if args.explain {
        Explain::Yes
    } else {
        Explain::No
    };
    running::run(Running {
        host,
        config: config(args),
        what: &args.what,
        options: options(args)?,
        rest: Rest::Disturbed,
        prepare: beside(args),
        unprepared: &|content| {
            output::note(
                "warning: what stands beside the .torrent is left out: its server does not answer",
            );
            Ok(content)
        },
        style: Style::of(args.json),
        explain,
        every: args.every,
        wishes: Wishes {
            metrics: args.metrics,
            notify: args.notify_command.clone(),
        },
    })
}

/// Takes what stands beside the .torrent as a share.
fn beside(args: &GetArgs) -> Prepare {
    let torrent = args.what.path().map(Path::to_path_buf);
    let (to, style) = (args.to.clone(), Style::of(args.json));
    Box::new(move |content| with_share_beside(content, torrent.as_deref(), &to, style))
}

fn with_share_beside(content: Content, torrent: Option<&Path>, to: &Path, style: Style) -> Content {
    let beside = |path: &Path| {
        share_beside(path, &|folder| content.places_in(folder), to).or_else(|| {
            let found = content.find_in(folder_of(path))?;
            // never the target, nor what another copy is making
            let own = file_id(to).ok() == file_id(folder_of(path)).ok();
            (!own).then_some(found)
        })
    };
    let Some(folder) = torrent.and_then(beside) else {
        return content;
    };
    if style == Style::Human {
        output::note(&format!("taking {} as a share", folder.display()));
    }
    content.share(folder)
}

pub(super) fn config(args: &GetArgs) -> Config {
    let mut config = Config::default();
    config.listen = args.listen;
    config.lsd = !args.no_lsd;
    config.pex = !args.no_pex;
    config.encryption = args.encryption.into();
    config.dht = args.dht;
    config.dht_nodes.clone_from(&args.dht_node);
    config.limit_down = args.limit_down.and_then(Rate::limit);
    config.limit_up = args.limit_up.and_then(Rate::limit);
    config
}

pub(super) fn options(args: &GetArgs) -> Result<CopyOptions, Error> {
    let mut options = CopyOptions::new(&args.to);
    options.shares.clone_from(&args.share);
    options.mirrors.clone_from(&args.mirror);
    options.locations.clone_from(&args.location);
    options.ca_certificate.clone_from(&args.ca_certificate);
    options.netrc = args.netrc.clone().or_else(netrc::find);
    options.private_redirects = args.private_redirects;
    options.trust_document = args.trust_document;
    options.peers.clone_from(&args.peer);
    options.connections = args.connections;
    options.status = args.status.into();
    options.record = args.record.clone().map(|path| Record {
        path,
        names: if args.with_names {
            RecordNames::Kept
        } else {
            RecordNames::Hidden
        },
    });
    options.machine_name.clone_from(&args.machine_name);
    options.trackers.clone_from(&args.tracker);
    options.reuse.clone_from(&args.reuse);
    options.select.clone_from(&args.select);
    options.plain = args.plain;
    options.acl = args.acl;
    options.delete_extra = args.delete_extra;
    options.sparse = args.sparse;
    options.check = args.check;
    options.records = records::folder();
    if args.no_replace {
        options.replace = Replace::Refuse;
    }
    options.staged = args.staged;
    options.timeout = args.timeout;
    options.deadline = args.deadline;
    match args.seed_for {
        Some(time) => options.stay = Stay::For(time),
        None if args.stay => options.stay = Stay::Always,
        None => {}
    }
    options.torrent_folder = args.what.path().map(|path| folder_of(path).to_path_buf());
    policy::apply(args, &mut options)?;
    Ok(options)
}

/// The folder of the .torrent, if the content stands beside it and is not the target itself.
fn share_beside(
    torrent: &Path,
    places_in: &dyn Fn(&Path) -> Vec<PathBuf>,
    to: &Path,
) -> Option<PathBuf> {
    let folder = folder_of(torrent);
    let id = |path: &PathBuf| -> Option<FileId> { file_id(path).ok() };
    let places = places_in(folder);
    let beside = places.iter().find_map(id)?;
    let is_target = places_in(to).iter().any(|place| id(place) == Some(beside))
        || file_id(to).ok() == file_id(folder).ok();
    let journal = places
        .last()
        .map(|place| swarmcopy_sys::path::beside(place, JOURNAL_SUFFIX));
    let is_partial = journal.is_some_and(|journal| journal.exists());
    (!is_target && !is_partial).then(|| folder.to_path_buf())
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn share_beside(torrent: &Path, name: &str, to: &Path) -> Option<PathBuf> {
        super::share_beside(torrent, &|folder| vec![folder.join(name)], to)
    }

    fn room() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let (share, to) = (dir.path().join("share"), dir.path().join("to"));
        fs::create_dir_all(share.join("CS5")).unwrap();
        fs::create_dir(&to).unwrap();
        (dir, share, to)
    }

    #[test]
    fn what_stands_beside_the_torrent_is_a_share() {
        let (_dir, share, to) = room();
        assert_eq!(
            share_beside(&share.join("x.torrent"), "CS5", &to),
            Some(share.clone())
        );
        assert_eq!(share_beside(&share.join("x.torrent"), "CS6", &to), None);
    }

    #[test]
    fn the_target_itself_is_no_share() {
        let (_dir, share, to) = room();
        let torrent = share.join("x.torrent");
        assert_eq!(share_beside(&torrent, "CS5", &share), None);
        assert_eq!(share_beside(&torrent, "CS5", &to.join("../share")), None);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(share.join("CS5"), to.join("CS5")).unwrap();
            assert_eq!(share_beside(&torrent, "CS5", &to), None);
        }
    }

    #[test]
    fn a_copy_that_is_not_complete_is_no_share() {
        let (_dir, share, to) = room();
        fs::write(share.join("CS5.swarmcopy"), "").unwrap();
        assert_eq!(share_beside(&share.join("x.torrent"), "CS5", &to), None);
    }
}
