//! The description of a room: plain data with one line of text that says all of it.
//!
//! The line is a list of items, each a letter and words `key=value`; what is usual is not written:
//! `r` the content and the ways, `m` a machine, `o` an origin, `t` a trouble.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use swarmcopy_scheduler::MachineClass;
use swarmcopy_scheduler::origin::{Isolated, Mode, OriginConfig};

use super::words;
use crate::{Finding, Holds, MachineSpec, OriginSpec, Profile, Role, Stay, Trouble};

/// A room as drawn or as written down.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Room {
    /// Decides all that is random within.
    pub seed: u64,
    /// Bytes of a piece.
    pub piece_len: u64,
    /// How many pieces.
    pub pieces: u32,
    /// In how many files.
    pub files: u32,
    /// Time that each message takes.
    pub latency: Duration,
    /// Most time by which one comes late.
    pub jitter: Duration,
    /// How machines find each other.
    pub finding: Finding,
    /// Who is there.
    pub machines: Vec<MachineSpec>,
    /// What they can read.
    pub origins: Vec<OriginSpec>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
}

impl Room {
    /// A room without anybody.
    pub fn empty(seed: u64) -> Self {
        Self {
            seed,
            piece_len: 16 << 10,
            pieces: 1,
            files: 1,
            latency: Duration::from_micros(500),
            jitter: Duration::ZERO,
            finding: Finding::default(),
            machines: Vec::new(),
            origins: Vec::new(),
            troubles: Vec::new(),
        }
    }

    /// What the simulator runs.
    pub fn profile(&self) -> Profile {
        let len = self.piece_len.saturating_mul(u64::from(self.pieces));
        let files = u64::from(self.files.max(1)).min(len.max(1));
        let mut lens = vec![len / files; usize::try_from(files).unwrap_or(1)];
        lens.iter_mut()
            .take(1)
            .for_each(|first| *first += len % files);
        let mut profile = Profile::flash(self.seed, 0).tree(lens, self.piece_len);
        profile.latency = self.latency;
        profile.jitter = self.jitter;
        profile.finding = self.finding;
        profile.machines.clone_from(&self.machines);
        profile.origins.clone_from(&self.origins);
        profile.troubles.clone_from(&self.troubles);
        profile.deadline = Duration::from_hours(3);
        profile.watched = true;
        profile
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "r seed={} pieces={}x{}",
            self.seed, self.pieces, self.piece_len
        )?;
        if self.files != 1 {
            write!(f, " files={}", self.files)?;
        }
        write!(f, " latency={}", words::time(self.latency))?;
        if !self.jitter.is_zero() {
            write!(f, " jitter={}", words::time(self.jitter))?;
        }
        if self.finding != Finding::default() {
            write!(f, " finding={}", words::finding(self.finding))?;
        }
        for machine in &self.machines {
            write!(f, "; m{}", machine_words(machine))?;
        }
        for origin in &self.origins {
            write!(f, "; o{}", origin_words(origin))?;
        }
        for trouble in &self.troubles {
            write!(
                f,
                "; t {} {}",
                words::time(trouble.at),
                words::fault(trouble.fault)
            )?;
        }
        Ok(())
    }
}

fn machine_words(spec: &MachineSpec) -> String {
    let mut said = String::new();
    let mut say = |key: &str, value: String| {
        said.extend([" ", key, "=", &value]);
    };
    if !spec.join.is_zero() {
        say("join", words::time(spec.join));
    }
    say("up", spec.up_rate.to_string());
    say("down", spec.down_rate.to_string());
    if spec.role != Role::Own {
        say("role", words::role(spec.role).to_owned());
    }
    match spec.holds {
        Holds::Nothing => {}
        Holds::Everything => say("holds", "100".to_owned()),
        Holds::Part(percent) => say("holds", percent.to_string()),
    }
    if !spec.far.is_zero() {
        say("far", words::time(spec.far));
    }
    if !spec.listens {
        say("listens", "no".to_owned());
    }
    if let Stay::WhileNeeded(most) = spec.stay {
        say("stay", words::time(most));
    }
    if spec.wants != 100 {
        say("wants", spec.wants.to_string());
    }
    if spec.reaches != u32::MAX {
        say("reaches", spec.reaches.to_string());
    }
    if let Some(policy) = &spec.policy {
        policy_words(policy, &mut say);
    }
    said
}

fn policy_words(policy: &OriginConfig, say: &mut impl FnMut(&str, String)) {
    let usual = OriginConfig::default();
    say("k", policy.readers_max.to_string());
    match policy.mode {
        Mode::Never => say("mode", "never".to_owned()),
        Mode::Fast => say("mode", "fast".to_owned()),
        _ => {}
    }
    match policy.isolated {
        Isolated::Wait => say("isolated", "wait".to_owned()),
        Isolated::Read => say("isolated", "read".to_owned()),
        _ => {}
    }
    if policy.class != usual.class {
        say("class", "wifi".to_owned());
    }
    if !policy.group.is_empty() {
        say("group", policy.group.clone());
    }
    if let Some(rate) = policy.rate_bytes {
        say("budget", rate.to_string());
    }
}

fn origin_words(spec: &OriginSpec) -> String {
    let mut said = String::new();
    let mut say = |key: &str, value: String| {
        said.extend([" ", key, "=", &value]);
    };
    say("up", spec.up_rate.to_string());
    if !spec.answer.is_zero() {
        say("answer", words::time(spec.answer));
    }
    if !spec.far.is_zero() {
        say("far", words::time(spec.far));
    }
    if spec.wrong_every > 0 {
        say("wrong", spec.wrong_every.to_string());
    }
    if spec.lacks_every > 0 {
        say("lacks", spec.lacks_every.to_string());
    }
    said
}

/// Why a line describes no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRoom(String);

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the room's description at '{}'", self.0)
    }
}

impl std::error::Error for NoRoom {}

impl FromStr for Room {
    type Err = NoRoom;

    fn from_str(line: &str) -> Result<Self, NoRoom> {
        let mut room = Self::empty(0);
        for item in line.split(';').map(str::trim).filter(|it| !it.is_empty()) {
            room.read(item).ok_or_else(|| NoRoom(item.to_owned()))?;
        }
        Ok(room)
    }
}

impl Room {
    fn read(&mut self, item: &str) -> Option<()> {
        let (kind, rest) = item.split_once(' ')?;
        match kind {
            "r" => words::pairs(rest, |key, value| self.set(key, value)),
            "m" => {
                let mut spec = MachineSpec::default();
                words::pairs(rest, |key, value| set_machine(&mut spec, key, value))?;
                self.machines.push(spec);
                Some(())
            }
            "o" => {
                let mut spec = OriginSpec::default();
                words::pairs(rest, |key, value| set_origin(&mut spec, key, value))?;
                self.origins.push(spec);
                Some(())
            }
            "t" => {
                let (at, fault) = rest.split_once(' ')?;
                self.troubles.push(Trouble {
                    at: words::read_time(at)?,
                    every: None,
                    fault: words::read_fault(fault)?,
                });
                Some(())
            }
            _ => None,
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "seed" => self.seed = value.parse().ok()?,
            "pieces" => {
                let (count, len) = value.split_once('x')?;
                self.pieces = count.parse().ok().filter(|it| (1..=1 << 20).contains(it))?;
                self.piece_len = len.parse().ok().filter(|it| (1..=1 << 30).contains(it))?;
            }
            "files" => self.files = value.parse().ok()?,
            "latency" => self.latency = words::read_time(value)?,
            "finding" => self.finding = words::read_finding(value)?,
            "jitter" => self.jitter = words::read_time(value)?,
            _ => return None,
        }
        Some(())
    }
}

fn set_machine(spec: &mut MachineSpec, key: &str, value: &str) -> Option<()> {
    match key {
        "join" => spec.join = words::read_time(value)?,
        "up" => spec.up_rate = value.parse().ok()?,
        "down" => spec.down_rate = value.parse().ok()?,
        "role" => spec.role = words::read_role(value)?,
        "holds" => {
            spec.holds = match value.parse().ok()? {
                0 => Holds::Nothing,
                100 => Holds::Everything,
                percent => Holds::Part(percent),
            }
        }
        "far" => spec.far = words::read_time(value)?,
        "listens" => spec.listens = value != "no",
        "stay" => spec.stay = Stay::WhileNeeded(words::read_time(value)?),
        "wants" => spec.wants = value.parse().ok().filter(|it| *it <= 100)?,
        "reaches" => spec.reaches = value.parse().ok()?,
        _ => {
            let policy = spec.policy.get_or_insert_default();
            set_policy(policy, key, value)?;
        }
    }
    Some(())
}

fn set_policy(policy: &mut OriginConfig, key: &str, value: &str) -> Option<()> {
    match (key, value) {
        ("k", _) => policy.readers_max = value.parse().ok()?,
        ("mode", "never") => policy.mode = Mode::Never,
        ("mode", "fast") => policy.mode = Mode::Fast,
        ("isolated", "wait") => policy.isolated = Isolated::Wait,
        ("isolated", "read") => policy.isolated = Isolated::Read,
        ("class", "wifi") => policy.class = MachineClass::Wifi,
        ("group", _) => value.clone_into(&mut policy.group),
        ("budget", _) => policy.rate_bytes = Some(value.parse().ok()?),
        _ => return None,
    }
    Some(())
}

fn set_origin(spec: &mut OriginSpec, key: &str, value: &str) -> Option<()> {
    match key {
        "up" => spec.up_rate = value.parse().ok()?,
        "answer" => spec.answer = words::read_time(value)?,
        "far" => spec.far = words::read_time(value)?,
        "wrong" => spec.wrong_every = value.parse().ok()?,
        "lacks" => spec.lacks_every = value.parse().ok()?,
        _ => return None,
    }
    Some(())
}
