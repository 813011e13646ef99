//! Rules of the tracker codecs.
