//! Facts of this build, for reports of problems: `--version --verbose`.

/// Whether the command line asks for them.
pub(crate) fn are_wanted(args: &[std::ffi::OsString]) -> bool {
    let is = |name: &str| args.iter().any(|arg| arg == name);
    args.len() == 2 && (is("--version") || is("-V")) && (is("--verbose") || is("-v"))
}

/// A line for each.
pub(crate) fn lines() -> Vec<String> {
    let build = if cfg!(debug_assertions) {
        "without optimisation"
    } else {
        "optimised"
    };
    vec![
        format!("swarmcopy {}", env!("CARGO_PKG_VERSION")),
        format!("system: {}", swarmcopy_sys::host::system()),
        format!("build: {build}, {} bits, {}", usize::BITS, environment()),
        format!("needs Rust: {}", env!("CARGO_PKG_RUST_VERSION")),
        format!("digests: {}", swarmcopy::digest_lanes()),
        "TLS: rustls with aws-lc-rs and the system's certificates".to_owned(),
        "memory: mimalloc".to_owned(),
        format!("cores: {}", cores()),
    ]
}

fn environment() -> &'static str {
    if cfg!(target_env = "musl") {
        "musl"
    } else if cfg!(target_env = "msvc") {
        "msvc"
    } else if cfg!(target_env = "gnu") {
        "gnu"
    } else {
        "the system's own C library"
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_told_where_both_flags_stand_alone() {
        let wanted = |args: &[&str]| are_wanted(&args.iter().map(Into::into).collect::<Vec<_>>());
        assert!(wanted(&["--version", "--verbose"]) && wanted(&["-v", "-V"]));
        assert!(!wanted(&["--version"]) && !wanted(&["get", "--version", "--verbose"]));
        assert!(lines().iter().any(|line| line.starts_with("digests: ")));
    }
}
