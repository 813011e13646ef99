//! `seed`: serves a complete copy to others until it is stopped.

use std::path::{Path, PathBuf};

use swarmcopy::{Config, CopyOptions, Error, ErrorKind, Record, RecordNames, Stay};
use swarmcopy_sys::fs_kind;

use super::beside::Wishes;
use super::running::{self, Explain, Rest, Running};
use crate::args::SeedArgs;
use crate::args::values::Rate;
use crate::exit::Style;
use crate::host::Host;
use crate::output;

/// Runs the command.
pub(super) fn run(args: &SeedArgs, host: &Host) -> Result<u8, Error> {
    warn_of_network(args);
    let from = args.from.clone();
    running::run(Running {
        host,
        config: config(args),
        what: &args.what,
        options: options(args),
        rest: Rest::Allowed,
        prepare: Box::new(move |content| {
            let folder = folder_of(&from, &|folder| content.places_in(folder));
            content.seed_from(folder)
        }),
        unprepared: &|_| {
            let message = format!("{} does not answer", args.from.display());
            Err(Error::new(ErrorKind::Failed, message))
        },
        style: Style::of(args.json),
        explain: Explain::No,
        every: args.every,
        wishes: Wishes {
            metrics: args.metrics,
            notify: args.notify_command.clone(),
        },
    })
}

pub(super) fn config(args: &SeedArgs) -> Config {
    let mut config = Config::default();
    config.listen = args.listen;
    config.lsd = !args.no_lsd;
    config.pex = !args.no_pex;
    config.encryption = args.encryption.into();
    config.dht = args.dht;
    config.dht_nodes.clone_from(&args.dht_node);
    config.limit_up = args.limit_up.and_then(Rate::limit);
    config
}

pub(super) fn options(args: &SeedArgs) -> CopyOptions {
    let mut options = CopyOptions::new(&args.from);
    options.trackers.clone_from(&args.tracker);
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
    options.no_limit = vec![args.no_limit.clone()];
    options.stay = Stay::Always;
    options.netrc = crate::netrc::find();
    options
}

/// The folder that contains NAME, where `from` is that or NAME itself.
fn folder_of(from: &Path, places_in: &dyn Fn(&Path) -> Vec<PathBuf>) -> PathBuf {
    if !places_in(from).iter().any(|place| place.exists())
        && let Ok(full) = from.canonicalize()
        && let Some(folder) = full.parent()
        && places_in(folder).contains(&full)
    {
        return folder.to_path_buf();
    }
    from.to_path_buf()
}

/// A room of machines that seed what lies on one server reads that server as often as without us.
fn warn_of_network(args: &SeedArgs) {
    if fs_kind(&args.from).is_ok_and(swarmcopy_sys::FsKind::may_be_remote) {
        output::note(&format!(
            "warning: {} may lie on a server: each machine that seeds it reads that server",
            args.from.display()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_is_found_from_inside_and_outside() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let content = dir.join("CS5");
        std::fs::create_dir(&content).unwrap();
        let folder_of =
            |from: &Path, name: &str| folder_of(from, &|folder| vec![folder.join(name)]);
        assert_eq!(folder_of(&dir, "CS5"), dir);
        assert_eq!(folder_of(&content, "CS5"), dir);
        assert_eq!(folder_of(&content, "CS6"), content);
    }
}
