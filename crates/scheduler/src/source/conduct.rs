//! How one peer behaves: whether it may be asked, whether its pieces count, and when it is tried again.
//!
//! What must stay true: a byte ends every doubt, and no doubt outlasts its time.

use std::time::Duration;

use crate::{Instant, Tuning};

/// How one peer behaves.
#[derive(Debug)]
pub(crate) struct Conduct {
    up_since: Instant,
    delivered_at: Option<Instant>,
    /// It chokes us, since when.
    choking_since: Option<Instant>,
    /// It answers.
    serving: bool,
    /// It answers far too slowly for what is left.
    thin: bool,
    /// The most bytes a second that it brought since a moment ago, and in as long a time before that.
    peaks: (u64, u64),
    /// Since when the first of them counts.
    peak_since: Instant,
    /// It let us wait too long; it is tried again after this.
    snubbed_until: Option<Instant>,
    /// Since when it owes us the first byte that it ever brings, if it is not one of our machines.
    owes_since: Option<Instant>,
    /// How often it was snubbed in a row.
    snubs: u32,
    /// It refused what it let us ask for; it is asked again after this, or when it lets us anew.
    refused_until: Option<Instant>,
    /// Since when it lets us ask, or last did.
    lets_since: Instant,
}

impl Conduct {
    /// Of one that just connected.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            up_since: now,
            delivered_at: None,
            choking_since: Some(now),
            serving: true,
            thin: false,
            peaks: (0, 0),
            peak_since: now,
            snubbed_until: None,
            owes_since: None,
            snubs: 0,
            refused_until: None,
            lets_since: now,
        }
    }

    /// It lets us ask.
    pub(crate) fn unchoked(&mut self, now: Instant) {
        (self.choking_since, self.refused_until) = (None, None);
        self.lets_since = now;
    }

    /// It lets us ask no more.
    pub(crate) fn choked(&mut self, now: Instant) {
        self.choking_since = Some(now);
    }

    /// It chokes us.
    pub(crate) fn chokes(&self) -> bool {
        self.choking_since.is_some()
    }

    /// Bytes of it came.
    pub(crate) fn delivered(&mut self, now: Instant) {
        self.delivered_at = Some(now);
        (self.snubbed_until, self.refused_until) = (None, None);
        self.snubs = 0;
    }

    /// Whether it ever brought anything.
    pub(crate) fn has_delivered(&self) -> bool {
        self.delivered_at.is_some()
    }

    /// So long without a byte is silence, of one that is given `first` at first. Who was waited for in vain twice may
    /// need longer than that.
    pub(crate) fn patience(&self, first: Duration, tuning: &Tuning) -> Duration {
        let doublings = self.snubs.saturating_sub(1).min(tuning.doublings);
        first * (1 << doublings)
    }

    /// It let us wait too long.
    pub(crate) fn snub(&mut self, now: Instant, tuning: &Tuning) {
        if self.snubbed_until.is_none_or(|until| until <= now) {
            self.snubs = self.snubs.saturating_add(1);
            let doublings = self.snubs.saturating_sub(1).min(tuning.doublings);
            let retry = self
                .delivered_at
                .map_or(tuning.retry_unproven, |_| tuning.retry);
            self.snubbed_until = Some(now + retry * (1 << doublings));
        }
    }

    /// It refused what it was asked for at `asked`, and is asked again later. It may have ceased to let us and begun anew since: what it dropped
    /// then says nothing of now.
    pub(crate) fn refused(&mut self, again: Instant, asked: Instant) {
        if asked >= self.lets_since {
            self.refused_until = Some(again);
        }
    }

    /// It is asked nothing more.
    pub(crate) fn ban(&mut self) {
        self.snubbed_until = Some(Instant::from_micros(u64::MAX));
    }

    /// It owes us its first byte from now on; whether it did not before.
    pub(crate) fn owes(&mut self, now: Instant) -> bool {
        let is_new = self.owes_since.is_none();
        self.owes_since.get_or_insert(now);
        is_new
    }

    /// It owes us nothing.
    pub(crate) fn owes_nothing(&mut self) {
        self.owes_since = None;
    }

    /// Whether it answers.
    pub(crate) fn serving(&self) -> bool {
        self.serving
    }

    /// Whether it answers far too slowly for what is left.
    pub(crate) fn thin(&self) -> bool {
        self.thin
    }

    /// It answers, or does so no more.
    pub(crate) fn set_serving(&mut self, serving: bool) {
        self.serving = serving;
    }

    /// It is far too slow, or is so no more.
    pub(crate) fn set_thin(&mut self, thin: bool) {
        self.thin = thin;
    }

    /// It brings so many bytes a second; the most of them lately: within once to twice this time.
    pub(crate) fn brings(&mut self, now: Instant, rate: u64, lately: Duration) -> u64 {
        if now.since(self.peak_since) >= lately {
            self.peaks = (0, self.peaks.0);
            self.peak_since = now;
        }
        self.peaks.0 = self.peaks.0.max(rate);
        self.peaks.0.max(self.peaks.1)
    }

    /// Whether its pieces count as available.
    pub(crate) fn counts(&self) -> bool {
        self.serving && !self.thin
    }

    /// Whether it may be asked now.
    pub(crate) fn may_be_asked(&self, now: Instant) -> bool {
        let waits = [self.snubbed_until, self.refused_until];
        self.choking_since.is_none() && waits.into_iter().flatten().all(|until| now >= until)
    }

    /// Whether its pieces count as available: it is new, or delivered lately, or lets nobody wait. It chokes us in
    /// vain only where it knows that we are `interested`.
    pub(crate) fn serves(&self, now: Instant, interested: bool, tuning: &Tuning) -> bool {
        let spurned = self.snubbed_until.or(self.refused_until).is_some();
        let owes = self.owes_since;
        let is_doubted = spurned || owes.is_some_and(|at| now >= at + tuning.stock_doubted);
        if self.delivered_at.is_none() && is_doubted {
            return false;
        }
        if now.since(self.up_since) < tuning.serving_doubted && !spurned {
            return true;
        }
        let lately = if spurned {
            tuning.serving_doubted
        } else {
            tuning.serving
        };
        if self.delivered_at.is_some_and(|at| now.since(at) < lately) {
            return true;
        }
        let long_choked = self
            .choking_since
            .is_some_and(|since| now.since(since) >= tuning.serving);
        !(spurned || long_choked && interested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_waited_for_in_vain_twice_is_given_longer_until_a_byte_comes() {
        let (tuning, mut now) = (Tuning::default(), Instant::ZERO);
        let mut conduct = Conduct::new(now);
        let patience = |conduct: &Conduct| conduct.patience(Duration::from_secs(1), &tuning);
        let mut waits = vec![patience(&conduct)];
        for _ in 0..5 {
            conduct.snub(now, &tuning);
            now = now + Duration::from_mins(1);
            waits.push(patience(&conduct));
        }
        assert_eq!(waits, [1, 1, 2, 4, 4, 4].map(Duration::from_secs));
        conduct.delivered(now);
        assert_eq!(patience(&conduct), Duration::from_secs(1));
    }
}
