//! What a recording may tell of names.
//!
//! What must stay true: what is hidden keeps what decisions hang on: which two names are the same, and, of origins'
//! tags, the order that their first byte gives them.

use std::collections::BTreeMap;

use sha2::Digest as _;
use swarmcopy_scheduler::origin::SlotMessage;
use swarmcopy_scheduler::{Action, Event, OriginTag, SourceInfo};

/// Whether names, addresses and groups stand in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// Others stand for them.
    #[default]
    Hidden,
    /// As they are.
    Kept,
}

/// Replaces names.
#[derive(Debug)]
pub(crate) struct Hider {
    names: Names,
    /// Known to nobody: a tag could else be found by trying addresses.
    salt: u64,
    groups: BTreeMap<String, String>,
}

impl Hider {
    pub(crate) fn new(names: Names, salt: u64) -> Self {
        Self {
            names,
            salt,
            groups: BTreeMap::new(),
        }
    }

    /// What stands for a group; the group of all who name none stays.
    pub(crate) fn group(&mut self, group: &str) -> String {
        if self.names == Names::Kept || group.is_empty() {
            return group.to_owned();
        }
        let next = format!("group-{}", self.groups.len().saturating_add(1));
        let known = self.groups.entry(group.to_owned());
        known.or_insert(next).clone()
    }

    fn tag(&self, tag: OriginTag) -> OriginTag {
        if self.names == Names::Kept {
            return tag;
        }
        let mut hash = sha2::Sha256::new();
        hash.update(self.salt.to_be_bytes());
        hash.update(tag.0);
        let [first, ..] = tag.0;
        let mut hidden = [0; 8];
        let bytes = std::iter::once(first).chain(hash.finalize());
        for (to, from) in hidden.iter_mut().zip(bytes) {
            *to = from;
        }
        OriginTag(hidden)
    }

    /// The name of a source as it may stand there.
    pub(crate) fn name(&self, name: &str) -> String {
        match self.names {
            Names::Kept => name.to_owned(),
            Names::Hidden => String::new(),
        }
    }

    /// The event as it may stand there; `None` if it holds nothing to hide.
    pub(crate) fn event(&mut self, event: &Event) -> Option<Event> {
        if self.names == Names::Kept {
            return None;
        }
        let mut event = match event {
            Event::SourceUp { .. } | Event::Slots { .. } => event.clone(),
            _ => return None,
        };
        match &mut event {
            Event::SourceUp { info, .. } => match info {
                SourceInfo::Origin { tag, .. } => *tag = self.tag(*tag),
                SourceInfo::Peer { hello: Some(hello) } => {
                    for tag in &mut hello.origins {
                        *tag = self.tag(*tag);
                    }
                    hello.group = hello.group.as_deref().map(|group| self.group(group));
                }
                _ => {}
            },
            Event::Slots { message, .. } => self.message(message),
            _ => {}
        }
        Some(event)
    }

    /// The decision as it may stand there; `None` if it holds nothing to hide.
    pub(crate) fn action(&mut self, action: &Action) -> Option<Action> {
        match action {
            Action::SendSlots { source, message } if self.names == Names::Hidden => {
                let (source, mut message) = (*source, message.clone());
                self.message(&mut message);
                Some(Action::SendSlots { source, message })
            }
            _ => None,
        }
    }

    fn message(&mut self, message: &mut SlotMessage) {
        message.group = self.group(&message.group);
        for (tag, _) in &mut message.bad {
            *tag = self.tag(*tag);
        }
    }
}
