//! The page and its server.

mod app;
mod assets;
mod hosts;
mod live;
mod server;
mod shared;

pub use server::Server;
pub use shared::{SharedRoom, lock};
