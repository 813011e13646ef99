//! Calls `swarmcopy::fuzzing::what` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy::fuzzing::what(bytes));
