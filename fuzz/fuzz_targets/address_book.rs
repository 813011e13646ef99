//! Calls `swarmcopy_swarm::fuzzing::address_book` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_swarm::fuzzing::address_book(bytes));
