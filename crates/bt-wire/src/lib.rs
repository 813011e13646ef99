#![doc = include_str!("../README.md")]
//! BitTorrent formats without I/O: bencode, metainfo, magnet links, peer messages, extensions,
//! tracker and local discovery codecs.
//!
//! Every function here turns bytes into values or values into bytes; the caller owns sockets,
//! clocks and randomness. What must stay true: bytes from outside never panic, never allocate by a
//! length they merely claim and never recurse, and whatever a codec writes it also reads back.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use swarmcopy_bt_wire::peer::{FrameHead, Limits, Message};
//!
//! let limits = Limits::for_pieces(100);
//! let mut wire = BytesMut::new();
//! Message::Have(7).encode(&mut wire);
//!
//! let (head, used) = FrameHead::parse(&wire, &limits)?.ok_or("frame incomplete")?;
//! let payload = Bytes::copy_from_slice(wire.get(used..).ok_or("payload missing")?);
//! assert_eq!(Message::decode(&head, payload, &limits)?, Some(Message::Have(7)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
pub mod bencode;
pub mod check;
pub mod compact;
pub mod extension;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod lsd;
pub mod magnet;
pub mod metainfo;
pub mod peer;
mod percent;
mod text;
pub mod tracker;
