//! Prints how long the reader takes to refuse hostile documents and to read an honest one of
//! 10,000 files, and how much memory that took: `cargo run --release --example timing`.

#![expect(
    clippy::disallowed_methods,
    reason = "a clock is what measures; the crate itself has none"
)]

#[path = "../tests/sets/honest.rs"]
mod honest;
#[path = "../tests/sets/hostile.rs"]
mod hostile;

use std::io::{self, Write};
use std::time::{Duration, Instant};
use swarmcopy_metalink::{Document, Writer};

fn main() -> io::Result<()> {
    let out = &mut io::stdout().lock();
    let text = honest::honest(10_000);
    let before = peak();
    let (document, took) = time(|| Document::parse(text.as_bytes(), None));
    let document = document.map_err(io::Error::other)?;
    let name = format!(
        "{} files of {} bytes read",
        document.files.len(),
        text.len()
    );
    line(out, took, &name)?;
    writeln!(
        out,
        "memory: {} before (the text itself with it), {} at most",
        before,
        peak()
    )?;

    let (written, took) = time(|| {
        let mut writer = Writer::new(&document)?;
        document
            .files
            .iter()
            .try_for_each(|file| writer.file(file))?;
        Ok::<_, swarmcopy_metalink::Error>(writer.finish())
    });
    let written = written.map_err(io::Error::other)?;
    line(out, took, &format!("written as {} bytes", written.len()))?;

    for (name, text) in hostile::hostile().into_iter().chain(hostile::endless()) {
        let (read, took) = time(|| Document::parse(text.as_bytes(), None));
        let told = read.err().map_or("not refused".into(), |e| e.to_string());
        line(out, took, &format!("{name}, {} bytes: {told}", text.len()))?;
    }
    Ok(())
}

fn time<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = what();
    (done, start.elapsed())
}

fn line(out: &mut impl Write, took: Duration, what: &str) -> io::Result<()> {
    writeln!(out, "{:9.3} ms  {what}", took.as_secs_f64() * 1000.0)
}

/// The most memory this process had so far, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |size| size.trim().to_owned())
}
