//! Keeping the machine from going to sleep while it copies.
//!
//! What must stay true: the wish ends with its guard, and with the process however that ends.

/// As long as it lives, the system does not go to sleep by itself; the display may.
#[derive(Debug)]
pub struct Awake(#[expect(dead_code, reason = "it is held for its end")] platform::Wish);

/// Asks the system to stay awake for `reason`; `None` where it can't be asked.
///
/// Windows: a power request, which `powercfg /requests` shows. Linux: `systemd-inhibit`, where that is
/// installed; whether it may keep the machine awake, the administrator's rules say.
pub fn stay_awake(reason: &str) -> Option<Awake> {
    platform::wish(reason).map(Awake)
}

#[cfg(windows)]
mod platform {
    use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE};
    use windows_sys::Win32::System::Power::{
        PowerClearRequest, PowerCreateRequest, PowerRequestSystemRequired, PowerSetRequest,
    };
    use windows_sys::Win32::System::Threading::{
        POWER_REQUEST_CONTEXT_SIMPLE_STRING, REASON_CONTEXT, REASON_CONTEXT_0,
    };

    /// `POWER_REQUEST_CONTEXT_VERSION`.
    const VERSION: u32 = 0;

    #[derive(Debug)]
    pub(super) struct Wish(HANDLE);

    // SAFETY: the handle belongs to the process; any thread may use it.
    unsafe impl Send for Wish {}
    // SAFETY: nothing can be done with a shared one.
    unsafe impl Sync for Wish {}

    pub(super) fn wish(reason: &str) -> Option<Wish> {
        let mut text: Vec<u16> = reason.encode_utf16().chain([0]).collect();
        let context = REASON_CONTEXT {
            Version: VERSION,
            Flags: POWER_REQUEST_CONTEXT_SIMPLE_STRING,
            Reason: REASON_CONTEXT_0 {
                SimpleReasonString: text.as_mut_ptr(),
            },
        };
        // SAFETY: `context` and the text that it names, which ends with a zero, outlive the call.
        let handle = unsafe { PowerCreateRequest(&raw const context) };
        if handle.is_null() || handle == INVALID_HANDLE_VALUE {
            return None;
        }
        let wish = Wish(handle);
        // SAFETY: the handle is open.
        let set = unsafe { PowerSetRequest(handle, PowerRequestSystemRequired) };
        (set != 0).then_some(wish)
    }

    impl Drop for Wish {
        fn drop(&mut self) {
            // SAFETY: the handle is open and closed only here; what was not set is not cleared, which is no harm.
            unsafe {
                PowerClearRequest(self.0, PowerRequestSystemRequired);
                CloseHandle(self.0);
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    /// It ends when its input does, so with this process too.
    #[derive(Debug)]
    pub(super) struct Wish(Child);

    /// Is there where systemd runs (`sd_booted(3)`).
    const BOOTED: &str = "/run/systemd/system";

    pub(super) fn wish(reason: &str) -> Option<Wish> {
        if !Path::new(BOOTED).is_dir() {
            return None;
        }
        let mut command = Command::new("systemd-inhibit");
        command
            .args(["--what=sleep:idle", "--who=swarmcopy", "--mode=block"])
            .arg(format!("--why={reason}"))
            .arg("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // an interruption at the terminal is not for it
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().ok().map(Wish)
    }

    impl Drop for Wish {
        fn drop(&mut self) {
            drop(self.0.stdin.take());
            let _ended = self.0.wait();
        }
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod platform {
    #[derive(Debug)]
    pub(super) struct Wish;

    pub(super) fn wish(_reason: &str) -> Option<Wish> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_can_be_made_and_ends() {
        let wish = stay_awake("a test");
        if cfg!(not(windows)) {
            return;
        }
        if wish.is_none() && std::env::var_os("WINEPREFIX").is_some() {
            eprintln!("skipped: wine has no power requests");
            return;
        }
        assert!(wish.is_some());
    }
}
