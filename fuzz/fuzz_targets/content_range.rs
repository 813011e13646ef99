//! Calls `swarmcopy_sources::fuzzing::content_range` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_sources::fuzzing::content_range(bytes));
