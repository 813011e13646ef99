//! Runs the built binary and makes trees for it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The folder of a test, with a tree `a tree` of awkward names in it.
pub(crate) struct Room {
    dir: tempfile::TempDir,
    /// What the account would remember.
    state: tempfile::TempDir,
}

/// Names that torrents, shells and URLs trip over.
pub(crate) const NAMES: [&str; 9] = [
    "plain.txt",
    "with space",
    "#hash %20 100%",
    "a&b+c=d",
    "[brackets] {braces}",
    "ünïcödé/日本語.bin",
    "empty",
    "sub/empty.too",
    ".hidden",
];

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    /// A room with `tree` and its `tree.torrent`.
    pub(crate) fn made() -> Self {
        let room = Self::new();
        room.tree("tree");
        room.run(&["make", "tree"]).exits(0);
        room
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes the tree `name`: awkward names, empty files, 40 levels.
    pub(crate) fn tree(&self, name: &str) -> PathBuf {
        let root = self.path(name);
        for (at, file) in NAMES.iter().enumerate() {
            let len = if file.contains("empty") {
                0
            } else {
                30_000 * at + 7
            };
            write(&root.join(file), &bytes(len, at));
        }
        let deep: PathBuf = (0..40).map(|level| format!("level {level}")).collect();
        write(&root.join(deep).join("bottom"), &bytes(100_000, 50));
        root
    }

    /// Runs the binary in this folder.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(&[], args)
    }

    /// The same with more in its environment.
    pub(crate) fn run_with(&self, environment: &[(&str, &str)], args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("RUST_LOG")
            .env("XDG_STATE_HOME", self.state.path())
            .env("LOCALAPPDATA", self.state.path())
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        Ran::of(args, &output)
    }

    /// Runs a line of the shell in this folder.
    #[cfg(target_os = "linux")]
    pub(crate) fn shell(&self, line: &str) -> Ran {
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(self.dir.path())
            .env_remove("RUST_LOG")
            .env("XDG_STATE_HOME", self.state.path())
            .output()
            .unwrap();
        Ran::of(&[line], &output)
    }

    /// Copies what this names into the folder `to`, with more arguments and environment; told as JSON.
    pub(crate) fn get_with(&self, env: &[(&str, &str)], what: &str, more: &[&str]) -> Ran {
        let args = ["get", what, "--to", "to", "--no-lsd", "--seed-for=0"];
        self.run_with(
            env,
            &[&args[..], &["--deadline=60s", "--json"], more].concat(),
        )
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) args: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(args: &[&str], output: &Output) -> Self {
        Self {
            args: args.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, after checking the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "swarmcopy {}: {self:#?}", self.args);
        self
    }

    /// The last line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        let line = self
            .stdout
            .lines()
            .last()
            .unwrap_or_else(|| panic!("no line: {self:#?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Checks that stderr holds `text`.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in {self:#?}");
        self
    }
}

/// A process that tells JSON and runs until this is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Running {
    pub(crate) fn start(room: &Room, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
            .args(args)
            .current_dir(room.path(""))
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines: Box::new(lines.map_while(Result::ok)),
        }
    }

    /// The number of the process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as Ctrl-C does, and waits for that: its exit code.
    #[cfg(target_os = "linux")]
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        self.told_to_its_end();
        self.child.wait().unwrap().code()
    }

    /// The same; gives what it told since it was last listened to.
    #[cfg(target_os = "linux")]
    pub(crate) fn interrupted(mut self) -> Vec<Value> {
        self.told_to_its_end()
    }

    #[cfg(target_os = "linux")]
    fn told_to_its_end(&mut self) -> Vec<Value> {
        let killed = Command::new("kill")
            .args(["-INT", &self.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        let lines = self.lines.by_ref();
        lines
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect()
    }

    /// The next event of this kind.
    pub(crate) fn event(&mut self, kind: &str) -> Value {
        let events = self.lines.by_ref();
        let mut events = events.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let event = events.find(|event| event["event"] == kind);
        event.unwrap_or_else(|| panic!("no {kind}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Bytes that differ from place to place, the same in each run.
pub(crate) fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (0..len)
        .map(|at| ((at * 31 + at / 251 + seed * 17) % 256).try_into().unwrap())
        .collect()
}
