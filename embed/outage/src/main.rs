//! Two groups of machines copy one content while the server goes away for 10 s, in virtual time: `outage [SEED]`.

use std::error::Error;
use std::time::Duration;

use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_sim::{Fault, Profile, Simulation};

const MACHINES: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(7), |seed| seed.parse())?;
    let profile = Profile::flash(seed, MACHINES).sized(1 << 30, 1 << 20).each(|at, machine| {
        let mut policy = OriginConfig::default();
        policy.group = if at % 2 == 0 { "north" } else { "south" }.to_owned();
        policy.readers_max = 2;
        machine.policy = Some(policy);
    });
    let profile = profile.with(Duration::from_secs(2), None, Fault::OriginDown);
    let outcome = Simulation::run(profile.with(Duration::from_secs(12), None, Fault::OriginUp));
    println!("{}", outcome.summary());
    println!("the server sent {:.3} copies to two groups of {}", outcome.copies(), MACHINES / 2);
    outcome.all_done().then_some(()).ok_or_else(|| "not all machines have it".into())
}
