//! Random events against one gate or a few tables.
