//! The facade as an embedder meets it: sessions, copies that are steered while they run, sources of its own.

mod copies;
mod found;
mod limits;
mod rules;
mod secrets;
mod sessions;
mod sources;
mod support;
