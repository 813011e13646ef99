//! Mirrors against a scripted server: one test per way in which a server may behave.

mod answers;
mod connections;
mod documents;
mod redirects;
pub(crate) mod rig;
mod tls;
mod whole;
