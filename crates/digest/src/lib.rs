#![doc = include_str!("../README.md")]
//! SHA-1 and SHA-256 piece digests, several pieces side by side where the CPU can.
//!
//! Pieces are given as ropes (lists of parts), because a piece is assembled from segments and spans files:
//! nothing is copied to hash it. [`sha1_many`] hashes pieces of equal length in the lanes of vector registers,
//! which is several times faster than one after the other. The [`merkle`] module holds the trees of BEP 52. [`Sha384`] and
//! [`Sha512`] take one input at a time.
//!
//! What must stay true: every path gives the digest that the `sha1` and `sha2` crates give, whatever the
//! parts, lengths and instruction set; no input can make it fail.
//!
//! ```
//! let pieces: [&[&[u8]]; 2] = [&[b"first ", b"piece"], &[b"second piece"]];
//! let digests = swarmcopy_digest::sha1_many(&pieces);
//! assert_eq!(digests, [
//!     swarmcopy_digest::sha1(b"first piece"),
//!     swarmcopy_digest::sha1(b"second piece"),
//! ]);
//! ```

mod digest;
mod isa;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(not(target_arch = "x86_64"))]
#[path = "lanes/none.rs"]
mod lanes;
mod many;
pub mod merkle;
mod rope;
mod stream;

pub use digest::{Sha1Digest, Sha256Digest, Sha384Digest, Sha512Digest};
pub use isa::{Isa, set_isa};
pub use many::{sha1_many, sha1_many_with, sha1_side_by_side_min, sha256_many, sha256_many_with};
pub use stream::{Sha1, Sha256, Sha384, Sha512, sha1, sha256};
