//! Somebody who reads an origin and knows nothing of the swarm.

use swarmcopy_layout::Span;
use swarmcopy_scheduler::{Instant, JobId};

use crate::machine::Brain;
use crate::outcome::Read;
use crate::world::World;

/// Bytes that he asks for at a time.
const READ_LEN: u64 = 64 << 10;

impl World {
    /// He asks for the next bytes, from the beginning again after the last.
    pub(crate) fn read_on(&mut self, machine: usize) {
        let now = self.now;
        if self.profile.origins.is_empty() {
            return;
        }
        let one = &mut self.machines[machine];
        let Brain::User { asked_at } = &mut one.brain else {
            return;
        };
        *asked_at = now;
        let number = u64::try_from(one.reads.len()).unwrap_or(u64::MAX);
        let len = self.layout.len();
        let start = number % (len / READ_LEN).max(1) * READ_LEN;
        let span = Span::new(start, READ_LEN.min(len));
        let way = self.stream(machine, 0);
        self.ask(JobId(number), way, span);
    }

    /// What he asked for is here.
    pub(crate) fn has_read(&mut self, machine: usize) {
        let now = self.now;
        let one = &mut self.machines[machine];
        if let Brain::User { asked_at } = one.brain {
            one.reads.push(Read {
                at: now.since(Instant::ZERO),
                took: now.since(asked_at),
            });
            self.read_on(machine);
        }
    }
}
