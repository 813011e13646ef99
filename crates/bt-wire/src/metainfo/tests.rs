//! Rules of metainfo.
