//! The `swarmcopy` command.

fn main() {}
