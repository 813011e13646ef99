//! What goes wrong.

use swarmcopy_scheduler::Down;

use crate::agenda::Coming;
use crate::machine::Brain;
use crate::meetings::LIE_EVERY;
use crate::profile::Fault;
use crate::world::World;

impl World {
    pub(crate) fn trouble(&mut self, number: usize) {
        let Some(trouble) = self.profile.troubles.get(number).copied() else {
            return;
        };
        if let Some(every) = trouble.every {
            self.agenda.put(self.now + every, Coming::Trouble(number));
        }
        self.note([8, trouble.fault.code(), 0]);
        match trouble.fault {
            Fault::KillHolder => self
                .holders()
                .into_iter()
                .take(1)
                .for_each(|it| self.die(it)),
            Fault::KillHolders => self.holders().into_iter().for_each(|it| self.die(it)),
            Fault::Part => self.part(),
            Fault::Heal => self.heal(),
            Fault::OriginDown => self.stop_origins(true),
            Fault::OriginUp => self.stop_origins(false),
            Fault::Origin(origin, health) => self.set_health(origin, health),
            Fault::Rates(machine, up, down) => self.set_rates(machine, up, down),
            Fault::Choke(machine, chokes) => self.set_choking(machine, chokes),
            Fault::Hours(hours) => self.set_hours(hours),
            Fault::Return(machine, kept) => self.start_again(machine, kept),
            Fault::Crash(machine)
            | Fault::PowerLoss(machine)
            | Fault::Leave(machine)
            | Fault::Freeze(machine)
            | Fault::Thaw(machine) => self.strike(machine, trouble.fault),
        }
        self.changed();
    }

    /// Something happens to one machine that is there.
    fn strike(&mut self, machine: usize, fault: Fault) {
        if machine >= self.room() || !self.machines[machine].is_alive() {
            return;
        }
        match fault {
            Fault::Crash(_) => self.die(machine),
            Fault::PowerLoss(_) => self.lose_power(machine),
            Fault::Leave(_) => self.leave(machine),
            Fault::Freeze(_) => self.freeze(machine),
            Fault::Thaw(_) => self.thaw(machine),
            _ => {}
        }
    }

    fn stop_origins(&mut self, stopped: bool) {
        for origin in self.room()..self.machines.len() {
            self.machines[origin].up.stopped = stopped;
            self.send(origin);
        }
    }

    /// Machines that hold a slot.
    fn holders(&self) -> Vec<usize> {
        let machines = self.machines.iter().enumerate();
        let holds = machines.filter(|(_, machine)| {
            let report = machine.scheduler().map(|it| it.origin_report(self.now));
            report.is_some_and(|report| !report.slots.is_empty())
        });
        holds.map(|(place, _)| place).collect()
    }

    fn part(&mut self) {
        self.parted = true;
        for link in 0..self.links.len() {
            let sides =
                [0, 1].map(|side| self.links[link].end(crate::world::way(link, side)).machine);
            let peers = !sides.iter().any(|it| self.is_origin(*it));
            if peers && self.is_cut(sides[0], sides[1]) {
                self.link_down(link, Down::Reset);
            }
        }
    }

    fn heal(&mut self) {
        self.parted = false;
        for machine in 0..self.room() {
            self.agenda
                .put(self.now + LIE_EVERY / 4, Coming::Dial(machine));
        }
    }

    /// A liar claims all slots.
    pub(crate) fn lie(&mut self, machine: usize) {
        let Brain::Claimer(claimer) = &mut self.machines[machine].brain else {
            return;
        };
        let message = claimer.lie();
        for way in self.machines[machine].ways.clone() {
            let source = self.links[way.link()].end(way).source;
            self.send_slots(machine, source, message.clone());
        }
        self.agenda.put(self.now + LIE_EVERY, Coming::Lie(machine));
    }
}
