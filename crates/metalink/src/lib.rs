//! Reads Metalink 4 (RFC 5854) and Metalink 3, writes Metalink 4.
