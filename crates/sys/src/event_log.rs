//! The event log of Windows, where administrators look for what programs have to say.
//!
//! What must stay true: a text of any length and any characters becomes one event. Elsewhere there is none:
//! [`std::io::ErrorKind::Unsupported`].

use std::io;

/// Most units of UTF-16 of one event; the system takes 31,839.
const UNITS_MAX: usize = 31_000;

/// How grave an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// Something failed.
    Error,
    /// Something is wrong.
    Warning,
    /// Something happened.
    Info,
}

/// A source of events in the log "Application".
#[derive(Debug)]
pub struct EventLog(platform::Source);

impl EventLog {
    /// Opens the log for events of `source`, a program's name. It need not be registered: without that the system's viewer
    /// shows a sentence about a missing description before the text.
    ///
    /// # Errors
    /// What the system says; `Unsupported` where it is not Windows.
    pub fn open(source: &str) -> io::Result<Self> {
        platform::open(&units(source)).map(Self)
    }

    /// Writes one event, without zeros and cut to what fits. May wait for the service of the log.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, gravity: Gravity, text: &str) -> io::Result<()> {
        platform::write(&self.0, gravity, &units(text))
    }
}

/// A text as the system reads it: without zeros but the one at its end.
fn units(text: &str) -> Vec<u16> {
    let units = text.encode_utf16().filter(|unit| *unit != 0);
    units.take(UNITS_MAX).chain([0]).collect()
}

#[cfg(windows)]
mod platform {
    use std::io;
    use std::ptr::{null, null_mut};

    use windows_sys::Win32::Foundation::HANDLE;
    use windows_sys::Win32::System::EventLog::{
        DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE,
        EVENTLOG_WARNING_TYPE, RegisterEventSourceW, ReportEventW,
    };

    use super::Gravity;

    /// The number of all events: the messages of `EventCreate.exe`, which a source may be registered with, are the text.
    const EVENT: u32 = 1;

    #[derive(Debug)]
    pub(super) struct Source(HANDLE);

    // SAFETY: the handle belongs to the process; any thread may use it.
    unsafe impl Send for Source {}
    // SAFETY: the system lets several threads report by one handle.
    unsafe impl Sync for Source {}

    pub(super) fn open(name: &[u16]) -> io::Result<Source> {
        // SAFETY: the name ends with a zero; no server is this machine.
        let handle = unsafe { RegisterEventSourceW(null(), name.as_ptr()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Source(handle))
    }

    pub(super) fn write(source: &Source, gravity: Gravity, text: &[u16]) -> io::Result<()> {
        let kind = match gravity {
            Gravity::Error => EVENTLOG_ERROR_TYPE,
            Gravity::Warning => EVENTLOG_WARNING_TYPE,
            Gravity::Info => EVENTLOG_INFORMATION_TYPE,
        };
        let texts = [text.as_ptr()];
        // SAFETY: the handle is open; there is one text, which ends with a zero; there are no data and no user.
        let done = unsafe {
            ReportEventW(
                source.0,
                kind,
                0,
                EVENT,
                null_mut(),
                1,
                0,
                texts.as_ptr(),
                null(),
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    impl Drop for Source {
        fn drop(&mut self) {
            // SAFETY: the handle is open and closed only here.
            unsafe { DeregisterEventSource(self.0) };
        }
    }
}

#[cfg(not(windows))]
mod platform {
    use std::io;

    use super::Gravity;

    #[derive(Debug)]
    pub(super) enum Source {}

    pub(super) fn open(_name: &[u16]) -> io::Result<Source> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn write(source: &Source, _gravity: Gravity, _text: &[u16]) -> io::Result<()> {
        match *source {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_and_characters_ends_with_its_only_zero() {
        let long = "a\0😀".repeat(40_000);
        for text in ["", "ü", "a\0b", &long] {
            let units = units(text);
            assert!(units.len() <= UNITS_MAX + 1);
            assert_eq!(
                units.iter().position(|unit| *unit == 0),
                Some(units.len() - 1)
            );
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn there_is_none_elsewhere() {
        let error = EventLog::open("swarmcopy").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }

    #[cfg(windows)]
    #[test]
    fn an_event_is_taken() {
        let log = EventLog::open("swarmcopy").unwrap();
        log.write(Gravity::Info, "a test").unwrap();
    }
}
