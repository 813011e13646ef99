//! The numbers by which the machines of a room decide, found by their names.

use swarmcopy_scheduler::{Tuning, origin};

/// How the names of the slots' numbers begin.
const OF_SLOTS: &str = "slots.";

/// Every number by which machines of ours decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Those of the scheduler.
    pub scheduler: Tuning,
    /// Those of the slots, whatever the policies of the machines say.
    pub slots: origin::Tuning,
}

impl Numbers {
    /// The names of all of them; those of the slots begin with `slots.`.
    pub fn names() -> impl Iterator<Item = String> {
        let scheduler = Tuning::NAMES.iter().map(|name| (*name).to_owned());
        let slots = origin::Tuning::NAMES.iter();
        scheduler.chain(slots.map(|name| format!("{OF_SLOTS}{name}")))
    }

    /// Makes the number of this name so many percent of what it is, one at least; whether there is one.
    pub fn scale(&mut self, name: &str, percent: u32) -> bool {
        match name.strip_prefix(OF_SLOTS) {
            Some(name) => self.slots.scale(name, percent),
            None => self.scheduler.scale(name, percent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_can_be_scaled_by_its_name_and_changes_no_other() {
        for name in Numbers::names() {
            let mut numbers = Numbers::default();
            let doubles = numbers.scale(&name, 200) && numbers != Numbers::default();
            assert!(doubles, "{name}");
            let halves = numbers.scale(&name, 50) && numbers == Numbers::default();
            assert!(halves, "{name}");
        }
        assert!(!Numbers::default().scale("slots.looks", 200));
    }
}
