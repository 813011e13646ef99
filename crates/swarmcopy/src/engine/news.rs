//! Which events a new look at a copy makes: what changed since the last.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::{Phase, Progress, SourceKind};

/// What was told last.
#[derive(Debug, Default)]
pub(crate) struct News {
    phase: Option<Phase>,
    waiting: Option<String>,
    /// Sources that were there and in no trouble.
    well: BTreeMap<(SourceKind, String), bool>,
}

impl News {
    /// The events that `look` makes. Sources in one look are at most 64, so is the memory for them.
    pub(crate) fn take(&mut self, look: &Progress) -> Vec<Event> {
        let mut events = Vec::new();
        if self.phase.replace(look.phase) != Some(look.phase) {
            events.push(Event::Phase(look.phase));
        }
        let mut well = BTreeMap::new();
        for source in &look.sources {
            let about = (source.kind, source.name.clone());
            let is_well = !source.state.is_trouble();
            let was_well = self.well.remove(&about).unwrap_or(true);
            if was_well && !is_well {
                let why = source.why.clone();
                events.push(Event::SourceLost {
                    kind: source.kind,
                    name: source.name.clone(),
                    why: why.unwrap_or_else(|| source.state.as_str().to_owned()),
                });
            }
            well.insert(about, is_well);
        }
        let gone = std::mem::replace(&mut self.well, well);
        let gone = gone.into_iter().filter(|(_, was_well)| *was_well);
        events.extend(gone.map(|((kind, name), _)| Event::SourceLost {
            kind,
            name,
            why: "it is gone".to_owned(),
        }));
        // numbers in the sentence change each time: who listens gets each
        if self.waiting != look.waiting_for {
            self.waiting.clone_from(&look.waiting_for);
            events.push(Event::Waiting(look.waiting_for.clone()));
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SourceProgress, SourceState};

    fn look(state: Option<SourceState>) -> Progress {
        let mut look = Progress::new(1);
        look.sources = state
            .map(|state| {
                let mut source = SourceProgress::new(SourceKind::Mirror, "m");
                source.state = state;
                source
            })
            .into_iter()
            .collect();
        look
    }

    fn lost(events: &[Event]) -> Vec<&str> {
        let lost = events.iter().filter_map(|event| match event {
            Event::SourceLost { why, .. } => Some(why.as_str()),
            _ => None,
        });
        lost.collect()
    }

    #[test]
    fn a_source_is_lost_once_each_time() {
        let mut news = News::default();
        let (up, down) = (Some(SourceState::Up), Some(SourceState::Down));
        for (state, told) in [
            (up, &[][..]),
            (down, &["down"]),
            (down, &[]),
            (None, &[]),
            (up, &[]),
            (None, &["it is gone"]),
            (down, &["down"]),
        ] {
            assert_eq!(lost(&news.take(&look(state))), told);
        }
    }

    #[test]
    fn phase_and_wait_are_told_when_they_change() {
        let mut news = News::default();
        let mut look = look(None);
        assert!(matches!(
            news.take(&look)[..],
            [Event::Phase(Phase::Checking)]
        ));
        assert!(news.take(&look).is_empty());
        look.waiting_for = Some("a lock".to_owned());
        assert!(matches!(&news.take(&look)[..], [Event::Waiting(Some(_))]));
        look.waiting_for = None;
        assert!(matches!(news.take(&look)[..], [Event::Waiting(None)]));
    }
}
