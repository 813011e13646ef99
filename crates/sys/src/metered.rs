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

/// Asks the system: on Windows the cost of the internet connection (`GetConnectionCost`), on Linux
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
    use windows::Networking::Connectivity::{NetworkCostType, NetworkInformation};

    /// `None` without a connection, or on a system that can't say.
    pub(super) fn is_metered() -> Option<bool> {
        let profile = NetworkInformation::GetInternetConnectionProfile().ok()?;
        let cost = profile.GetConnectionCost().ok()?;
        let kind = cost.NetworkCostType().ok()?;
        let is_paid = kind == NetworkCostType::Fixed || kind == NetworkCostType::Variable;
        Some(is_paid || cost.Roaming().unwrap_or(false))
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

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
