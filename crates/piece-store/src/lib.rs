//! Assembles, verifies, writes and reads back the pieces of a content; keeps the resume journal.
