//! The log: to stderr as `RUST_LOG` says, and to a file or the event log of Windows as the flags say.
//!
//! What must stay true: whoever logs never waits for a disk (a thread of its own writes, and lines that find no room
//! there are left out), the files together have a limit, and no secret of an address and no character that commands
//! a terminal gets in.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use swarmcopy::{Error, ErrorKind};
use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::args::{LevelArg, LogArgs};
use crate::event_log::{self, Graded};
use crate::{exit, output, words};

/// Bytes of one file.
const FILE_LEN_MAX: u64 = 10 << 20;
/// Files beside the one that is written.
const OLD_MAX: u32 = 5;

/// Starts the log; what is given ends it when it is dropped.
pub(crate) fn start(args: Option<&LogArgs>) -> Result<Option<WorkerGuard>, Error> {
    let terminal = EnvFilter::try_from_default_env().ok().map(|filter| {
        let layer = fmt::layer().with_ansi(false).with_writer(|| output::Log);
        layer.with_filter(filter)
    });
    let file = args.and_then(|args| Some((args.log.as_deref()?, args.log_level)));
    let Some((path, level)) = file else {
        // a second one in a process keeps the first
        let _ = tracing_subscriber::registry().with(terminal).try_init();
        return Ok(None);
    };
    let level = LevelFilter::from_level(level_of(level));
    let writing = NonBlockingBuilder::default().lossy(true);
    let all = tracing_subscriber::registry().with(terminal);
    let guard = if path == Path::new(event_log::NAME) {
        let (writer, guard) = writing.finish(event_log::open()?);
        // the log itself tells when, and how grave it is
        let layer = fmt::layer().with_ansi(false).without_time();
        let layer = layer.with_level(false).with_writer(Graded(writer));
        let _ = all.with(layer.with_filter(level)).try_init();
        guard
    } else {
        let rotating = Rotating::open(path, FILE_LEN_MAX).map_err(|error| {
            let message = format!("cannot write the log {}: {error}", path.display());
            Error::new(ErrorKind::Disk, message)
        })?;
        let (writer, guard) = writing.finish(rotating);
        let layer = fmt::layer().with_ansi(false).with_writer(writer);
        let _ = all.with(layer.with_filter(level)).try_init();
        guard
    };
    let (version, system) = (env!("CARGO_PKG_VERSION"), swarmcopy_sys::host::system());
    tracing::info!(version, system, "swarmcopy begins");
    Ok(Some(guard))
}

/// Tells how a command ended, which is all that a service says of it.
pub(crate) fn end(done: &Result<u8, Error>) {
    match done {
        Ok(exit::DONE) => tracing::info!(code = exit::DONE, "swarmcopy ends"),
        Ok(code) => tracing::warn!(code, "swarmcopy ends"),
        Err(error) => {
            let (code, hint) = (exit::code(error.kind()), error.hint().map(words::of));
            let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            tracing::error!(code, "swarmcopy ends: {error}{hint}");
        }
    }
}

fn level_of(level: Option<LevelArg>) -> Level {
    match level {
        Some(LevelArg::Error) => Level::ERROR,
        Some(LevelArg::Warn) => Level::WARN,
        Some(LevelArg::Info) | None => Level::INFO,
        Some(LevelArg::Debug) => Level::DEBUG,
        Some(LevelArg::Trace) => Level::TRACE,
    }
}

/// A file that is put aside when it is full.
#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    file: File,
    len: u64,
    len_max: u64,
}

impl Rotating {
    fn open(path: &Path, len_max: u64) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            len: swarmcopy_sys::fs::metadata_of(&file)?.len(),
            path: path.to_owned(),
            file,
            len_max,
        })
    }

    fn turn(&mut self) -> io::Result<()> {
        for number in (0..OLD_MAX).rev() {
            let old = self.old(number);
            if old.exists() {
                fs::rename(old, self.old(number.saturating_add(1)))?;
            }
        }
        self.file = File::options().create(true).append(true).open(&self.path)?;
        self.len = 0;
        Ok(())
    }

    /// The file that was put aside that often; 0 is the one that is written.
    fn old(&self, number: u32) -> PathBuf {
        let mut path = self.path.clone();
        if number > 0 {
            path.as_mut_os_string().push(format!(".{number}"));
        }
        path
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = format!("{}\n", output::clean(line));
        let len = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.len > 0 && self.len.saturating_add(len) > self.len_max {
            self.turn()?;
        }
        self.file.write_all(line.as_bytes())?;
        self.len = self.len.saturating_add(len);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_put_aside_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = Rotating::open(&path, 30).unwrap();
        for line in 0..40 {
            log.write_all(format!("line {line:03}\n").as_bytes())
                .unwrap();
        }
        drop(log);
        let mut log = Rotating::open(&path, 30).unwrap();
        log.write_all(b"again\n").unwrap();
        let read = |number: u32| fs::read_to_string(log.old(number)).unwrap();
        assert_eq!(read(0), "line 039\nagain\n");
        assert_eq!(read(1), "line 036\nline 037\nline 038\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 6);
    }

    #[test]
    fn no_secret_and_no_command_gets_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = Rotating::open(&path, 1000).unwrap();
        log.write_all(b"asked http://me:pw@host/x \x1b[2J\n")
            .unwrap();
        let read = fs::read_to_string(path).unwrap();
        assert_eq!(read, "asked http://host/x \u{fffd}[2J\n");
    }
}
