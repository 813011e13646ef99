//! Rules of the reader and writer.
