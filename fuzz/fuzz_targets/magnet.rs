//! Calls `swarmcopy_bt_wire::fuzzing::magnet` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_bt_wire::fuzzing::magnet(bytes));
