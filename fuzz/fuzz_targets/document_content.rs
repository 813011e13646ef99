//! Calls `swarmcopy::fuzzing::document_content` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy::fuzzing::document_content(bytes));
