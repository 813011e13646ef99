//! Calls `swarmcopy_piece_store::fuzzing::journal` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_piece_store::fuzzing::journal(bytes));
