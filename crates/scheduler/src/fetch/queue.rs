//! The sources that may be able to take work, and the line of the peers that can.
//!
//! The line outlasts events, because most of them change nothing for most peers. The peer that would end one more
//! fetch first stands first. Nobody leaves the line for want of credit, so the next verified piece wakes one peer and
//! not all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::SourceId;

/// The sources that may be able to take work.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    hungry: Vec<SourceId>,
    /// Peers that could take work, by when they would have ended it.
    line: BTreeSet<(Duration, SourceId)>,
    /// Where each of them stands.
    places: BTreeMap<SourceId, Duration>,
    /// The copy is complete: nobody is asked any more.
    closed: bool,
}

impl Queue {
    /// A source may have become able to take work.
    pub(crate) fn push(&mut self, id: SourceId) {
        if !self.closed {
            self.hungry.push(id);
        }
    }

    /// The same of several.
    pub(crate) fn wake(&mut self, ids: impl Iterator<Item = SourceId>) {
        if !self.closed {
            self.hungry.extend(ids);
        }
    }

    /// Takes those out that may have become able to take work, each once, in order.
    pub(crate) fn take_hungry(&mut self) -> Vec<SourceId> {
        let mut hungry = std::mem::take(&mut self.hungry);
        hungry.sort_unstable();
        hungry.dedup();
        hungry
    }

    /// Keeps the memory of a list that was taken out.
    pub(crate) fn reuse(&mut self, mut list: Vec<SourceId>) {
        list.clear();
        list.append(&mut self.hungry);
        self.hungry = list;
    }

    /// Gives a peer its place in the line, or none.
    pub(crate) fn put(&mut self, id: SourceId, place: Option<Duration>) {
        let known = match place {
            Some(place) => self.places.insert(id, place),
            None => self.places.remove(&id),
        };
        if known != place {
            if let Some(known) = known {
                self.line.remove(&(known, id));
            }
            self.line.extend(place.map(|place| (place, id)));
        }
    }

    /// Whether a peer stands in the line.
    pub(crate) fn has(&self, id: SourceId) -> bool {
        self.places.contains_key(&id)
    }

    /// The first of the line.
    pub(crate) fn first(&self) -> Option<SourceId> {
        self.line.first().map(|(_, id)| *id)
    }

    /// Those in the line, in order.
    pub(crate) fn line(&self) -> impl Iterator<Item = SourceId> + '_ {
        self.line.iter().map(|(_, id)| *id)
    }

    /// The copy is complete.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.hungry.clear();
        self.line.clear();
        self.places.clear();
    }

    /// Whether the copy is complete.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }
}
