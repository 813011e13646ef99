//! Plays policy files whatever the fuzzer makes up, by the files of the command line: it is a program and no library.
#![no_main]
#![expect(
    dead_code,
    unused_imports,
    reason = "the command line needs more of these files"
)]

#[path = "../../crates/cli/src/args/mod.rs"]
mod args;
#[path = "../../crates/cli/src/policy.rs"]
mod policy;
#[path = "../../crates/cli/src/what.rs"]
mod what;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::sequences::check(bytes));
