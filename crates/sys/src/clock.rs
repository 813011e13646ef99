//! The wall clock of the place: what time of day it is here.

use std::io;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Returns how many minutes of the local day have passed, 0 to 1439, by the system's time zone.
///
/// # Errors
/// Whatever the system says when it cannot tell the time of the place.
pub fn minute_of_day() -> io::Result<u16> {
    let (hour, minute) = platform::local_time()?;
    Ok((hour * 60 + minute).min(DAY - 1))
}

#[cfg(unix)]
mod platform {
    use std::io;

    pub(super) fn local_time() -> io::Result<(u16, u16)> {
        let wrong = |_| io::Error::other("the time of day makes no sense");
        // SAFETY: both calls write only to what they are given, and `localtime_r` leaves a failure to its result;
        // std takes the lock of the environment only for its own calls, and nothing here changes the environment.
        let local = unsafe {
            let now = libc::time(std::ptr::null_mut());
            let mut local: libc::tm = std::mem::zeroed();
            if libc::localtime_r(&raw const now, &raw mut local).is_null() {
                return Err(io::Error::last_os_error());
            }
            local
        };
        Ok((
            local.tm_hour.try_into().map_err(wrong)?,
            local.tm_min.try_into().map_err(wrong)?,
        ))
    }
}

#[cfg(windows)]
mod platform {
    use std::io;
    use windows_sys::Win32::Foundation::SYSTEMTIME;
    use windows_sys::Win32::System::SystemInformation::GetLocalTime;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with the platforms that can fail"
    )]
    pub(super) fn local_time() -> io::Result<(u16, u16)> {
        let mut now = SYSTEMTIME::default();
        // SAFETY: the call writes to the structure that it is given and cannot fail.
        unsafe { GetLocalTime(&raw mut now) };
        Ok((now.wHour, now.wMinute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_lies_within_a_day() {
        assert!(minute_of_day().unwrap() < DAY);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_time_is_that_of_the_place() {
        let date = std::process::Command::new("date").arg("+%H %M").output();
        let Ok(date) = date else {
            eprintln!("no `date` here: skipped");
            return;
        };
        let text = String::from_utf8(date.stdout).unwrap();
        let (hour, minute) = text.trim().split_once(' ').unwrap();
        let told = hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap();
        // the minute may have changed between the two
        assert!((minute_of_day().unwrap() + DAY - told) % DAY <= 1);
    }
}
