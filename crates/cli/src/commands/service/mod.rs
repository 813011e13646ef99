//! `service`: makes a service of a `get` or a `seed`, and is one.
//!
//! What must stay true: what the service is to do is checked before anything is installed, and no password is
//! taken from the command line, where others can read it.

mod error;
mod managed;
mod systemd;
mod unit;

use std::ffi::OsString;
use std::io::{self, ErrorKind as IoKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use swarmcopy::{Error, ErrorKind};
use swarmcopy_sys::service::{self, Plan};

use self::error::failed;
use crate::args::{Cli, Command, InstallArgs, NameArgs, RunArgs, ServiceAction, ServiceArgs};
use crate::exit::{self, Style};
use crate::host::Host;
use crate::output;

/// Longest password that is read.
const PASSWORD_LEN_MAX: u64 = 512;
/// How long a service may take to end.
const STOP_PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Does a command that somebody watches over; gives its exit code.
pub(super) type Work = fn(Command, &Host) -> Result<u8, Error>;

/// Runs the command; `work` is what a service does.
pub(super) fn run(args: ServiceArgs, work: Work) -> Result<u8, Error> {
    let here = if cfg!(windows) {
        Manager::Windows
    } else {
        Manager::Systemd
    };
    match args.action {
        ServiceAction::Install(args) => here.install(&args)?,
        ServiceAction::Uninstall(args) => here.uninstall(&args)?,
        ServiceAction::Start(args) => here.start(&args)?,
        ServiceAction::Stop(args) => here.stop(&args)?,
        ServiceAction::Run(args) => return be(&args, work),
    }
    Ok(exit::DONE)
}

/// Who starts services here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Windows,
    Systemd,
}

impl Manager {
    fn install(self, args: &InstallArgs) -> Result<(), Error> {
        parse(&args.work)?;
        let program =
            std::env::current_exe().map_err(|error| failed("find this program", &error))?;
        let folder = std::env::current_dir().map_err(|error| failed("find the folder", &error))?;
        match self {
            Self::Systemd if args.password_stdin => {
                let message = "--password-stdin is for Windows: systemd needs no password";
                Err(Error::new(ErrorKind::Usage, message))
            }
            Self::Systemd => systemd::install(args, &program, &folder),
            Self::Windows => {
                let plan = plan(args, program, folder)?;
                service::install(&plan).map_err(|error| failed("install the service", &error))
            }
        }?;
        output::note(&format!("the service {} is installed", args.service.name));
        Ok(())
    }

    fn uninstall(self, args: &NameArgs) -> Result<(), Error> {
        match self {
            Self::Systemd => systemd::uninstall(args),
            Self::Windows => {
                if service::is_up(&args.name).unwrap_or(false) {
                    self.stop(args)?;
                }
                service::uninstall(&args.name).map_err(|error| failed("remove the service", &error))
            }
        }
    }

    fn start(self, args: &NameArgs) -> Result<(), Error> {
        match self {
            Self::Systemd => systemd::call(&["start", &unit::name(&args.name)]),
            Self::Windows => {
                service::start(&args.name).map_err(|error| failed("start the service", &error))
            }
        }
    }

    fn stop(self, args: &NameArgs) -> Result<(), Error> {
        let stopped = match self {
            Self::Systemd => return systemd::call(&["stop", &unit::name(&args.name)]),
            Self::Windows => stop(&args.name),
        };
        stopped.map_err(|error| failed("stop the service", &error))
    }
}

/// Asks a service of Windows to stop, and waits until it has.
fn stop(name: &str) -> io::Result<()> {
    service::stop(name)?;
    let since = Instant::now();
    while service::is_up(name)? {
        if since.elapsed() >= STOP_PATIENCE {
            return Err(io::Error::new(IoKind::TimedOut, "it does not end"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The command that a service runs.
fn parse(work: &[OsString]) -> Result<Command, Error> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let line = std::iter::once(OsString::from("swarmcopy")).chain(work.iter().cloned());
    let parsed = Cli::try_parse_from(line).map_err(|error| {
        let text = error.to_string();
        let why = text.lines().take_while(|line| !line.trim().is_empty());
        let why = why.map(str::trim).collect::<Vec<_>>().join(" ");
        let why = why.strip_prefix("error: ").unwrap_or(&why);
        usage(format!("what the service is to do: {why}"))
    })?;
    match parsed.command {
        work @ (Command::Get(_) | Command::Seed(_)) => Ok(work),
        _ => Err(usage("a service does get or seed".to_owned())),
    }
}

fn plan(args: &InstallArgs, program: PathBuf, folder: PathBuf) -> Result<Plan, Error> {
    let name = &args.service.name;
    let mut plan = Plan::new(name, program);
    plan.description = unit::description(&args.work);
    let run = ["service", "run", "--name", name, "--folder"].map(OsString::from);
    let rest = [folder.into_os_string(), "--".into()];
    plan.arguments = run
        .into_iter()
        .chain(rest)
        .chain(args.work.clone())
        .collect();
    plan.account = args.account.clone().map(OsString::from);
    if args.password_stdin {
        plan.password = Some(password()?.into());
    }
    Ok(plan)
}

/// The first line of stdin.
fn password() -> Result<String, Error> {
    use std::io::{BufRead, Read};

    let mut line = String::new();
    let mut input = io::stdin().lock().take(PASSWORD_LEN_MAX);
    let read = input.read_line(&mut line);
    read.map_err(|error| failed("read the password", &error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Is the service that the system has started.
fn be(args: &RunArgs, work: Work) -> Result<u8, Error> {
    let style = Style::Human;
    let command = parse(&args.work)?;
    std::env::set_current_dir(&args.folder).map_err(|error| failed("enter the folder", &error))?;
    let code = Arc::new(Mutex::new(exit::DONE));
    let (told, name) = (Arc::clone(&code), args.name.clone());
    let work =
        move |host: &Host| work(command, host).unwrap_or_else(|error| exit::fail(&error, style));
    let main = move || {
        let system = managed::System(name);
        let code = managed::serve(&system, work);
        *told.lock().unwrap_or_else(PoisonError::into_inner) = code;
    };
    service::dispatch(&args.name, Box::new(main)).map_err(|error| {
        failed("be a service", &error)
            .with_hint("`swarmcopy service start` has the system start it")
    })?;
    let code = *code.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn only_a_get_or_a_seed_becomes_a_service() {
        assert!(parse(&words("get x.torrent --to y --stay")).is_ok());
        assert!(parse(&words("seed x.torrent --from y")).is_ok());
        for (line, why) in [
            ("verify x.torrent --at y", "a service does get or seed"),
            ("get x.torrent", "--to"),
            ("get x.torrent --to y --no-such", "--no-such"),
        ] {
            let error = parse(&words(line)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn windows_starts_this_program_with_the_folder_and_the_work() {
        let args = [
            "swarmcopy",
            "service",
            "install",
            "--name",
            "lab",
            "--account",
            "LAB\\copy",
        ];
        let line = args
            .into_iter()
            .chain(["--", "seed", "a b.torrent", "--from", "c"]);
        let Command::Service(ServiceArgs {
            action: ServiceAction::Install(args),
        }) = Cli::try_parse_from(line).unwrap().command
        else {
            panic!("no service")
        };
        let plan = plan(&args, "p.exe".into(), "C:\\work".into()).unwrap();
        let expected = [
            "service", "run", "--name", "lab", "--folder", "C:\\work", "--",
        ];
        let expected = expected
            .into_iter()
            .chain(["seed", "a b.torrent", "--from", "c"]);
        assert_eq!(
            plan.arguments,
            expected.map(OsString::from).collect::<Vec<_>>()
        );
        assert_eq!(plan.account, Some("LAB\\copy".into()));
        assert_eq!(plan.description, "swarmcopy seed a b.torrent --from c");
    }
}
