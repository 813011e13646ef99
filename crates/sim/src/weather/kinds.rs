//! What rooms may be made of.

/// What a room may be made of; each can be left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// Machines join later than others.
    Late,
    /// Links are not all alike.
    Unequal,
    /// Uplinks are down to a fiftieth of the downlinks.
    Thin,
    /// Machines are far from each other.
    Far,
    /// Machines leave in order.
    Leave,
    /// Processes die.
    Crash,
    /// Machines lose their power.
    Power,
    /// Machines freeze, and go on later.
    Freeze,
    /// Machines that are gone come back.
    Return,
    /// Rates change on the way.
    Rates,
    /// The room falls apart and finds together.
    Part,
    /// Origins fail for a time.
    Origin,
    /// There are several origins.
    Origins,
    /// Origins have wrong bytes in some pieces, or lack some.
    Wrong,
    /// Some have a part or everything from the start.
    Seeds,
    /// Other people's clients.
    Stock,
    /// Mute ones and liars.
    Mean,
    /// Fewer or more readers than usual.
    Readers,
    /// Origins that only some machines reach.
    Reach,
    /// Machines that nobody can call.
    Deaf,
    /// Large rooms.
    Large,
    /// Policies that differ: groups, classes, budgets, `never`, `fast`, what to do when cut off.
    Policy,
    /// Hours that end and begin.
    Hours,
    /// Trackers that fail, or local calls alone.
    Finding,
    /// Machines that want a part only.
    Select,
    /// Stock clients that choke everybody for ten seconds.
    Choking,
    /// Strangers that connect once and go.
    Strangers,
}

/// All of them, with the words by which they are named.
pub const KINDS: &[(&str, Kind)] = &[
    ("late", Kind::Late),
    ("unequal", Kind::Unequal),
    ("thin", Kind::Thin),
    ("far", Kind::Far),
    ("leave", Kind::Leave),
    ("crash", Kind::Crash),
    ("power", Kind::Power),
    ("freeze", Kind::Freeze),
    ("return", Kind::Return),
    ("rates", Kind::Rates),
    ("part", Kind::Part),
    ("origin", Kind::Origin),
    ("origins", Kind::Origins),
    ("wrong", Kind::Wrong),
    ("seeds", Kind::Seeds),
    ("stock", Kind::Stock),
    ("mean", Kind::Mean),
    ("readers", Kind::Readers),
    ("reach", Kind::Reach),
    ("deaf", Kind::Deaf),
    ("large", Kind::Large),
    ("policy", Kind::Policy),
    ("hours", Kind::Hours),
    ("finding", Kind::Finding),
    ("select", Kind::Select),
    ("choking", Kind::Choking),
    ("strangers", Kind::Strangers),
];
