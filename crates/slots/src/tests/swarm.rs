//! How pieces pass between the machines of the small world, and how its liars lie.

use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use super::world::{Coming, DELAY, World};
use crate::{SlotMessage, SlotRecord};

impl World {
    /// A machine has become free to give: one of its neighbours may take.
    pub(super) fn give(&mut self, from: usize) {
        let mut peers: Vec<usize> = self.all[from].peers.iter().copied().collect();
        self.rng.shuffle(&mut peers);
        for who in peers {
            if self.all[from].giving {
                break;
            }
            self.start_fetch(who);
        }
    }

    pub(super) fn start_fetch(&mut self, who: usize) {
        if !self.all[who].alive
            || self.all[who].fetching
            || self.all[who].liar
            || self.all[who].have.is_full()
        {
            return;
        }
        let mut givers: Vec<usize> = self.all[who].peers.iter().copied().collect();
        self.rng.shuffle(&mut givers);
        for from in givers {
            if self.all[from].giving || !self.all[from].alive || self.all[from].liar {
                continue;
            }
            let wanted: Vec<PieceIndex> = {
                let (me, other) = (&self.all[who], &self.all[from]);
                other
                    .have
                    .iter()
                    .filter(|piece| me.missing.contains(*piece))
                    .collect()
            };
            let rarest = wanted
                .iter()
                .map(|p| self.all[who].serving[p.value() as usize])
                .min();
            let Some(rarest) = rarest else { continue };
            let best: Vec<_> = wanted
                .into_iter()
                .filter(|p| self.all[who].serving[p.value() as usize] == rarest)
                .collect();
            let piece = best[self.rng.usize(0..best.len())];
            let piece_us = self.all[who].piece_us.max(self.all[from].piece_us);
            self.all[who].missing.remove(piece);
            self.all[who].fetching = true;
            self.all[from].giving = true;
            let at = self.now + Duration::from_micros(piece_us);
            self.plan(at, who, Coming::Fetched(piece, from));
            return;
        }
    }

    pub(super) fn lie(&mut self, who: usize) {
        let now = self.now;
        let records: Vec<SlotRecord> = (0..self.readers_max)
            .filter_map(|slot| self.all[who].gate.room().table().record(slot))
            .map(|old| {
                let mine = old.holder == self.all[who].node;
                SlotRecord {
                    term: if mine { old.term } else { old.term + 1 },
                    heartbeat: old.heartbeat + 1,
                    holder: self.all[who].node,
                    ..old
                }
            })
            .collect();
        records
            .iter()
            .for_each(|record| self.all[who].gate.room_mut().table_mut().set(now, *record));
        let message = SlotMessage {
            readers_max: self.readers_max,
            node: self.all[who].node,
            records,
            ..SlotMessage::default()
        };
        for peer in self.all[who].peers.clone() {
            self.plan(now + DELAY, peer, Coming::Message(who, message.clone()));
        }
        self.plan(now + Duration::from_secs(1), who, Coming::Lie);
    }
}
