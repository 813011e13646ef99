//! Calls `swarmcopy_bt_wire::check::metainfo_tree` with whatever the fuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| swarmcopy_bt_wire::check::metainfo_tree(bytes));
