//! Calls `swarmcopy_sources::fuzzing::netrc` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_sources::fuzzing::netrc(bytes));
