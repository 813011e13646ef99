//! Calls `swarmcopy_swarm::fuzzing::metadata` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_swarm::fuzzing::metadata(bytes));
