//! Calls `swarmcopy_scheduler::fuzzing::slot_gossip` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_scheduler::fuzzing::slot_gossip(bytes));
