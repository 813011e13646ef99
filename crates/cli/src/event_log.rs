//! What happens, in the event log of Windows (`--log eventlog`).
//!
//! What must stay true: whoever logs never waits for the service of that log: a thread writes there, and is told how grave
//! each event is by its first byte.

use std::io::{self, Write};

use swarmcopy::{Error, ErrorKind};
use swarmcopy_sys::event_log::{EventLog, Gravity};
use tracing::{Level, Metadata};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::fmt::MakeWriter;

use crate::output;

/// The name that stands for it in place of a file's.
pub(crate) const NAME: &str = "eventlog";
/// The source of its events.
const SOURCE: &str = "swarmcopy";

/// Opens it.
pub(crate) fn open() -> Result<Events, Error> {
    match EventLog::open(SOURCE) {
        Ok(log) => Ok(Events(log)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            let message = "`--log eventlog` is for Windows, which this is not";
            let hint = "name a file; ./eventlog is one";
            Err(Error::new(ErrorKind::Usage, message).with_hint(hint))
        }
        Err(error) => {
            let message = format!("cannot write to the event log: {error}");
            Err(Error::new(ErrorKind::Failed, message))
        }
    }
}

/// Writes each run of bytes as one event; the first byte tells how grave it is.
#[derive(Debug)]
pub(crate) struct Events(EventLog);

impl Write for Events {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((gravity, text)) = read(bytes) {
            self.0.write(gravity, &text)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts how grave an event is before its text.
#[derive(Debug)]
pub(crate) struct Graded(pub(crate) NonBlocking);

/// Writes one event.
#[derive(Debug)]
pub(crate) struct Grading(NonBlocking, Gravity);

impl MakeWriter<'_> for Graded {
    type Writer = Grading;

    fn make_writer(&self) -> Grading {
        Grading(self.0.clone(), Gravity::Info)
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> Grading {
        let gravity = match *event.level() {
            Level::ERROR => Gravity::Error,
            Level::WARN => Gravity::Warning,
            _ => Gravity::Info,
        };
        Grading(self.0.clone(), gravity)
    }
}

impl Write for Grading {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(&graded(self.1, bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn graded(gravity: Gravity, text: &[u8]) -> Vec<u8> {
    let first = match gravity {
        Gravity::Error => b'e',
        Gravity::Warning => b'w',
        Gravity::Info => b'i',
    };
    [&[first], text].concat()
}

/// How grave it is, and its text without the end of the line.
fn read(bytes: &[u8]) -> Option<(Gravity, String)> {
    let (first, text) = bytes.split_first()?;
    let gravity = match first {
        b'e' => Gravity::Error,
        b'w' => Gravity::Warning,
        _ => Gravity::Info,
    };
    let text = String::from_utf8_lossy(text);
    let text = output::clean(text.trim_end()).into_owned();
    (!text.is_empty()).then_some((gravity, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_grave_an_event_is_goes_with_its_text() {
        for gravity in [Gravity::Error, Gravity::Warning, Gravity::Info] {
            let told = read(&graded(gravity, "a ü \u{1b}[31m\n".as_bytes())).unwrap();
            assert_eq!(told.0, gravity);
            assert!(
                told.1.starts_with("a ü") && !told.1.contains('\u{1b}'),
                "{}",
                told.1
            );
        }
        assert_eq!(read(b"i\n"), None);
        assert_eq!(read(b""), None);
    }

    #[cfg(not(windows))]
    #[test]
    fn elsewhere_it_is_a_wrong_flag() {
        assert_eq!(open().unwrap_err().kind(), ErrorKind::Usage);
    }
}
