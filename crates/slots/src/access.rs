//! Whether this machine may read origins at all: the policy, the hours, its origins, what is left to read, how it
//! stands to the others.

use crate::config::{GuardUse, Hours, Isolated, OriginConfig};
use crate::licence::Licence;
use crate::lock::Lock;
use crate::standing::Standing;
use crate::view::OriginState;
use crate::{Instant, OriginKind, OriginTag, Reason, SourceId};

/// How far this copy is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    /// Pieces are missing.
    Copying,
    /// Nothing is missing.
    Complete,
    /// The process is about to end.
    Closed,
}

/// An origin that this machine can reach.
#[derive(Debug)]
struct Origin {
    source: SourceId,
    tag: OriginTag,
    kind: OriginKind,
    state: OriginState,
    /// It had nothing that may be read: it is not looked through again before.
    idle_until: Instant,
}

/// What this machine may do with origins.
#[derive(Debug)]
pub(super) struct Access {
    config: OriginConfig,
    licence: Option<Licence>,
    hours: Hours,
    life: Life,
    standing: Standing,
    origins: Vec<Origin>,
}

impl Access {
    pub(super) fn new(config: OriginConfig) -> Self {
        Self {
            licence: Licence::of(config.mode),
            hours: config.hours,
            life: Life::Copying,
            standing: Standing::Listening,
            origins: Vec::new(),
            config,
        }
    }

    /// The policy as it was told.
    pub(super) fn config(&self) -> &OriginConfig {
        &self.config
    }

    /// The licence to read at all, where the policy gives one.
    pub(super) fn licence(&self) -> Option<&Licence> {
        self.licence.as_ref()
    }

    /// Whether every machine may read, without slots.
    pub(super) fn is_fast(&self) -> bool {
        self.licence.as_ref().is_some_and(Licence::is_fast)
    }

    /// An origin can be reached.
    pub(super) fn origin_up(
        &mut self,
        now: Instant,
        source: SourceId,
        (tag, kind): (OriginTag, OriginKind),
    ) {
        self.origin_down(source);
        self.origins.push(Origin {
            source,
            tag,
            kind,
            state: OriginState::Ready,
            idle_until: now,
        });
    }

    /// It can't any more.
    pub(super) fn origin_down(&mut self, source: SourceId) {
        self.origins.retain(|origin| origin.source != source);
    }

    fn origin_mut(&mut self, source: SourceId) -> impl Iterator<Item = &mut Origin> {
        let mut origins = self.origins.iter_mut();
        origins.find(|origin| origin.source == source).into_iter()
    }

    fn origin(&self, source: SourceId) -> Option<&Origin> {
        self.origins.iter().find(|origin| origin.source == source)
    }

    /// An origin's health changed.
    pub(super) fn origin_state(&mut self, source: SourceId, state: OriginState) {
        self.origin_mut(source)
            .for_each(|origin| origin.state = state);
    }

    /// What an origin is.
    pub(super) fn named(&self, source: SourceId) -> Option<(OriginTag, OriginKind)> {
        self.origin(source).map(|origin| (origin.tag, origin.kind))
    }

    /// The same, if it is to be looked through now.
    pub(super) fn looks(&self, now: Instant, source: SourceId) -> Option<(OriginTag, OriginKind)> {
        let origin = self.origin(source)?;
        (now >= origin.idle_until).then_some((origin.tag, origin.kind))
    }

    /// This origin has nothing that may be read: it is looked through again a little later.
    pub(super) fn rest(&mut self, now: Instant, source: SourceId) {
        // a look costs O(pieces)
        let again = now + self.config.tuning.look / 2;
        self.origin_mut(source)
            .for_each(|origin| origin.idle_until = again);
    }

    /// Every origin is to be looked through again.
    pub(super) fn look_again(&mut self, now: Instant) {
        let origins = self.origins.iter_mut();
        origins.for_each(|origin| origin.idle_until = now);
    }

    /// Whether every origin of this machine refuses.
    pub(super) fn is_refused(&self) -> bool {
        let mut origins = self.origins.iter();
        !self.origins.is_empty() && origins.all(|origin| origin.state == OriginState::Down)
    }

    /// Whether an origin is down or asks for patience.
    pub(super) fn is_in_trouble(&self) -> bool {
        let mut origins = self.origins.iter();
        origins.any(|origin| origin.state != OriginState::Ready)
    }

    /// Whether slots need locks of the server.
    pub(super) fn needs_locks(&self) -> bool {
        let is_share = |origin: &Origin| origin.kind == OriginKind::Share;
        self.is_guarded() && self.origins.iter().any(is_share)
    }

    /// Whether the server counts readers by locks.
    pub(super) fn is_guarded(&self) -> bool {
        self.config.guard == GuardUse::Active
    }

    /// Whether an origin may be read under a slot with this lock.
    pub(super) fn can_use(&self, lock: Lock) -> bool {
        self.origins.iter().any(|origin| lock.allows(origin.kind))
    }

    /// The policy's hours open or close.
    pub(super) fn hours(&mut self, hours: Hours) {
        self.hours = hours;
    }

    /// Whether the policy's hours are closed.
    pub(super) fn is_closed_now(&self) -> bool {
        self.hours == Hours::Closed
    }

    /// A share has lock files after all.
    pub(super) fn guarded(&mut self) {
        self.config.guard = GuardUse::Active;
    }

    /// This process is about to end.
    pub(super) fn close(&mut self) {
        self.life = Life::Closed;
    }

    /// So many pieces are left, and this machine stands like that to the others.
    pub(super) fn sees(&mut self, pieces_left: u32, standing: Standing) {
        self.standing = standing;
        self.life = match self.life {
            Life::Closed => Life::Closed,
            _ if pieces_left == 0 => Life::Complete,
            _ => Life::Copying,
        };
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    pub(super) fn is_copying(&self) -> bool {
        self.life == Life::Copying
    }

    pub(super) fn is_complete(&self) -> bool {
        self.life == Life::Complete
    }

    /// Whether the policy lets an isolated machine only wait.
    fn must_wait(&self) -> bool {
        self.standing == Standing::CutOff && self.config.isolated == Isolated::Wait
    }

    /// Whether the policy lets an isolated machine read slowly.
    pub(super) fn must_trickle(&self) -> bool {
        self.standing == Standing::CutOff && self.config.isolated == Isolated::Trickle
    }

    /// Whether nothing may be held now: every slot is given back, and others need not reckon with this machine.
    pub(super) fn must_leave(&self) -> bool {
        let allowed = self.licence.is_some() && !self.is_closed_now() && !self.must_wait();
        !allowed || !self.is_copying() || self.origins.is_empty()
    }

    /// Whether slots may be claimed at all; `learned` = nothing more is to be learned of others before.
    pub(super) fn may_claim(&self, learned: bool) -> bool {
        let listens = self.standing == Standing::Listening || !learned;
        !listens && !self.must_leave()
    }

    /// Why nothing may be read at all, if that is so.
    pub(super) fn denied(&self) -> Option<Reason> {
        if self.licence.is_none() {
            return Some(Reason::DeniedNever);
        }
        self.is_closed_now().then_some(Reason::DeniedHours)
    }

    /// Why what may be read is read.
    pub(super) fn why(&self, fast: bool, peers_slow: bool) -> Reason {
        match self.standing {
            _ if fast => Reason::OriginFast,
            _ if peers_slow => Reason::OriginPeersSlow,
            Standing::CutOff => Reason::OriginIsolated,
            _ => Reason::OriginSlotHeld,
        }
    }
}
