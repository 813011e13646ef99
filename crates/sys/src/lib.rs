//! The few operating system calls that the standard library lacks, behind one safe interface.
