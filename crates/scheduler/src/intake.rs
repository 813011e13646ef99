//! What events change: sources that come and go, bytes that arrive, pieces that prove right or wrong.

use swarmcopy_layout::{PieceIndex, PieceSet, Spans};
use swarmcopy_slots::{OriginState, ReadEnd};

use crate::health::Finding;
use crate::scheduler::Scheduler;
use crate::source::{Flow, Kind, Origin, Peer, Source};
use crate::{
    Action, Down, Event, Has, Instant, JobId, Outcome, Preference, Proof, Reason, SourceId,
    SourceInfo,
};

impl Scheduler {
    pub(crate) fn take_in(&mut self, now: Instant, event: Event) {
        match event {
            Event::SourceUp { source, info } => self.source_up(now, source, info),
            Event::Preferred { source, preference } => self.preferred(now, source, preference),
            Event::SourceHas { source, has } => self.source_has(now, source, has),
            Event::SourceDown { source, how } => self.source_down(now, source, how),
            Event::Dead { node } => self.gate.died(now, node),
            Event::Unchoked { source } => self.let_ask(now, source),
            Event::Choked { source } => self.choked(now, source),
            Event::Suggested { source, piece } => self.suggested(now, source, piece),
            Event::Interested { source } => self.peer_interested(now, source),
            Event::NotInterested { source } => self.peer_not_interested(now, source),
            Event::Progress { job, bytes } => self.progress(now, job, bytes),
            Event::JobEnd {
                job,
                outcome,
                bytes,
                missing,
            } => {
                self.progress(now, job, bytes);
                self.job_end(now, job, outcome, &missing);
            }
            Event::PieceOk { piece } => self.piece_ok(now, piece),
            Event::PieceProven { piece } => self.piece_proven(now, piece),
            Event::PieceBad { piece, senders } => self.piece_bad(now, piece, &senders),
            Event::Liar { source, piece } => self.ban(now, source, Proof::Differs(piece)),
            Event::Uploaded {
                source,
                piece,
                bytes,
            } => {
                self.outflow.sent(bytes);
                self.availability.sends(piece);
                self.gate.uploaded(now, source, bytes);
            }
            Event::Slots {
                source,
                mut message,
            } => {
                // only who brings us pieces can tell of an origin's
                let peer = self.sources.get(&source).and_then(Source::peer);
                if peer.is_none_or(|peer| peer.delivered_at.is_none()) {
                    message.bad.clear();
                }
                self.gate.message(now, source, &message);
                if self.gate.peer_is_starving(source) {
                    self.unchoke(now, source);
                }
                self.wake_origins(now);
            }
            Event::Discovery(discovery) => {
                self.gate.discovery(now, discovery);
                self.wake_origins(now);
            }
            Event::Hours(hours) => {
                self.gate.hours(now, hours);
                self.wake_origins(now);
            }
            Event::Guarded => self.gate.guarded(now),
            Event::Guard { slot, lock } => {
                self.gate.guard(now, slot, lock);
                self.wake_origins(now);
            }
        }
    }

    fn source_up(&mut self, now: Instant, id: SourceId, info: SourceInfo) {
        let pieces = self.layout.pieces();
        let kind = match info {
            SourceInfo::Peer { hello } => {
                if let Some(hello) = &hello {
                    self.gate.peer_up(now, id, hello);
                }
                Kind::Peer(Box::new(Peer::new(now, pieces, hello)))
            }
            SourceInfo::Origin {
                kind,
                tag,
                streams_max,
            } => {
                self.gate.origin_up(now, id, tag, kind);
                self.origin_ids.retain(|origin| *origin != id);
                self.origin_ids.push(id);
                self.choose_at = now;
                Kind::Origin(Box::new(Origin::new(pieces, streams_max)))
            }
        };
        self.sources.insert(
            id,
            Source {
                flow: Flow::default(),
                kind,
            },
        );
        self.hungry.push(id);
    }

    fn preferred(&mut self, now: Instant, id: SourceId, preference: Preference) {
        if let Some(origin) = self.sources.get_mut(&id).and_then(Source::origin_mut) {
            origin.preference = preference;
            self.choose_at = now;
        }
    }

    fn source_has(&mut self, now: Instant, id: SourceId, has: Has) {
        match has {
            Has::Piece(piece) if self.have.contains(piece) => {
                self.peer_gained(now, id, piece);
                return;
            }
            Has::Piece(piece) => self.peer_gained(now, id, piece),
            Has::All => self.source_has_set(now, id, &PieceSet::full(self.layout.pieces())),
            Has::Set(set) => self.source_has_set(now, id, &set),
        }
        self.update_interest(id);
        self.hungry.push(id);
    }

    fn source_has_set(&mut self, now: Instant, id: SourceId, set: &PieceSet) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        match &mut source.kind {
            Kind::Peer(peer) => {
                let mut gained = set.clone();
                gained.subtract(&peer.has);
                let mut lost = peer.has.clone();
                lost.subtract(set);
                for piece in lost.iter() {
                    self.peer_lost(id, piece);
                }
                for piece in gained.iter() {
                    self.peer_gained(now, id, piece);
                }
            }
            Kind::Origin(origin) => {
                origin.gaps.said(now, set);
            }
        }
    }

    fn source_down(&mut self, now: Instant, id: SourceId, how: Down) {
        let Some(source) = self.sources.remove(&id) else {
            return;
        };
        self.origin_ids.retain(|origin| *origin != id);
        self.doubts.gone(id);
        self.choose_at = now;
        match source.kind {
            Kind::Peer(peer) => {
                if let Some(place) = peer.place {
                    self.line.remove(&(place, id));
                }
                if peer.counts() {
                    self.no_more_served(id, peer.has.iter());
                }
                if peer.hello.is_some() {
                    self.gate.peer_down(now, id, how);
                }
                self.next_upload(now);
            }
            Kind::Origin(_) => self.gate.origin_down(now, id),
        }
        for job in source.flow.jobs {
            let missing = self.ledger.job(job).map(|job| Spans::of(job.span));
            self.ledger.end(job, &missing.unwrap_or_default());
        }
        self.wake_all();
    }

    fn let_ask(&mut self, now: Instant, id: SourceId) {
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) {
            (peer.choking_since, peer.refused_until) = (None, None);
            peer.lets_since = now;
            self.hungry.push(id);
        }
    }

    fn choked(&mut self, now: Instant, id: SourceId) {
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) {
            peer.choking_since = Some(now);
            self.hungry.push(id);
        }
    }

    fn progress(&mut self, now: Instant, id: JobId, bytes: u64) {
        let Some(job) = self.ledger.progress(now, id, bytes) else {
            return;
        };
        let Some(source) = self.sources.get_mut(&job.source) else {
            return;
        };
        source.flow.brought(now, id, job.started, bytes);
        self.share.brought(now, bytes);
        match &mut source.kind {
            Kind::Peer(peer) if bytes > 0 => {
                peer.delivered_at = Some(now);
                (peer.snubbed_until, peer.refused_until) = (None, None);
                peer.snubs = 0;
                if !peer.serving {
                    self.set_serving(now, job.source, true);
                }
            }
            Kind::Origin(origin) if bytes > 0 && origin.health.finding() != Finding::Serves => {
                origin.health.answered();
                self.gate.origin_state(now, job.source, OriginState::Ready);
            }
            _ => {}
        }
        self.gate.received(now, job.source, bytes);
        self.hungry.push(job.source);
    }

    fn job_end(&mut self, now: Instant, id: JobId, outcome: Outcome, missing: &Spans) {
        let Some(job) = self.ledger.end(id, missing) else {
            return;
        };
        let Some(source) = self.sources.get_mut(&job.source) else {
            return;
        };
        source.flow.ended(id, job.left());
        // a source that says done and brought nothing of what is missing would be asked for ever
        let idle_end = outcome == Outcome::Done && job.delivered == 0 && !missing.is_empty();
        let outcome = if idle_end {
            Outcome::Busy {
                retry_after_ms: None,
            }
        } else {
            outcome
        };
        let mut health = None;
        let mut lost = None;
        match (outcome, &mut source.kind) {
            (Outcome::Lacks(span), Kind::Origin(origin)) => {
                let pieces = self.layout.pieces_of(span);
                pieces.for_each(|piece| origin.gaps.lacks(now, piece));
            }
            (Outcome::Lacks(span), Kind::Peer(_)) => lost = Some(self.layout.pieces_of(span)),
            (_, Kind::Origin(origin)) => {
                health = super::origins::origin_job_end(now, origin, &job, outcome);
            }
            // it may have ceased to let us and begun anew: what it dropped then says nothing of now
            (Outcome::Busy { .. } | Outcome::Broken, Kind::Peer(peer))
                if job.started >= peer.lets_since =>
            {
                peer.refused_until = Some(now + super::plan::RETRY_AFTER_REFUSAL);
            }
            _ => {}
        }
        for piece in lost.into_iter().flatten() {
            self.peer_lost(job.source, piece);
        }
        if let Some(health) = health {
            self.choose_at = now;
            self.gate.origin_state(now, job.source, health);
        }
        for run in missing.iter() {
            for piece in self.layout.pieces_of(run) {
                self.reading_ended(now, piece, ReadEnd::Failed);
                self.proved(piece, false);
            }
        }
        self.hand_over(now, id, &job);
        self.hungry.push(job.source);
        if !missing.is_empty() {
            self.wake_all();
        }
    }

    fn piece_ok(&mut self, now: Instant, piece: PieceIndex) {
        self.doubts.right(piece);
        self.ledger.verified(piece);
        if !self.have.insert(piece) {
            return;
        }
        self.reading_ended(now, piece, ReadEnd::Verified);
        self.proved(piece, true);
        self.gate.have(now, piece);
        self.no_more_sole(now, piece);
        self.suggest(now, piece);
        if self.wanted.contains(piece) {
            self.left = self.left.saturating_sub(1);
        }
        self.settled.insert(piece);
        self.show_others(piece);
        self.wake_origins(now);
    }

    /// Others may have it; nobody waited for it to come here.
    fn piece_proven(&mut self, now: Instant, piece: PieceIndex) {
        if self.wanted.contains(piece) || !self.have.insert(piece) {
            return;
        }
        self.gate.have(now, piece);
        self.settled.insert(piece);
    }

    fn piece_bad(&mut self, now: Instant, piece: PieceIndex, senders: &[SourceId]) {
        self.ledger.reopen(piece);
        self.reading_ended(now, piece, ReadEnd::Failed);
        self.proved(piece, false);
        let mut ban = None;
        self.doubts.wrong(piece, senders.len() > 1);
        for id in senders {
            let Some(source) = self.sources.get_mut(id) else {
                continue;
            };
            match &mut source.kind {
                Kind::Peer(_) if senders.len() == 1 => ban = Some(*id),
                Kind::Origin(origin) if senders.len() == 1 => {
                    origin.gaps.wrong(now, piece);
                    origin.bad_pieces += 1;
                    self.differ.insert(piece);
                    self.gate.bad(now, *id, piece);
                    self.explain(Reason::OriginDiffers, Some(*id), Some(piece));
                    self.call_off(*id);
                }
                Kind::Peer(_) | Kind::Origin(_) => {}
            }
        }
        if let Some(id) = ban {
            self.ban(now, id, Proof::Alone(piece));
        }
        self.wake_all();
    }

    /// Puts a peer out. One that is gone may come back: it is named all the same.
    fn ban(&mut self, now: Instant, source: SourceId, proof: Proof) {
        if let Some(known) = self.sources.get_mut(&source) {
            let Some(peer) = known.peer_mut() else {
                return;
            };
            // it is asked nothing more until the link is down
            peer.snubbed_until = Some(Instant::from_micros(u64::MAX));
            self.set_serving(now, source, false);
        }
        let reason = Reason::PeerLiar;
        self.explain(reason, Some(source), Some(proof.piece()));
        self.act(Action::Ban {
            source,
            reason,
            proof,
        });
    }
}
