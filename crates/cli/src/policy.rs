//! The rules for the origin as an admin gives them: by flags, and by a file of TOML.
//!
//! What must stay true: where flags and file both say something, the stricter holds; a file with a
//! key or a value that is not understood is refused, never obeyed in part.

#[cfg(any(test, fuzzing))]
#[path = "policy/sequences.rs"] // its fuzz target takes this file by its path
pub(crate) mod sequences;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::ValueEnum;
use serde::Deserialize;
use swarmcopy::{
    CopyOptions, Error, ErrorKind, GuardUse, Hours, Isolated, MachineClass, Network, OriginMode,
};

use swarmcopy_sys::metered;

use crate::args::values::{self, Rate};
use crate::args::{ClassArg, GetArgs, GuardArg, IsolatedArg, OriginArg};

/// No policy is longer.
const FILE_LEN_MAX: u64 = 64 << 10;
/// Least and most machines that may read at a time.
const READERS: std::ops::RangeInclusive<u32> = 1..=64;

/// A policy file; every key may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    mode: Option<String>,
    readers: Option<u32>,
    rate: Option<String>,
    isolated: Option<String>,
    #[serde(default)]
    hours: Vec<String>,
    group: Option<String>,
    class: Option<String>,
    guard: Option<String>,
    #[serde(default, rename = "no-limit")]
    no_limit: Vec<String>,
}

/// What one party says of the origin.
#[derive(Debug, Default)]
struct Rules {
    mode: Option<OriginArg>,
    readers: Option<u32>,
    rate: Option<u64>,
    isolated: Option<IsolatedArg>,
    hours: Vec<Hours>,
    group: Option<String>,
    class: Option<ClassArg>,
    guard: Option<GuardArg>,
    no_limit: Vec<Network>,
}

/// Sets what the flags and the policy file say together.
pub(crate) fn apply(args: &GetArgs, options: &mut CopyOptions) -> Result<(), Error> {
    let mut rules = Rules {
        mode: args.origin,
        readers: args.origin_readers,
        rate: args.origin_rate.and_then(Rate::limit),
        isolated: args.isolated,
        hours: args.hours.clone(),
        group: args.group.clone(),
        class: args.class,
        guard: args.guard,
        no_limit: args.no_limit.clone(),
    };
    options.hours = vec![std::mem::take(&mut rules.hours)];
    options.no_limit = vec![std::mem::take(&mut rules.no_limit)];
    if let Some(path) = &args.policy {
        let mut file = read(path)?;
        options.hours.push(std::mem::take(&mut file.hours));
        options.no_limit.push(std::mem::take(&mut file.no_limit));
        rules = rules.and(file)?;
    }
    if rules.class.is_none() && metered::line() == metered::Line::Metered {
        rules.class = Some(ClassArg::Metered);
    }
    rules.set(options);
    Ok(())
}

impl Rules {
    /// Both together.
    fn and(self, file: Self) -> Result<Self, Error> {
        if let (Some(flag), Some(file)) = (&self.group, &file.group)
            && flag != file
        {
            let message = format!("--group {flag} but the policy file says group {file:?}");
            return Err(Error::new(ErrorKind::Usage, message));
        }
        let mode = |one: OriginArg, two: OriginArg| {
            if one.strictness() >= two.strictness() {
                one
            } else {
                two
            }
        };
        Ok(Self {
            mode: both(self.mode, file.mode, mode),
            readers: both(self.readers, file.readers, u32::min),
            rate: both(self.rate, file.rate, u64::min),
            isolated: both(self.isolated, file.isolated, |one, two| {
                if one.strictness() >= two.strictness() {
                    one
                } else {
                    two
                }
            }),
            hours: Vec::new(),
            no_limit: Vec::new(),
            group: self.group.or(file.group),
            class: self.class.or(file.class),
            guard: both(self.guard, file.guard, |one, two| {
                if one == GuardArg::Auto { one } else { two }
            }),
        })
    }

    fn set(self, options: &mut CopyOptions) {
        if let Some(mode) = self.mode {
            options.origin = mode.into();
        }
        if let Some(readers) = self.readers {
            options.readers_max = readers;
        }
        options.origin_rate = self.rate;
        if let Some(isolated) = self.isolated {
            options.isolated = isolated.into();
        }
        options.group = self.group.unwrap_or_default();
        if let Some(class) = self.class {
            options.class = class.into();
        }
        if self.guard == Some(GuardArg::Off) {
            options.guard = GuardUse::Off;
        }
    }
}

fn both<T>(one: Option<T>, two: Option<T>, stricter: impl Fn(T, T) -> T) -> Option<T> {
    match (one, two) {
        (Some(one), Some(two)) => Some(stricter(one, two)),
        (one, two) => one.or(two),
    }
}

fn read(path: &Path) -> Result<Rules, Error> {
    let refused = |why: String| {
        let message = format!("cannot use the policy {}: {why}", path.display());
        Error::new(ErrorKind::Usage, message)
    };
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_LEN_MAX + 1).read_to_string(&mut text));
    let len = read.map_err(|error| refused(error.to_string()))?;
    if u64::try_from(len).is_ok_and(|len| len > FILE_LEN_MAX) {
        return Err(refused(format!("it is longer than {FILE_LEN_MAX} bytes")));
    }
    parse(&text).map_err(refused)
}

fn parse(text: &str) -> Result<Rules, String> {
    let file: PolicyFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| {
            1 + text
                .bytes()
                .take(span.start)
                .filter(|byte| *byte == b'\n')
                .count()
        });
        match line {
            Some(line) => format!("line {line}: {}", error.message()),
            None => error.message().to_owned(),
        }
    })?;
    if let Some(readers) = file.readers
        && !READERS.contains(&readers)
    {
        return Err(format!("readers: {readers} is not in 1 to 64"));
    }
    let rate = |text: &String| values::rate(text).map_err(|why| format!("rate: {why}"));
    let network = |text: &String| text.parse().map_err(|why| format!("no-limit: {why}"));
    let hours = |text: &String| text.parse().map_err(|why| format!("hours: {why}"));
    Ok(Rules {
        mode: word("mode", file.mode.as_deref())?,
        readers: file.readers,
        rate: file
            .rate
            .as_ref()
            .map(rate)
            .transpose()?
            .and_then(Rate::limit),
        isolated: word("isolated", file.isolated.as_deref())?,
        hours: file.hours.iter().map(hours).collect::<Result<_, _>>()?,
        group: file
            .group
            .map(|group| values::group(&group).map_err(|why| format!("group: {why}")))
            .transpose()?,
        class: word("class", file.class.as_deref())?,
        guard: word("guard", file.guard.as_deref())?,
        no_limit: file
            .no_limit
            .iter()
            .map(network)
            .collect::<Result<_, _>>()?,
    })
}

/// A word that a flag takes as well.
fn word<T: ValueEnum>(key: &str, text: Option<&str>) -> Result<Option<T>, String> {
    let Some(text) = text else {
        return Ok(None);
    };
    T::from_str(text, false).map(Some).map_err(|_| {
        let known: Vec<_> = T::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .map(|value| value.get_name().to_owned())
            .collect();
        format!("{key}: {text:?} is none of {}", known.join(", "))
    })
}

impl OriginArg {
    fn strictness(self) -> u8 {
        match self {
            Self::Fast => 0,
            Self::Protect => 1,
            Self::Never => 2,
        }
    }
}

impl IsolatedArg {
    fn strictness(self) -> u8 {
        match self {
            Self::Read => 0,
            Self::Trickle => 1,
            Self::Wait => 2,
        }
    }
}

impl From<OriginArg> for OriginMode {
    fn from(arg: OriginArg) -> Self {
        match arg {
            OriginArg::Protect => Self::Protect,
            OriginArg::Fast => Self::Fast,
            OriginArg::Never => Self::Never,
        }
    }
}

impl From<IsolatedArg> for Isolated {
    fn from(arg: IsolatedArg) -> Self {
        match arg {
            IsolatedArg::Wait => Self::Wait,
            IsolatedArg::Trickle => Self::Trickle,
            IsolatedArg::Read => Self::Read,
        }
    }
}

impl From<ClassArg> for MachineClass {
    fn from(arg: ClassArg) -> Self {
        match arg {
            ClassArg::Wired => Self::Wired,
            ClassArg::Wifi => Self::Wifi,
            ClassArg::Vpn => Self::Vpn,
            ClassArg::Metered => Self::Metered,
            ClassArg::Battery => Self::Battery,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"
        mode = "fast"
        readers = 2
        rate = "30M"
        isolated = "read"
        hours = ["18:00-06:00", "12:00-13:00"]
        group = "south"
        class = "wifi"
        guard = "off"
        no-limit = ["lan", "10.1.0.0/16"]
    "#;

    #[test]
    fn a_policy_file_says_what_the_flags_say() {
        let rules = parse(ALL).unwrap();
        assert_eq!(
            (rules.mode, rules.readers),
            (Some(OriginArg::Fast), Some(2))
        );
        assert_eq!((rules.rate, rules.hours.len()), (Some(30_000_000), 2));
        assert_eq!(rules.isolated, Some(IsolatedArg::Read));
        assert_eq!(
            (rules.class, rules.guard),
            (Some(ClassArg::Wifi), Some(GuardArg::Off))
        );
        assert_eq!(rules.group.as_deref(), Some("south"));
        assert_eq!(rules.no_limit.first(), Some(&Network::Lan));
        assert!(
            parse(r#"no-limit = ["everybody"]"#)
                .unwrap_err()
                .contains("no-limit")
        );
        let nothing = parse("").unwrap();
        assert!(nothing.mode.is_none() && nothing.hours.is_empty());
    }

    #[test]
    fn the_stricter_of_flags_and_file_holds() {
        let flags = Rules {
            mode: Some(OriginArg::Protect),
            readers: Some(5),
            rate: Some(1_000_000),
            isolated: Some(IsolatedArg::Wait),
            guard: Some(GuardArg::Auto),
            class: Some(ClassArg::Wired),
            ..Rules::default()
        };
        let mut options = CopyOptions::new("x");
        flags.and(parse(ALL).unwrap()).unwrap().set(&mut options);
        assert_eq!(
            (options.origin, options.readers_max),
            (OriginMode::Protect, 2)
        );
        assert_eq!(
            (options.origin_rate, options.isolated),
            (Some(1_000_000), Isolated::Wait)
        );
        assert_eq!(
            (options.guard, options.class),
            (GuardUse::Auto, MachineClass::Wired)
        );
        assert_eq!(options.group, "south");

        parse(ALL).unwrap().set(&mut options);
        assert_eq!(
            (options.origin, options.guard),
            (OriginMode::Fast, GuardUse::Off)
        );
    }

    #[test]
    fn groups_that_differ_are_refused() {
        let flags = Rules {
            group: Some("north".into()),
            ..Rules::default()
        };
        let error = flags.and(parse(ALL).unwrap()).unwrap_err();
        assert!(error.to_string().contains("north"), "{error}");
    }

    #[test]
    fn what_is_not_understood_is_refused_and_named() {
        for (text, named) in [
            ("mode = \"often\"", "protect"),
            ("readers = 0", "readers"),
            ("readers = 65", "readers"),
            ("rate = \"10Mb\"", "rate"),
            ("\n\nhour = [\"18:00-06:00\"]", "line 3"),
            ("hours = [\"at night\"]", "hours"),
            ("hours = \"18:00-06:00\"", "line 1"),
            ("guard = \"on\"", "auto, off"),
            ("= 5", "line 1"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
