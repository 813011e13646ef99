//! Rules of the peer protocol.
