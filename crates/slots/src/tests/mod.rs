//! Many gates in a small world: what the room sees of the rules.

mod events;
mod heirs;
mod machine;
mod order;
mod room;
mod swarm;
mod table;
mod trust;
mod world;
