//! How many connections one link is to have, found by trial.
//!
//! Whether one stream fills the line can't be told from outside: the window of either end,
//! a proxy's buffer or losses may hold it back as well as the line itself, the peer's disk or its
//! other guests. So more lanes are tried where a far peer has had enough to answer all the time,
//! and kept if much more comes, not only by this link but in all: on a line that is full lanes only
//! take from other links. Now and then fewer are tried. What must stay true: a link that gains
//! nothing by lanes ends without any, and one that is idle lets them go.

use std::time::Duration;

use crate::Instant;

/// How often a link is to be looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A lane over which nothing came for so long has lost the blocks that others overtook.
pub const OVERTAKEN_BY: Duration = Duration::from_secs(5);
/// A peer that answers sooner is so near that one stream fills the line.
const ROUND_TRIP_MIN: Duration = Duration::from_millis(8);
/// Looks that make one window of the trial.
const LOOKS_PER_WINDOW: u32 = 5;
/// Lanes beside the link's own connection, step by step: 1, 2, 4 and 8 connections.
const STEPS: [usize; 4] = [0, 1, 3, 7];
/// Windows before the first trial: the first belongs to the start of the stream.
const WINDOWS_AT_START: u32 = 2;
/// Windows in which a step up must show a gain, the first of which is not looked at.
const WINDOWS_UP: u32 = 4;
/// Windows after which a step down is judged.
const WINDOWS_DOWN: u32 = 3;
/// Windows between trials, 500 ms each.
const REST: u32 = 60;
/// The same after the peer has let us dial in vain.
const REST_REFUSED: u32 = 600;
/// Windows in a row in which little was asked, after which lanes are let go.
const IDLE_MAX: u32 = 20;
/// What a step up must gain, in percent.
const GAIN_PERCENT: u64 = 25;
/// What a step down may cost, in percent.
const LOSS_PERCENT: u64 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// As it is, for so many windows; then a trial that way.
    Rest { windows: u32, next: Way },
    /// Another number since so many windows; so much came before.
    Trial {
        way: Way,
        windows: u32,
        before: Rates,
    },
}

/// Bytes a second that came in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rates {
    /// By this link.
    link: u64,
    /// By all links.
    all: u64,
}

impl Rates {
    /// Whether the link brings much more than before, and at least half of that is no loss of others.
    fn gains_on(self, before: Self) -> bool {
        let gain = self.link.saturating_sub(before.link);
        let much = self.link > before.link / 100 * (100 + GAIN_PERCENT);
        much && self.all >= before.all.saturating_add(gain / 2)
    }

    /// Whether the link brings no less than before, or hardly.
    fn keeps_up_with(self, before: Self) -> bool {
        self.link > before.link / 100 * (100 - LOSS_PERCENT)
    }
}

/// What one look at a link shows.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether the peer has enough to answer.
    pub full: bool,
    /// Bytes that the link brought so far.
    pub link: u64,
    /// Bytes that all links brought so far.
    pub all: u64,
}

/// What was seen of the link since the last judgement.
#[derive(Debug)]
struct Window {
    since: Instant,
    looks: u32,
    /// The peer had enough to answer at each look.
    full: bool,
    /// What the link had brought when the window began, and what all had.
    link: u64,
    all: u64,
}

impl Window {
    fn begin(now: Instant, link: u64, all: u64) -> Self {
        Self {
            since: now,
            looks: 0,
            full: true,
            link,
            all,
        }
    }
}

/// The lanes of one link: how many there are to be.
#[derive(Debug)]
pub struct Connections {
    window: Window,
    trial: Trial,
}

impl Connections {
    /// For a link that may have so many connections.
    pub fn new(now: Instant, connections_max: usize) -> Self {
        Self {
            window: Window::begin(now, 0, 0),
            trial: Trial::new(connections_max),
        }
    }

    /// Whether a peer that answered within this time at best is so far that lanes may pay.
    pub fn may_pay(round_trip: Option<Duration>) -> bool {
        round_trip >= Some(ROUND_TRIP_MIN)
    }

    /// Takes a look at the link; tells at the end of each window how many lanes are wanted.
    pub fn look(&mut self, now: Instant, look: Look) -> Option<usize> {
        self.window.full &= look.full;
        self.window.looks = self.window.looks.saturating_add(1);
        if self.window.looks < LOOKS_PER_WINDOW {
            return None;
        }
        let next = Window::begin(now, look.link, look.all);
        let window = std::mem::replace(&mut self.window, next);
        let micros = now.since(window.since).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX).max(1);
        let rate = |now: u64, before: u64| {
            let came = now.saturating_sub(before);
            came.saturating_mul(1_000_000) / micros
        };
        let rates = Rates {
            link: rate(look.link, window.link),
            all: rate(look.all, window.all),
        };
        Some(self.trial.judge(rates, window.full))
    }

    /// The peer let us dial in vain; so many lanes are left.
    pub fn refused(&mut self, left: usize) {
        self.trial.fall(left, REST_REFUSED);
    }

    /// All lanes broke.
    pub fn lost(&mut self) {
        self.trial.fall(0, REST);
    }
}

/// Finds the number by trial.
#[derive(Debug)]
struct Trial {
    /// Which step the link is at.
    at: usize,
    at_max: usize,
    phase: Phase,
    idle: u32,
}

impl Trial {
    /// For a link that may have so many connections.
    fn new(connections: usize) -> Self {
        let within = |lanes: &&usize| **lanes < connections.max(1);
        Self {
            at: 0,
            at_max: STEPS.iter().filter(within).count().saturating_sub(1),
            phase: START,
            idle: 0,
        }
    }

    /// Takes what came in a window, and whether the peer had enough to answer all the time; tells
    /// how many lanes are wanted.
    fn judge(&mut self, rates: Rates, full: bool) -> usize {
        if full {
            self.idle = 0;
            self.step(rates);
        } else {
            self.idle = self.idle.saturating_add(1);
            if self.idle >= IDLE_MAX {
                (self.at, self.phase) = (0, START);
            }
        }
        STEPS.get(self.at).copied().unwrap_or_default()
    }

    fn fall(&mut self, left: usize, windows: u32) {
        let within = STEPS.iter().filter(|lanes| **lanes <= left).count();
        self.at = within.saturating_sub(1).min(self.at);
        let next = Way::Up;
        self.phase = Phase::Rest { windows, next };
    }

    fn step(&mut self, rates: Rates) {
        match self.phase {
            Phase::Rest { windows: 0, next } => self.begin(next, rates),
            Phase::Rest { windows, next } => {
                let windows = windows - 1;
                self.phase = Phase::Rest { windows, next };
            }
            Phase::Trial {
                way,
                windows,
                before,
            } => {
                let windows = windows.saturating_add(1);
                self.phase = Phase::Trial {
                    way,
                    windows,
                    before,
                };
                match way {
                    Way::Up => self.judge_up(rates, windows, before),
                    Way::Down => self.judge_down(rates, windows, before),
                }
            }
        }
    }

    /// Begins a trial that way, or the other way where that is not possible.
    fn begin(&mut self, way: Way, before: Rates) {
        let way = match way {
            Way::Up if self.at >= self.at_max => Way::Down,
            Way::Down if self.at == 0 => Way::Up,
            way => way,
        };
        match way {
            Way::Up => self.at = self.at.saturating_add(1).min(self.at_max),
            Way::Down => self.at = self.at.saturating_sub(1),
        }
        let windows = 0;
        self.phase = Phase::Trial {
            way,
            windows,
            before,
        };
    }

    fn judge_up(&mut self, rates: Rates, windows: u32, before: Rates) {
        let gained = rates.gains_on(before);
        if windows > 1 && gained && self.at < self.at_max {
            self.begin(Way::Up, rates);
        } else if windows > 1 && gained {
            self.rest(Way::Down);
        } else if windows >= WINDOWS_UP {
            self.at = self.at.saturating_sub(1);
            self.rest(Way::Down);
        }
    }

    fn judge_down(&mut self, rates: Rates, windows: u32, before: Rates) {
        if windows < WINDOWS_DOWN {
            return;
        }
        if rates.keeps_up_with(before) {
            self.rest(Way::Down);
        } else {
            self.at = self.at.saturating_add(1).min(self.at_max);
            self.rest(Way::Up);
        }
    }

    fn rest(&mut self, next: Way) {
        let windows = REST;
        self.phase = Phase::Rest { windows, next };
    }
}

/// What every link begins with.
const START: Phase = Phase::Rest {
    windows: WINDOWS_AT_START,
    next: Way::Up,
};

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_STREAM: u64 = 6_500_000;

    fn alone(rate: u64) -> Rates {
        Rates {
            link: rate,
            all: rate,
        }
    }

    /// The lanes after each of so many windows on a line of this rate, of which one stream gets as
    /// much as its window allows.
    fn lanes(trial: &mut Trial, windows: u32, line: u64) -> Vec<usize> {
        let mut now = 0;
        let step = |_| {
            let connections = u64::try_from(now + 1).unwrap();
            now = trial.judge(alone(line.min(connections * ONE_STREAM)), true);
            now
        };
        (0..windows).map(step).collect()
    }

    #[test]
    fn where_the_window_is_the_limit_all_connections_are_used_within_5_seconds() {
        let mut trial = Trial::new(8);
        assert_eq!(lanes(&mut trial, 10, 1_000_000_000).last(), Some(&7));
    }

    #[test]
    fn as_many_are_kept_as_the_line_takes() {
        for (line, connections) in [(2, 2), (4, 4)] {
            let mut trial = Trial::new(8);
            let used = lanes(&mut trial, 600, line * ONE_STREAM);
            let wanted = used.iter().filter(|lanes| **lanes == connections - 1);
            assert!(wanted.count() > 480, "{line}: {used:?}");
        }
    }

    #[test]
    fn a_link_whose_line_is_full_has_no_lane_but_for_short_trials() {
        let mut trial = Trial::new(8);
        let used = lanes(&mut trial, 600, ONE_STREAM);
        assert!(used.iter().filter(|lanes| **lanes > 0).count() < 60);
        assert!(used.iter().all(|lanes| *lanes <= 1));
    }

    #[test]
    fn an_idle_link_lets_its_lanes_go() {
        let mut trial = Trial::new(8);
        lanes(&mut trial, 20, 1_000_000_000);
        let idle: Vec<_> = (0..IDLE_MAX)
            .map(|_| trial.judge(alone(1000), false))
            .collect();
        assert_eq!((idle.first(), idle.last()), (Some(&7), Some(&0)));
    }

    #[test]
    fn a_machine_that_wants_one_connection_has_one() {
        let mut trial = Trial::new(1);
        assert!(
            lanes(&mut trial, 600, 1_000_000_000)
                .iter()
                .all(|lanes| *lanes == 0)
        );
        let mut trial = Trial::new(5);
        assert_eq!(lanes(&mut trial, 100, 1_000_000_000).iter().max(), Some(&3));
    }

    #[test]
    fn who_refuses_a_lane_is_left_alone_for_minutes() {
        let mut trial = Trial::new(8);
        lanes(&mut trial, 10, 1_000_000_000);
        trial.fall(0, REST_REFUSED);
        let used = lanes(&mut trial, REST_REFUSED, 1_000_000_000);
        assert!(used.iter().all(|lanes| *lanes == 0));
        assert_eq!(lanes(&mut trial, 1, 1_000_000_000), [1]);
    }

    #[test]
    fn what_lanes_take_from_other_links_is_no_gain() {
        let (mut trial, mut now, mut used) = (Trial::new(8), 0, 0);
        for _ in 0..600 {
            // a full line, of which the link gets its connections' part beside three others
            let connections = u64::try_from(now + 1).unwrap();
            let (all, link) = (12_000_000, 12_000_000 * connections / (connections + 3));
            now = trial.judge(Rates { link, all }, true);
            used += usize::from(now > 0);
            assert!(now <= 1);
        }
        assert!(used < 60, "{used}");
    }
}
