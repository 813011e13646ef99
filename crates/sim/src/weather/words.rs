//! The words of a room's description: times, roles, troubles.

use std::time::Duration;

use swarmcopy_scheduler::origin::Hours;

use crate::{Fault, Finding, Health, Kept, Role};

/// A time in its largest whole unit.
pub(super) fn time(time: Duration) -> String {
    let micros = time.as_micros();
    if micros.is_multiple_of(1_000_000) {
        format!("{}s", micros / 1_000_000)
    } else if micros.is_multiple_of(1000) {
        format!("{}ms", micros / 1000)
    } else {
        format!("{micros}us")
    }
}

pub(super) fn read_time(word: &str) -> Option<Duration> {
    let number = |unit: &str| word.strip_suffix(unit)?.parse::<u64>().ok();
    number("us")
        .map(Duration::from_micros)
        .or_else(|| number("ms").map(Duration::from_millis))
        .or_else(|| number("s").map(Duration::from_secs))
}

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Own => "own",
        Role::Stock => "stock",
        Role::Mute => "mute",
        Role::Liar => "liar",
        Role::Claimer => "claimer",
        Role::User => "user",
    }
}

pub(super) fn read_role(word: &str) -> Option<Role> {
    let all = [
        Role::Own,
        Role::Stock,
        Role::Mute,
        Role::Liar,
        Role::Claimer,
        Role::User,
    ];
    all.into_iter().find(|it| role(*it) == word)
}

pub(super) fn finding(finding: Finding) -> String {
    match finding {
        Finding::Tracker => "tracker".to_owned(),
        Finding::Late(after) => time(after),
        Finding::Nobody => "nobody".to_owned(),
        Finding::Dead => "dead".to_owned(),
        Finding::Local => "local".to_owned(),
    }
}

pub(super) fn read_finding(word: &str) -> Option<Finding> {
    Some(match word {
        "tracker" => Finding::Tracker,
        "nobody" => Finding::Nobody,
        "dead" => Finding::Dead,
        "local" => Finding::Local,
        time => Finding::Late(read_time(time)?),
    })
}

/// What goes wrong, as words.
pub(super) fn fault(fault: Fault) -> String {
    match fault {
        Fault::KillHolder => "kill-holder".to_owned(),
        Fault::KillHolders => "kill-holders".to_owned(),
        Fault::Part => "part".to_owned(),
        Fault::Heal => "heal".to_owned(),
        Fault::OriginDown => "origins-down".to_owned(),
        Fault::OriginUp => "origins-up".to_owned(),
        Fault::Origin(origin, health) => format!("origin {origin} {}", health_words(health)),
        Fault::Crash(machine) => format!("crash {machine}"),
        Fault::PowerLoss(machine) => format!("power-loss {machine}"),
        Fault::Leave(machine) => format!("leave {machine}"),
        Fault::Freeze(machine) => format!("freeze {machine}"),
        Fault::Thaw(machine) => format!("thaw {machine}"),
        Fault::Return(machine, Kept::All) => format!("return {machine} all"),
        Fault::Return(machine, Kept::Nothing) => format!("return {machine} nothing"),
        Fault::Choke(machine, true) => format!("choke {machine}"),
        Fault::Choke(machine, false) => format!("unchoke {machine}"),
        Fault::Hours(Hours::Open) => "hours-open".to_owned(),
        Fault::Hours(Hours::Closed) => "hours-closed".to_owned(),
        Fault::Rates(machine, up, down) => format!("rates {machine} {up} {down}"),
    }
}

fn health_words(health: Health) -> String {
    match health {
        Health::Well => "well".to_owned(),
        Health::Silent => "silent".to_owned(),
        Health::Refusing => "refusing".to_owned(),
        Health::Resetting => "resetting".to_owned(),
        Health::Busy(None) => "busy".to_owned(),
        Health::Busy(Some(millis)) => format!("busy {millis}"),
        Health::Missing => "missing".to_owned(),
        Health::Nonsense => "nonsense".to_owned(),
        Health::Slow(rate) => format!("slow {rate}"),
    }
}

pub(super) fn read_fault(line: &str) -> Option<Fault> {
    let all: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| word.parse::<usize>().ok();
    Some(match *all.as_slice() {
        ["kill-holder"] => Fault::KillHolder,
        ["kill-holders"] => Fault::KillHolders,
        ["part"] => Fault::Part,
        ["heal"] => Fault::Heal,
        ["origins-down"] => Fault::OriginDown,
        ["origins-up"] => Fault::OriginUp,
        ["origin", origin, ref health @ ..] => Fault::Origin(number(origin)?, read_health(health)?),
        ["crash", machine] => Fault::Crash(number(machine)?),
        ["power-loss", machine] => Fault::PowerLoss(number(machine)?),
        ["leave", machine] => Fault::Leave(number(machine)?),
        ["freeze", machine] => Fault::Freeze(number(machine)?),
        ["thaw", machine] => Fault::Thaw(number(machine)?),
        ["return", machine, "all"] => Fault::Return(number(machine)?, Kept::All),
        ["return", machine, "nothing"] => Fault::Return(number(machine)?, Kept::Nothing),
        ["choke", machine] => Fault::Choke(number(machine)?, true),
        ["unchoke", machine] => Fault::Choke(number(machine)?, false),
        ["hours-open"] => Fault::Hours(Hours::Open),
        ["hours-closed"] => Fault::Hours(Hours::Closed),
        ["rates", machine, up, down] => {
            Fault::Rates(number(machine)?, up.parse().ok()?, down.parse().ok()?)
        }
        _ => return None,
    })
}

fn read_health(all: &[&str]) -> Option<Health> {
    Some(match *all {
        ["well"] => Health::Well,
        ["silent"] => Health::Silent,
        ["refusing"] => Health::Refusing,
        ["resetting"] => Health::Resetting,
        ["busy"] => Health::Busy(None),
        ["busy", millis] => Health::Busy(Some(millis.parse().ok()?)),
        ["missing"] => Health::Missing,
        ["nonsense"] => Health::Nonsense,
        ["slow", rate] => Health::Slow(rate.parse().ok()?),
        _ => return None,
    })
}

/// Calls `set` with each `key=value`.
pub(super) fn pairs(line: &str, mut set: impl FnMut(&str, &str) -> Option<()>) -> Option<()> {
    for word in line.split_whitespace() {
        let (key, value) = word.split_once('=')?;
        set(key, value)?;
    }
    Some(())
}
