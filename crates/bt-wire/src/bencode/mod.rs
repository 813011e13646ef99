//! Bencode (BEP 3): a flat, zero-copy reader and an owned writer.
//!
//! The reader walks the input once with an explicit stack, so nesting can't exhaust the call stack,
//! and keeps 16 bytes per value. What must stay true: every [`Value`] lies inside the parsed bytes,
//! and [`Item`] can only be written in canonical form.

mod int;
mod item;
mod parse;
#[cfg(test)]
mod tests;
mod value;

pub use item::Item;
pub use parse::{BencodeError, Form, Limits, parse, parse_prefix};
pub use value::{Dict, Document, Kind, List, Value};
