//! Peers that are far too slow for what is left: their pieces do not count as copies.
//!
//! A seed that has everything and brings little would keep the origin unread, and so would a reader with a thin
//! uplink. Whether peers bring what is left in good time is judged from what they bring while enough is asked of
//! them, against what origins bring. Where that is not known it is tried: for a moment the origin is read beside
//! them, by its own rules, and the belief stands or falls with what it brings.

use std::time::Duration;

use crate::plan::thin_queue_len;
use crate::scheduler::Scheduler;
use crate::source::{Peer, Source};
use crate::trial::Trial;
use crate::{Instant, JobId, SourceId};

/// Peers that bring what is left within this time are good enough, whatever origins could do.
const SOON: Duration = Duration::from_secs(4);
/// A peer is judged when it was asked without a pause for this long.
const BUSY: Duration = Duration::from_secs(1);
/// Peers are too slow when origins bring so many percent of what they bring together.
const GAIN_PERCENT: u64 = 150;
/// The same of many peers: what they have to give is what the room has by then.
const GAIN_PERCENT_MANY: u64 = 400;
/// That must last for so long: what peers have to give comes and goes.
const LASTING: Duration = Duration::from_millis(1500);
/// One is that needs so many percent of the time of all sources for what it alone has.
const GAIN_PERCENT_TIMES: u32 = 150;
/// A peer is thin that brings less than this part of what origins bring.
const THIN_PARTS: u64 = 2;
/// How long it may take until the rate of an origin that is tried is known.
const TRIAL: Duration = Duration::from_millis(1500);
/// An origin that brought no more than the peers is tried again after this.
const AGAIN: Duration = Duration::from_secs(15);
/// A machine of ours that brings this part of what it takes in is no slow peer.
const GOOD_PARTS: u64 = 2;
/// All sources together bring as much as ever when that is so many percent of the best.
const USUAL_PERCENT: u64 = 80;
/// What a thin peer would bring so much later than all the rest is not asked of it.
const LATE: Duration = Duration::from_millis(500);
/// More peers than this share this machine's link: it is the limit, unless they bring less than this together.
const FEW: usize = 2;
const FEW_RATE: u64 = 1_500_000;

/// What the peers bring that are judged.
struct Judged {
    peers: Vec<(SourceId, u64)>,
    rate: u64,
}

impl Scheduler {
    /// Judges whether peers bring what is left in good time.
    pub(crate) fn weigh_peers(&mut self, now: Instant) {
        if self.left == 0 || self.origin_ids.is_empty() || !self.gate.has_licence() {
            return self.trust_peers(now);
        }
        self.call_off_late();
        let judged = self.judged(now);
        let left = u64::from(self.left).saturating_mul(self.layout.piece_len());
        let soon = judged.rate.saturating_mul(SOON.as_secs());
        if judged.peers.is_empty() {
            return;
        }
        if left <= soon {
            return self.trust_peers(now);
        }
        match self.rate_of_origins() {
            Some(origins) => self.compare(now, &judged, origins),
            None => self.try_origins(now, &judged),
        }
    }

    /// The peers that are asked for enough, and what they bring.
    fn judged(&self, now: Instant) -> Judged {
        let mut judged = Judged {
            peers: Vec::new(),
            rate: 0,
        };
        for (id, source) in &self.sources {
            let Some(peer) = source.peer().filter(|peer| peer.serving) else {
                continue;
            };
            let asked = !source.flow.jobs.is_empty() && now.since(source.flow.busy_since) >= BUSY;
            let enough = source.flow.in_flight * 2 >= self.queue_len(source);
            let Some(rate) = source.flow.rate.value().filter(|_| asked) else {
                continue;
            };
            judged.rate = judged.rate.saturating_add(rate);
            if enough || peer.thin {
                judged.peers.push((*id, rate));
            }
        }
        judged
    }

    /// What origins brought this machine; what they bring others says nothing about its own link. `None` if it has
    /// not read them.
    fn rate_of_origins(&self) -> Option<u64> {
        let own = self
            .origins()
            .filter(|(_, origin)| !origin.health.is_failing());
        own.filter_map(|(id, _)| self.sources.get(&id)?.flow.rate.value())
            .max()
    }

    fn compare(&mut self, now: Instant, judged: &Judged, origins: u64) {
        self.trial = match self.trial {
            Trial::Since(_) => Trial::None,
            other => other,
        };
        let gain = if judged.peers.len() <= FEW {
            GAIN_PERCENT
        } else {
            GAIN_PERCENT_MANY
        };
        // a link that is full of what origins bring squeezes the others, and all bring little where little is read:
        // that tells nothing of them
        let together: u64 = self.rates().map(|(_, rate, _)| rate).sum();
        let as_ever = together.saturating_mul(100) >= self.best_rate.saturating_mul(USUAL_PERCENT);
        if as_ever || self.gate.is_link_full() {
            self.slow_since = None;
            return;
        }
        let slow = judged.rate.saturating_mul(gain) < origins.saturating_mul(100);
        let left = u64::from(self.left).saturating_mul(self.layout.piece_len());
        let others = time_of(left, judged.rate.max(origins));
        let in_time = others * GAIN_PERCENT_TIMES / 100 + BUSY;
        let since = *self.slow_since.get_or_insert(now);
        let lasting = now.since(since) >= LASTING;
        if !slow {
            self.slow_since = None;
        }
        // among several what one alone has comes by way of the others, too
        let lone = self.sources.values().filter_map(Source::peer).count() == 1;
        for (id, rate) in &judged.peers {
            let peer = self.sources.get(id).and_then(Source::peer);
            let sole = peer.map_or(0, |peer| u64::from(peer.sole));
            let sole = time_of(sole.saturating_mul(self.layout.piece_len()), *rate);
            let late = lone && sole > in_time;
            let slow = slow && (lasting || peer.is_some_and(|peer| peer.thin));
            let thin = slow && rate.saturating_mul(THIN_PARTS) < origins || late;
            self.set_thin(now, *id, thin);
        }
    }

    /// Whether this thin peer would bring a piece later than origins all that is left.
    pub(crate) fn is_too_late(&self, id: SourceId) -> bool {
        // what origins brought once says nothing while this machine does not read
        if !self.gate.is_reading() {
            return false;
        }
        let source = self.sources.get(&id);
        let Some(source) = source.filter(|it| it.peer().is_some_and(|peer| peer.thin)) else {
            return false;
        };
        let Some(origins) = self.rate_of_origins().filter(|rate| *rate > 0) else {
            return false;
        };
        let left = u64::from(self.left).saturating_mul(self.layout.piece_len());
        let others = time_of(left, origins);
        let piece = self.layout.piece_len().max(source.flow.in_flight);
        let mine = source.flow.time_for(piece);
        mine.is_some_and(|mine| mine > others + LATE)
    }

    /// Calls off what thin peers would bring last of all: origins read it meanwhile. What stands far behind in their
    /// queues could not be read else.
    fn call_off_late(&mut self) {
        let late = |job: &crate::ledger::Job| self.is_too_late(job.source);
        let mut jobs = self.jobs_where(late);
        for source in self.sources.values() {
            if source.peer().is_some_and(|peer| peer.thin) {
                jobs.extend(self.far_behind(source));
            }
        }
        for job in jobs {
            self.cancel(job);
        }
    }

    /// The fetches that a thin peer has queued for longer than it may.
    fn far_behind(&self, source: &Source) -> Vec<JobId> {
        let most = thin_queue_len(source);
        let mut before = 0u64;
        let jobs = source.flow.jobs.iter();
        let jobs = jobs.filter_map(|id| Some((*id, self.ledger.job(*id)?)));
        let behind = jobs.filter(|(_, job)| {
            before = before.saturating_add(job.left());
            before > most && before > job.left() && !job.cancelled
        });
        behind.map(|(id, _)| id).collect()
    }

    /// Nobody knows what origins bring: they are read for a moment as if the peers were thin.
    fn try_origins(&mut self, now: Instant, judged: &Judged) {
        // a link that was seen to bring no more when it read, either, is what is slow
        if self.gate.is_link_full() && self.gate.has_read() {
            return;
        }
        let few = judged.peers.len() <= FEW || judged.rate < FEW_RATE;
        // who brings a good part of what its own link was seen to do is not the one that is slow
        let is_good = |(id, rate): &(SourceId, u64)| {
            let link = self.gate.link_of(*id);
            link > 0 && rate.saturating_mul(GOOD_PARTS) >= link
        };
        let few = few && !judged.peers.iter().all(is_good);
        match self.trial {
            Trial::Since(at) if now.since(at) >= TRIAL => {
                self.trial = Trial::NotBefore(now + AGAIN);
                self.trust_peers(now);
            }
            Trial::NotBefore(at) if now < at => (),
            Trial::None | Trial::NotBefore(_) if few => {
                self.trial = Trial::Since(now);
                // who could not read otherwise asks the others to let it
                let told = !self.gate.may_get_slot(now);
                for (id, _) in &judged.peers {
                    if told {
                        self.set_thin(now, *id, true);
                    } else {
                        self.try_thin(now, *id, true);
                    }
                }
            }
            Trial::None | Trial::NotBefore(_) | Trial::Since(_) => {}
        }
    }

    /// Nothing speaks against the peers any more.
    fn trust_peers(&mut self, now: Instant) {
        let is_thin = |source: &Source| source.peer().is_some_and(|peer: &Peer| peer.thin);
        let thin: Vec<SourceId> = self
            .sources
            .iter()
            .filter(|(_, source)| is_thin(source))
            .map(|(id, _)| *id)
            .collect();
        for id in thin {
            self.set_thin(now, id, false);
        }
    }
}

/// How long `bytes` take at `rate` bytes a second.
fn time_of(bytes: u64, rate: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / rate.max(1))
}
