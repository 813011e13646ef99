#![doc = include_str!("../README.md")]
//! Runs thousands of real schedulers over made-up links in virtual time.
//!
//! Each machine of a simulated room decides by a [`swarmcopy_scheduler::Scheduler`], the very type
//! that runs in the tool; only its links, its disk and its clock are made up. Everything follows
//! from the seed: the same profile gives the same outcome, to the last event.
//!
//! ```
//! use swarmcopy_sim::{Profile, Simulation};
//!
//! let profile = Profile::flash(7, 4).sized(64 << 20, 1 << 20);
//! let outcome = Simulation::run(profile);
//! assert!(outcome.all_done());
//! println!("{}", outcome.summary());
//! ```

pub mod weather;

mod acts;
mod agenda;
mod bounds;
mod faults;
mod health;
mod liar;
mod link;
mod log;
mod looks;
mod machine;
mod meetings;
mod numbers;
mod origins;
mod outcome;
mod profile;
mod reading;
mod stock;
mod table;
mod traffic;
mod troubles;
mod user;
mod watch;
mod world;

pub use numbers::Numbers;
pub use outcome::{Arrival, Came, Look, MachineOutcome, Outcome, Read, Watched, WatchedMachine};
pub use profile::{
    Fault, Finding, GIGABIT, Health, Holds, Kept, MachineSpec, OriginSpec, Profile, Role, Stay,
    Trouble,
};

/// The simulator.
#[derive(Debug)]
#[non_exhaustive]
pub struct Simulation;

impl Simulation {
    /// Lets the room copy until every machine that lives has everything, or the profile's deadline
    /// has come.
    ///
    /// # Panics
    ///
    /// When a scheduler breaks a rule that always holds: a byte fetched twice, the origin read
    /// without a permit, completion told twice. The message names the seed.
    pub fn run(profile: Profile) -> Outcome {
        Self::watched(profile, |_| {})
    }

    /// The same, with a `look` now and then: a large room takes a minute.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run) does.
    pub fn watched(profile: Profile, look: impl FnMut(Look)) -> Outcome {
        let mut world = world::World::new(profile);
        world.run(look);
        world.outcome()
    }
}
