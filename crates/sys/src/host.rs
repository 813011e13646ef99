//! What this computer is called, and what runs on it.

/// The name of this computer, if it has one that is text.
pub fn name() -> Option<String> {
    platform::name().filter(|name| !name.trim().is_empty())
}

/// Operating system and processor, such as `linux x86_64`.
pub fn system() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

#[cfg(unix)]
mod platform {
    pub(super) fn name() -> Option<String> {
        let name = rustix::system::uname();
        name.nodename().to_str().ok().map(str::to_owned)
    }
}

#[cfg(not(unix))]
mod platform {
    pub(super) fn name() -> Option<String> {
        std::env::var("COMPUTERNAME").ok()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_system_is_told_in_two_words() {
        assert_eq!(super::system().split(' ').count(), 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_name_is_that_of_the_system() {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(super::name().as_deref(), Some(name.trim()));
    }
}
