//! Writes down what happens in a room, one line for each event, where a profile wants it.

use swarmcopy_scheduler::{Instant, Reason, SourceId};

use crate::world::World;

/// Lines of a log.
const LOG_MAX: usize = 100_000;

impl World {
    /// Writes a line into the log, if there is one.
    pub(crate) fn log(&mut self, machine: Option<usize>, line: impl FnOnce() -> String) {
        let now = self.now.since(Instant::ZERO).as_secs_f64();
        if let Some(log) = self.watch.as_mut().and_then(|it| it.log.as_mut())
            && log.len() < LOG_MAX
        {
            let who = machine.map_or_else(|| "room".to_owned(), |it| format!("m{it}"));
            log.push(format!("{now:9.3} {who:>5} {}", line()));
        }
    }

    pub(crate) fn log_reason(&mut self, machine: usize, reason: Reason, source: Option<SourceId>) {
        // they come with each read, and a line each second tells of them
        let often =
            reason.is_denial() || matches!(reason, Reason::OriginSlotHeld | Reason::OriginFast);
        if !often && self.watch.as_ref().is_some_and(|it| it.log.is_some()) {
            let whom = source.map(|source| self.name_of(machine, source));
            self.log(Some(machine), || {
                format!("{reason} {}", whom.unwrap_or_default())
            });
        }
    }

    fn name_of(&self, machine: usize, source: SourceId) -> String {
        match (self.origin_at(source), self.way(machine, source)) {
            (Some(origin), _) => format!("o{origin}"),
            (None, Some(way)) => format!("m{}", self.links[way.link()].end(way.other()).machine),
            (None, None) => String::new(),
        }
    }

    pub(crate) fn log_stall(&mut self, machine: usize) {
        let now = self.now;
        let denials = self.machines[machine].scheduler().map(|it| {
            let denials = it.origin_denials(now);
            (denials, it.origin_report(now), it.outlook())
        });
        self.log(Some(machine), || format!("STALLS: {denials:?}"));
    }

    pub(crate) fn log_progress(&mut self) {
        let now = self.now;
        if self.watch.as_ref().is_none_or(|it| it.log.is_none())
            || !now.micros().is_multiple_of(1_000_000)
        {
            return;
        }
        for machine in 0..self.room() {
            let left = self.machines[machine]
                .scheduler()
                .filter(|it| !it.is_complete())
                .map(|it| (it.have().len(), it.origin_report(now).slots));
            let Some((have, slots)) = left else {
                continue;
            };
            let denials = self.machines[machine]
                .scheduler()
                .map(|it| it.origin_denials(now));
            let came = self.watch.as_mut().and_then(|it| {
                let one = it.noted.get_mut(machine)?;
                let came = one.bytes - one.logged;
                one.logged = one.bytes;
                Some(came)
            });
            let pieces = self.layout.pieces();
            self.log(Some(machine), || {
                let reasons = denials.unwrap_or_default();
                let reasons: Vec<_> = reasons.iter().map(|it| it.2.code()).collect();
                format!(
                    "{have}/{pieces} pieces, {} kB in the last second, slots {slots:?} {reasons:?}",
                    came.unwrap_or(0) / 1000
                )
            });
        }
    }
}
