//! Runs `benches/peers`: swarmcopy's command line beside other people's programs.
//!
//! It builds what is measured, then hands its arguments on. Python 3 is all that must be there; rows
//! whose programs are missing are told as skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Where a Python that has libtorrent lies below the target folder once `ci/interop` has run.
const INTEROP_PYTHON: &str = "interop-venv/bin/python";

fn build(root: &Path, what: &[&str]) -> bool {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).args(["build", "--release", "-q"]);
    cargo.args(what).status().is_ok_and(|code| code.success())
}

/// The folder `target`, which holds this program at `release/deps`.
fn target() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    own.ancestors().nth(3).map(Path::to_owned)
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = target().expect("the bench lies in the target folder");
    let built = build(&root, &["-p", "swarmcopy-cli"])
        && build(
            &root,
            &["-p", "swarmcopy-benches", "--example", "make_with"],
        );
    if !built {
        return ExitCode::FAILURE;
    }
    let mut python = Command::new("python3");
    python.arg("-B").arg(root.join("benches/peers"));
    python
        .arg("--swarmcopy")
        .arg(target.join("release/swarmcopy"));
    python
        .arg("--make-with")
        .arg(target.join("release/examples/make_with"));
    let interop = std::env::var_os("LIBTORRENT_PYTHON")
        .map_or_else(|| target.join(INTEROP_PYTHON), PathBuf::from);
    if interop.exists() {
        python.arg("--libtorrent-python").arg(interop);
    }
    // cargo adds --bench, which is not for the script
    python.args(std::env::args().skip(1).filter(|arg| arg != "--bench"));
    match python.status() {
        Ok(code) if code.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            println!("skipped: peers: no python3 here: {error}");
            ExitCode::SUCCESS
        }
    }
}
