//! How the origin is to be treated: what the options say and what the torrent says, as one word.
//!
//! What must stay true: where both say something, the stricter holds; what the torrent says and
//! can't be understood changes nothing and is told to the log.

use swarmcopy_scheduler as scheduler;
use swarmcopy_scheduler::origin::{self, OriginConfig};

use crate::content::Content;
use crate::hours::all_allow;
use crate::{GROUP_LEN_MAX, GuardUse, Hours, Isolated, MachineClass, OriginMode};

/// The least and the most machines that may be allowed to read at a time.
const READERS: (u32, u32) = (1, origin::READERS_MAX_MAX);

/// The policy of one content on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) mode: OriginMode,
    pub(crate) readers_max: u32,
    pub(crate) rate: Option<u64>,
    pub(crate) isolated: Isolated,
    pub(crate) group: String,
    pub(crate) class: MachineClass,
    pub(crate) hours: Vec<Vec<Hours>>,
    pub(crate) guard: GuardUse,
}

impl Policy {
    /// What options and torrent say together.
    pub(crate) fn of(content: &Content) -> Self {
        let options = &content.options;
        let mut policy = Self {
            mode: options.origin,
            readers_max: options.readers_max.clamp(READERS.0, READERS.1),
            rate: options.origin_rate,
            isolated: options.isolated,
            group: options.group.clone(),
            class: options.class,
            hours: options.hours.clone(),
            guard: options.guard,
        };
        if let Some(torrent) = &content.torrent {
            policy.restrict(&torrent.own);
        }
        policy
    }

    fn restrict(&mut self, own: &swarmcopy_bt_wire::metainfo::Own) {
        if let Some(slots) = own.slots {
            self.limit_readers(slots);
        }
        let told = &own.policy;
        if let Some(mode) = read("mode", told.mode.as_deref(), mode_of) {
            self.mode = self.mode.stricter(mode);
        }
        if let Some(isolated) = read("isolated", told.isolated.as_deref(), isolated_of) {
            self.isolated = self.isolated.stricter(isolated);
        }
        if let Some(rate) = read("rate", told.rate.as_deref(), |text| text.parse().ok()) {
            self.rate = Some(self.rate.map_or(rate, |mine: u64| mine.min(rate)));
        }
        if let Some(class) = read("class", told.class.as_deref(), class_of) {
            self.class = self.class.stricter(class);
        }
        let hours = told.hours.iter();
        let hours = hours.filter_map(|text| read("hours", Some(text), |text| text.parse().ok()));
        self.hours.push(hours.collect());
        if self.group.is_empty()
            && let Some(group) = read("group", told.group.as_deref(), group_of)
        {
            self.group = group;
        }
    }

    /// No more than that many machines may read at a time.
    pub(crate) fn limit_readers(&mut self, readers_max: u32) {
        let limited = self.readers_max.min(readers_max);
        self.readers_max = limited.clamp(READERS.0, READERS.1);
    }

    /// Whether origins may be read at this minute of the day.
    pub(crate) fn hours_at(&self, minute: u16) -> origin::Hours {
        if all_allow(self.hours.iter(), minute) {
            origin::Hours::Open
        } else {
            origin::Hours::Closed
        }
    }

    /// Whether origins may be read now; a machine that can't tell the time waits where hours are
    /// named.
    pub(crate) fn hours_now(&self) -> origin::Hours {
        if self.hours.iter().all(Vec::is_empty) {
            return origin::Hours::Open;
        }
        match swarmcopy_sys::clock::minute_of_day() {
            Ok(minute) => self.hours_at(minute),
            Err(error) => {
                tracing::warn!("cannot tell the time of day: {error}");
                origin::Hours::Closed
            }
        }
    }

    /// The same in the scheduler's words.
    pub(crate) fn origin_config(&self, node: scheduler::NodeId, content: [u8; 32]) -> OriginConfig {
        let mut config = OriginConfig::new(node, content);
        config.readers_max = self.readers_max;
        config.group.clone_from(&self.group);
        config.rate_bytes = self.rate;
        config.class = self.class();
        config.hours = self.hours_now();
        config.mode = match self.mode {
            OriginMode::Protect => origin::Mode::Protect,
            OriginMode::Fast => origin::Mode::Fast,
            OriginMode::Never => origin::Mode::Never,
        };
        config.isolated = match self.isolated {
            Isolated::Wait => origin::Isolated::Wait,
            Isolated::Trickle => origin::Isolated::Trickle,
            Isolated::Read => origin::Isolated::Read,
        };
        config
    }

    /// How this machine is connected, in the scheduler's word.
    pub(crate) fn class(&self) -> scheduler::MachineClass {
        match self.class {
            MachineClass::Wired => scheduler::MachineClass::Wired,
            MachineClass::Wifi => scheduler::MachineClass::Wifi,
            MachineClass::Vpn => scheduler::MachineClass::Vpn,
            MachineClass::Metered => scheduler::MachineClass::Metered,
            MachineClass::Battery => scheduler::MachineClass::Battery,
        }
    }
}

/// Understands a text of the torrent, or tells that it can't.
fn read<T>(name: &str, text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let text = text?;
    let parsed = parse(text);
    if parsed.is_none() {
        tracing::warn!("the torrent's policy.{name} is not understood: {text:?}");
    }
    parsed
}

fn group_of(text: &str) -> Option<String> {
    (text.len() <= GROUP_LEN_MAX).then(|| text.to_owned())
}

fn mode_of(text: &str) -> Option<OriginMode> {
    Some(match text {
        "protect" => OriginMode::Protect,
        "fast" => OriginMode::Fast,
        "never" => OriginMode::Never,
        _ => return None,
    })
}

fn isolated_of(text: &str) -> Option<Isolated> {
    Some(match text {
        "wait" => Isolated::Wait,
        "trickle" => Isolated::Trickle,
        "read" => Isolated::Read,
        _ => return None,
    })
}

fn class_of(text: &str) -> Option<MachineClass> {
    Some(match text {
        "wired" => MachineClass::Wired,
        "wifi" => MachineClass::Wifi,
        "vpn" => MachineClass::Vpn,
        "metered" => MachineClass::Metered,
        "battery" => MachineClass::Battery,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_bt_wire::metainfo::{Builder, File, Form};

    /// What is left of `options` with a torrent that says `say`.
    fn resolved(
        options: impl FnOnce(&mut crate::CopyOptions),
        say: impl FnOnce(&mut swarmcopy_bt_wire::metainfo::Own),
    ) -> Policy {
        let mut builder = Builder::new("CS5", 16384, Form::SingleFile);
        builder.files.push(File::new(vec!["CS5".into()], 7));
        builder.pieces = vec![[1; 20]];
        say(&mut builder.own);
        let mut set = crate::CopyOptions::new("x");
        options(&mut set);
        let content = Content::torrent(&builder.build().unwrap().bytes).unwrap();
        Policy::of(&content.with_options(set))
    }

    #[test]
    fn the_stricter_of_options_and_torrent_holds() {
        let policy = resolved(
            |options| {
                options.readers_max = 4;
                options.origin_rate = Some(10_000_000);
                options.hours = vec![vec!["08:00-20:00".parse().unwrap()]];
            },
            |own| {
                own.slots = Some(2);
                own.policy.mode = Some("never".into());
                own.policy.rate = Some("5000000".into());
                own.policy.isolated = Some("wait".into());
                own.policy.hours = vec!["18:00-06:00".into()];
                own.policy.group = Some("south".into());
                own.policy.class = Some("vpn".into());
            },
        );
        assert_eq!(policy.class, MachineClass::Vpn);
        assert_eq!((policy.mode, policy.readers_max), (OriginMode::Never, 2));
        assert_eq!(
            (policy.rate, policy.isolated),
            (Some(5_000_000), Isolated::Wait)
        );
        assert_eq!(policy.group, "south");
        assert_eq!(policy.hours_at(19 * 60), origin::Hours::Open);
        assert_eq!(policy.hours_at(12 * 60), origin::Hours::Closed);
        assert_eq!(policy.hours_at(21 * 60), origin::Hours::Closed);
    }

    #[test]
    fn the_scheduler_is_told_what_the_options_say() {
        let policy = resolved(
            |options| {
                options.readers_max = 7;
                options.group = "north".into();
                options.class = MachineClass::Wifi;
                options.origin_rate = Some(5);
                options.isolated = Isolated::Read;
                options.origin = OriginMode::Fast;
            },
            |_| {},
        );
        let told = policy.origin_config(scheduler::NodeId::default(), [0; 32]);
        assert_eq!((told.readers_max, told.group.as_str()), (7, "north"));
        assert_eq!(told.class, scheduler::MachineClass::Wifi);
        assert_eq!((told.rate_bytes, told.mode), (Some(5), origin::Mode::Fast));
        assert_eq!(told.isolated, origin::Isolated::Read);
    }

    #[test]
    fn a_group_that_no_message_has_room_for_is_taken_from_nobody() {
        let long = "x".repeat(GROUP_LEN_MAX + 1);
        let policy = resolved(|_| {}, |own| own.policy.group = Some(long.clone()));
        assert_eq!(policy.group, "");
    }

    #[test]
    fn a_torrent_frees_nobody_from_the_options() {
        let policy = resolved(
            |options| {
                options.readers_max = 2;
                options.isolated = Isolated::Wait;
                options.group = "north".into();
                options.class = MachineClass::Battery;
            },
            |own| {
                own.slots = Some(9);
                own.policy.mode = Some("fast".into());
                own.policy.isolated = Some("read".into());
                own.policy.group = Some("south".into());
                own.policy.class = Some("wired".into());
                own.policy.rate = Some("as fast as it goes".into());
                own.policy.hours = vec!["at night".into()];
            },
        );
        assert_eq!((policy.mode, policy.readers_max), (OriginMode::Protect, 2));
        assert_eq!((policy.rate, policy.isolated), (None, Isolated::Wait));
        assert_eq!(policy.group, "north");
        assert_eq!(policy.class, MachineClass::Battery);
        assert_eq!(policy.hours_at(0), origin::Hours::Open);
    }
}
