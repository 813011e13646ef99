//! Whether the line to the world is paid by the byte.
//!
//! What must stay true: where nobody says so, it is not; asking may take a moment and changes nothing.

/// What the system says of the line by which the world is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Each byte costs, or only so many are free.
    Metered,
    /// It is not, or nobody says.
    Free,
}

/// Asks the system: on Windows the cost of the internet connection (`INetworkCostManager`), on Linux
/// NetworkManager's property `Metered`, read by `busctl`, where both are there. Blocks.
pub fn line() -> Line {
    if platform::is_metered().unwrap_or(false) {
        Line::Metered
    } else {
        Line::Free
    }
}

#[cfg(windows)]
mod platform {
    use std::ptr;

    use windows::Win32::Networking::NetworkListManager::{
        INetworkCostManager, NLM_CONNECTION_COST_FIXED, NLM_CONNECTION_COST_OVERDATALIMIT,
        NLM_CONNECTION_COST_ROAMING, NLM_CONNECTION_COST_VARIABLE, NetworkListManager,
    };
    use windows::Win32::System::Com::{
        CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize,
    };

    /// `None` on a system that can't say.
    pub(super) fn is_metered() -> Option<bool> {
        // a thread of its own: the caller's may use COM in another way
        let asked = std::thread::Builder::new().spawn(|| {
            // SAFETY: it is undone on this thread, after all that came of it is gone.
            unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) }
                .ok()
                .ok()?;
            let cost = cost();
            // SAFETY: as said above.
            unsafe { CoUninitialize() };
            cost
        });
        let cost = asked.ok()?.join().ok().flatten()?;
        let paid = [
            NLM_CONNECTION_COST_FIXED,
            NLM_CONNECTION_COST_VARIABLE,
            NLM_CONNECTION_COST_OVERDATALIMIT,
            NLM_CONNECTION_COST_ROAMING,
        ];
        let bits = paid.map(|bit| u32::try_from(bit.0).unwrap_or_default());
        Some(bits.iter().any(|bit| cost & bit != 0))
    }

    fn cost() -> Option<u32> {
        let mut cost = 0;
        // SAFETY: COM is up on this thread, the class has this interface, and `cost` outlives the call; no address
        // means the line to the world.
        unsafe {
            let manager: INetworkCostManager =
                CoCreateInstance(&NetworkListManager, None, CLSCTX_ALL).ok()?;
            manager.GetCost(&raw mut cost, ptr::null()).ok()?;
        }
        Some(cost)
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::path::Path;
    use std::process::{Command, Stdio};

    const NETWORK_MANAGER: &str = "org.freedesktop.NetworkManager";
    const PATH: &str = "/org/freedesktop/NetworkManager";

    /// The socket of the bus.
    const BUS: &str = "/run/dbus/system_bus_socket";

    pub(super) fn is_metered() -> Option<bool> {
        if !Path::new(BUS).exists() {
            return None;
        }
        let asked = Command::new("busctl")
            .args([
                "--system",
                "--timeout=2s",
                "--auto-start=no",
                "get-property",
            ])
            .args([NETWORK_MANAGER, PATH, NETWORK_MANAGER, "Metered"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|asked| asked.status.success())?;
        read(&String::from_utf8_lossy(&asked.stdout))
    }

    /// Reads `u N`, an `NMMetered`: 1 yes, 3 guessed yes, 2 no, 4 guessed no, 0 unknown.
    pub(super) fn read(answer: &str) -> Option<bool> {
        match answer.trim().strip_prefix("u ")? {
            "1" | "3" => Some(true),
            "2" | "4" => Some(false),
            _ => None,
        }
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod platform {
    pub(super) fn is_metered() -> Option<bool> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(windows)]
    #[test]
    fn the_system_says_what_a_line_costs() {
        assert!(platform::is_metered().is_some());
        assert!(matches!(line(), Line::Metered | Line::Free));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_answer_of_network_manager_is_read() {
        let answers = ["u 0\n", "u 1\n", "u 2\n", "u 3\n", "u 4\n", "s no", ""];
        let read = answers.map(platform::read);
        let expected = [
            None,
            Some(true),
            Some(false),
            Some(true),
            Some(false),
            None,
            None,
        ];
        assert_eq!(read, expected);
    }
}
