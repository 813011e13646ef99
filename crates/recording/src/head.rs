//! The head of a recording: all that a scheduler is told at its start.

use std::sync::Arc;

use swarmcopy_layout::{Attributes, Layout, PIECES_MAX, PieceSet, RelPath};
use swarmcopy_scheduler::origin::{GuardUse, Hours, Isolated, Mode, OriginConfig};
use swarmcopy_scheduler::{Config, Instant, MachineClass, NodeId, Scheduler};

use crate::Broken;
use crate::bytes::{Reader, Writer};

/// What begins a recording: a name, and the version of its form.
const MAGIC: &[u8; 8] = b"SCREC\0\0\x04";
/// Numbers of a tuning that are read, and the parts of one.
const NUMBERS_MAX: (usize, usize) = (1024, 8);
/// Runs of pieces of one length, at most.
const RUNS_MAX: usize = 1 << 20;

/// What a scheduler is told once.
#[derive(Debug, Clone)]
pub struct Head {
    /// The version of the program.
    pub program: String,
    /// The policy and the limits.
    pub config: Config,
    /// The pieces; names of files are not kept.
    pub layout: Arc<Layout>,
    /// What is wanted.
    pub wanted: PieceSet,
    /// What is here.
    pub have: PieceSet,
    /// When it began.
    pub start: Instant,
    /// The seed of its choices.
    pub seed: u64,
}

impl Head {
    /// The scheduler that is told all this.
    pub fn scheduler(&self) -> Scheduler {
        Scheduler::new(
            self.config.clone(),
            Arc::clone(&self.layout),
            self.wanted.clone(),
            self.have.clone(),
            (self.start, self.seed),
        )
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.fixed(MAGIC);
        to.text(&self.program);
        to.number(self.start.micros());
        to.number(self.seed);
        write_layout(&self.layout, to);
        to.bytes(&self.wanted.to_bitfield());
        to.bytes(&self.have.to_bitfield());
        to.number(self.config.budget_bytes);
        to.number(u64::try_from(self.config.uploads_max).unwrap_or(u64::MAX));
        let origin = &self.config.origin;
        to.number(origin.readers_max.into());
        to.byte(mode_code(origin.mode));
        to.byte(isolated_code(origin.isolated));
        to.text(&origin.group);
        to.byte(class_code(origin.class));
        to.fixed(&origin.node.0);
        to.fixed(&origin.content);
        to.flag(origin.guard == GuardUse::Active);
        to.flag(origin.hours == Hours::Open);
        to.maybe(origin.rate_bytes);
        write_numbers(&self.config.tuning.values(), to);
        write_numbers(&origin.tuning.values(), to);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Broken> {
        if from.fixed::<8>()? != *MAGIC {
            return Err(Broken::Other);
        }
        let program = from.text()?;
        let start = Instant::from_micros(from.number()?);
        let seed = from.number()?;
        let layout = read_layout(from)?;
        let set = |bytes| {
            PieceSet::from_bitfield(layout.pieces(), bytes).map_err(|_| Broken::Field("pieces"))
        };
        let (wanted, have) = (set(from.bytes()?)?, set(from.bytes()?)?);
        let (budget_bytes, uploads_max) = (from.number()?, from.number()?);
        let readers_max = from.small()?;
        let mode = mode_of(from.byte()?)?;
        let isolated = isolated_of(from.byte()?)?;
        let group = from.text()?;
        let class = class_of(from.byte()?)?;
        let node = NodeId(from.fixed()?);
        if node == NodeId([0; 8]) {
            return Err(Broken::Field("node"));
        }
        let mut origin = OriginConfig::new(node, from.fixed()?);
        (origin.readers_max, origin.mode, origin.isolated) = (readers_max, mode, isolated);
        (origin.group, origin.class) = (group, class);
        if from.flag()? {
            origin.guard = GuardUse::Active;
        }
        if !from.flag()? {
            origin.hours = Hours::Closed;
        }
        origin.rate_bytes = from.maybe()?;
        let mut config = Config::new(origin);
        config.budget_bytes = budget_bytes;
        config.uploads_max = usize::try_from(uploads_max).map_err(|_| Broken::Field("uploads"))?;
        let (tuning, slots) = (&mut config.tuning, &mut config.origin.tuning);
        read_numbers(from, |name, values| tuning.set(name, values))?;
        read_numbers(from, |name, values| slots.set(name, values))?;
        Ok(Self {
            program,
            config,
            layout: Arc::new(layout),
            wanted,
            have,
            start,
            seed,
        })
    }
}

/// Numbers by their names, so that a program with others knows which are meant.
fn write_numbers(numbers: &[(&str, Vec<u64>)], to: &mut Writer) {
    to.number(u64::try_from(numbers.len()).unwrap_or(u64::MAX));
    for (name, values) in numbers {
        to.text(name);
        to.number(u64::try_from(values.len()).unwrap_or(u64::MAX));
        for value in values {
            to.number(*value);
        }
    }
}

/// One that this program has no more is an error: without it decisions would be others.
fn read_numbers(
    from: &mut Reader<'_>,
    mut set: impl FnMut(&str, &[u64]) -> bool,
) -> Result<(), Broken> {
    for _ in 0..from.count(NUMBERS_MAX.0)? {
        let name = from.text()?;
        let count = from.count(NUMBERS_MAX.1)?;
        let values: Result<Vec<_>, _> = (0..count).map(|_| from.number()).collect();
        if !set(&name, &values?) {
            return Err(Broken::Field("number of scheduling"));
        }
    }
    Ok(())
}

/// The pieces as runs of equal lengths.
fn write_layout(layout: &Layout, to: &mut Writer) {
    to.number(layout.piece_len());
    let lens: Vec<u64> = layout
        .piece_indexes()
        .map(|piece| layout.piece_span(piece).len())
        .collect();
    let runs: Vec<&[u64]> = lens.chunk_by(|one, other| one == other).collect();
    to.number(u64::try_from(runs.len()).unwrap_or(u64::MAX));
    for run in runs {
        to.number(run.first().copied().unwrap_or(0));
        to.number(u64::try_from(run.len()).unwrap_or(u64::MAX));
    }
}

fn read_layout(from: &mut Reader<'_>) -> Result<Layout, Broken> {
    let wrong = Broken::Field("layout");
    let piece_len = from.number()?;
    let runs = from.count(RUNS_MAX)?;
    let mut pieces = 0u64;
    let mut lens = Vec::new();
    for _ in 0..runs {
        let (len, count) = (from.number()?, from.number()?);
        pieces = pieces.saturating_add(count);
        if pieces > u64::from(PIECES_MAX) || count == 0 {
            return Err(wrong);
        }
        lens.push((len, count));
    }
    // cut through, if only the last piece may be shorter than the others
    let last = lens.last().copied();
    let plain = lens.iter().rev().skip(1).all(|(len, _)| *len == piece_len)
        && last.is_none_or(|(len, count)| len == piece_len || (count == 1 && len <= piece_len));
    let mut builder = if plain {
        Layout::builder(piece_len)
    } else {
        Layout::builder_by_file(piece_len)
    };
    for (at, (len, count)) in lens.iter().enumerate() {
        let path = RelPath::parse(&format!("f{at}")).map_err(|_| Broken::Field("layout"))?;
        let bytes = len.checked_mul(*count).ok_or(Broken::Field("layout"))?;
        builder.push_cut(path, bytes, Attributes::default(), *len);
    }
    builder.build().map_err(|_| wrong)
}

fn mode_code(mode: Mode) -> u8 {
    match mode {
        Mode::Fast => 1,
        Mode::Never => 2,
        _ => 0,
    }
}

fn mode_of(code: u8) -> Result<Mode, Broken> {
    match code {
        0 => Ok(Mode::Protect),
        1 => Ok(Mode::Fast),
        2 => Ok(Mode::Never),
        _ => Err(Broken::Field("mode")),
    }
}

fn isolated_code(isolated: Isolated) -> u8 {
    match isolated {
        Isolated::Wait => 0,
        Isolated::Read => 2,
        _ => 1,
    }
}

fn isolated_of(code: u8) -> Result<Isolated, Broken> {
    match code {
        0 => Ok(Isolated::Wait),
        1 => Ok(Isolated::Trickle),
        2 => Ok(Isolated::Read),
        _ => Err(Broken::Field("isolated")),
    }
}

pub(crate) fn class_code(class: MachineClass) -> u8 {
    match class {
        MachineClass::Wifi => 1,
        MachineClass::Vpn => 2,
        MachineClass::Metered => 3,
        MachineClass::Battery => 4,
        _ => 0,
    }
}

pub(crate) fn class_of(code: u8) -> Result<MachineClass, Broken> {
    match code {
        0 => Ok(MachineClass::Wired),
        1 => Ok(MachineClass::Wifi),
        2 => Ok(MachineClass::Vpn),
        3 => Ok(MachineClass::Metered),
        4 => Ok(MachineClass::Battery),
        _ => Err(Broken::Field("class")),
    }
}
