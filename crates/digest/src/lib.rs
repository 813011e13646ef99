//! SHA-1 and SHA-256 piece digests, several pieces side by side where the CPU can.
