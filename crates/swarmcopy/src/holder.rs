//! Which process holds a target: the one that copies into it or serves from it.
//!
//! Beside DIR/NAME lies NAME.swarmcopy-held, locked by the holder; NAME.swarmcopy-holder names its process
//! and its content. Who wants to put another version there asks by a file NAME.swarmcopy-end, for which the
//! holder looks while it runs. What must stay true: nobody serves a version whose files another process
//! replaces; a killed holder holds nothing.

use std::fs::File;
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use swarmcopy_sys::fs;

use crate::content::Content;
use crate::{Error, ErrorKind, Replace, disk};

const HELD_SUFFIX: &str = ".swarmcopy-held";
/// Not in the locked file itself: Windows keeps others from reading that.
const HOLDER_SUFFIX: &str = ".swarmcopy-holder";
const END_SUFFIX: &str = ".swarmcopy-end";
/// How long a holder is waited for, which may have to write down what it has.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The hold on a target; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Holder {
    /// `None` where the disk has no locks, or where another process has the same version there.
    held: Option<File>,
    paths: Paths,
}

#[derive(Debug)]
struct Paths {
    held: PathBuf,
    holder: PathBuf,
    end: PathBuf,
}

impl Holder {
    /// Takes the target of `content`. Blocks while another process ends.
    pub(crate) fn take(content: &Content) -> Result<Self, Error> {
        let paths = Paths {
            held: content.beside_target(HELD_SUFFIX),
            holder: content.beside_target(HOLDER_SUFFIX),
            end: content.beside_target(END_SUFFIX),
        };
        let failed = |error: &io::Error| disk::failed("write", &paths.held, error);
        let id = hex(&content.swarm_id);
        let start = Instant::now();
        loop {
            let held = match lock(&content.options.into, &paths.held).map_err(|e| failed(&e))? {
                Lock::Taken(file) => {
                    let _nobody_asked = fs::remove_file(&paths.end);
                    let word = format!("{} {id}", std::process::id());
                    fs::write(&paths.holder, word.as_bytes()).map_err(|error| failed(&error))?;
                    Some(file)
                }
                Lock::None => None,
                Lock::Busy => {
                    let (process, theirs) = read(&paths.holder);
                    if theirs != id {
                        ask(content, &paths, &process, start).map_err(|error| match error {
                            Ok(error) => error,
                            Err(error) => failed(&error),
                        })?;
                        continue;
                    }
                    None
                }
            };
            return Ok(Self { held, paths });
        }
    }

    /// Whether another process has asked for the target.
    pub(crate) fn is_asked(&self) -> bool {
        self.held.is_some() && self.paths.end.exists()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some(file) = self.held.take() {
            // while the lock holds: who comes next makes files of its own
            for path in [&self.paths.end, &self.paths.holder, &self.paths.held] {
                let _may_be_gone = fs::remove_file(path);
            }
            drop(file);
        }
    }
}

/// Asks the process that holds the target to end, and waits a moment.
fn ask(
    content: &Content,
    paths: &Paths,
    process: &str,
    since: Instant,
) -> Result<(), Result<Error, io::Error>> {
    if content.options.replace == Replace::Refuse || since.elapsed() >= PATIENCE {
        let place = content.target_path();
        let message = format!(
            "{} is held by process {process}, which copies or serves another version of it",
            place.display()
        );
        let error = Error::new(ErrorKind::Failed, message);
        return Err(Ok(
            error.with_hint("end that process, then start the copy again")
        ));
    }
    fs::write(&paths.end, &[]).map_err(Err)?;
    std::thread::sleep(LOOK_EVERY);
    Ok(())
}

enum Lock {
    Taken(File),
    Busy,
    /// The disk has no locks.
    None,
}

fn lock(folder: &Path, path: &Path) -> io::Result<Lock> {
    loop {
        fs::create_dir_all(folder)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = fs::open(&options, path)?;
        match fs::lock(&file)? {
            fs::Lock::Taken if is_at(&file, path) => return Ok(Lock::Taken(file)),
            // its holder removed it between the open and the lock
            fs::Lock::Taken => {}
            fs::Lock::Held => return Ok(Lock::Busy),
            fs::Lock::None => return Ok(Lock::None),
        }
    }
}

/// Whether `file` is what lies at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let here = swarmcopy_sys::file_id::of_file(file);
    match (here, swarmcopy_sys::file_id(path)) {
        (Ok(here), Ok(there)) => here == there,
        (_, Err(error)) => error.kind() != IoKind::NotFound,
        _ => true,
    }
}

/// The process and the content that hold the target.
fn read(holder: &Path) -> (String, String) {
    let word = std::fs::read_to_string(holder).unwrap_or_default();
    let mut parts = word.split_whitespace().map(str::to_owned);
    (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
