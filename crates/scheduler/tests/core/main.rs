//! The planner of the scheduler: rules by hand, and random events against invariants.

mod doubts;
mod mute;
mod random;
mod rig;
mod rules;
mod spares;
mod spread;
