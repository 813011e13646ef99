//! Services of systemd, by a unit file and `systemctl`.

use std::fs;
use std::io::{self, ErrorKind as IoKind};
use std::path::Path;
use std::process::{Command, Stdio};

use swarmcopy::{Error, ErrorKind};

use super::error::failed;
use super::unit::{self, Unit};
use crate::args::{InstallArgs, NameArgs};

/// Writes the unit and enables it.
pub(super) fn install(args: &InstallArgs, program: &Path, folder: &Path) -> Result<(), Error> {
    let unit = Unit {
        account: args.account.as_deref(),
        program,
        folder,
        work: &args.work,
    };
    let text = unit.text()?;
    let name = unit::name(&args.service.name);
    let path = args.service.units.join(&name);
    let mut options = fs::File::options();
    let made = options.write(true).create_new(true).open(&path);
    let written = made.and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| match error.kind() {
        IoKind::AlreadyExists => {
            let message = format!("{} is there already", path.display());
            Error::new(ErrorKind::Failed, message)
                .with_hint("remove it by `swarmcopy service uninstall`")
        }
        _ => failed(&format!("write {}", path.display()), &error),
    })?;
    call(&["daemon-reload"])?;
    call(&["enable", &name])
}

/// Stops the service and removes its unit.
pub(super) fn uninstall(args: &NameArgs) -> Result<(), Error> {
    let name = unit::name(&args.name);
    let path = args.units.join(&name);
    let shown = path.display();
    if let Err(error) = fs::symlink_metadata(&path) {
        return Err(failed(&format!("find {shown}"), &error));
    }
    call(&["disable", "--now", &name])?;
    fs::remove_file(&path).map_err(|error| failed(&format!("remove {shown}"), &error))?;
    call(&["daemon-reload"])
}

/// Has `systemctl` do something.
pub(super) fn call(args: &[&str]) -> Result<(), Error> {
    let line = || format!("systemctl {}", args.join(" "));
    let called = Command::new("systemctl")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            IoKind::NotFound => Error::new(ErrorKind::Failed, "there is no systemd here"),
            _ => failed(&format!("run {}", line()), &error),
        })?;
    if called.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&called.stderr);
    let message = format!("{} failed: {}", line(), words.trim());
    Err(Error::new(ErrorKind::Failed, message))
}
