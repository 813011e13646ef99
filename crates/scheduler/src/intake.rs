//! What events change: sources that come and go, what they say, who may read.

use swarmcopy_layout::{PieceSet, Spans};

use crate::fetch::interest::update_interest;
use crate::fetch::permits::wake_origins;
use crate::moment::Moment;
use crate::outcome;
use crate::source::Source;
use crate::source::origin::Origin;
use crate::source::peer::Peer;
use crate::spread::counting::{no_more_served, peer_gained, peer_lost};
use crate::spread::suggest::suggested;
use crate::spread::turns::{next_upload, peer_interested, peer_not_interested, unchoke};
use crate::{Down, Event, Has, Preference, Proof, SourceId, SourceInfo};

/// Takes an event in.
pub(crate) fn take_in(at: &mut Moment<'_>, event: Event) {
    let now = at.now;
    match event {
        Event::SourceUp { source, info } => source_up(at, source, info),
        Event::Preferred { source, preference } => preferred(at, source, preference),
        Event::SourceHas { source, has } => source_has(at, source, has),
        Event::SourceDown { source, how } => source_down(at, source, how),
        Event::Dead { node } => at.gate.died(now, node),
        Event::Unchoked { source } => let_ask(at, source, true),
        Event::Choked { source } => let_ask(at, source, false),
        Event::Suggested { source, piece } => suggested(at, source, piece),
        Event::Interested { source } => peer_interested(at, source),
        Event::NotInterested { source } => peer_not_interested(at, source),
        Event::Progress { job, bytes } => outcome::progress(at, job, bytes),
        Event::JobEnd {
            job,
            outcome,
            bytes,
            missing,
        } => {
            outcome::progress(at, job, bytes);
            outcome::job_end(at, job, outcome, &missing);
        }
        Event::PieceOk { piece } => outcome::piece_ok(at, piece),
        Event::PieceProven { piece } => outcome::piece_proven(at, piece),
        Event::PieceBad { piece, senders } => outcome::piece_bad(at, piece, &senders),
        Event::Liar { source, piece } => outcome::ban(at, source, Proof::Differs(piece)),
        Event::Uploaded {
            source,
            piece,
            bytes,
        } => {
            at.measures.sent(bytes);
            at.book.sent(piece);
            at.gate.uploaded(now, source, bytes);
        }
        word @ (Event::Slots { .. }
        | Event::Discovery(_)
        | Event::Hours(_)
        | Event::Guarded
        | Event::Guard { .. }) => hear(at, word),
    }
}

/// Takes in what tells who may read the origin.
fn hear(at: &mut Moment<'_>, event: Event) {
    let now = at.now;
    match event {
        Event::Slots {
            source,
            mut message,
        } => {
            // only who brings us pieces can tell of an origin's
            let peer = at.sources.peer(source);
            if peer.is_none_or(|peer| !peer.conduct().has_delivered()) {
                message.bad.clear();
            }
            at.gate.message(now, source, &message);
            if at.gate.peer_is_starving(source) {
                unchoke(at, source);
            }
        }
        Event::Discovery(discovery) => at.gate.discovery(now, discovery),
        Event::Hours(hours) => at.gate.hours(now, hours),
        Event::Guarded => return at.gate.guarded(now),
        Event::Guard { slot, lock } => at.gate.guard(now, slot, lock),
        _ => return,
    }
    wake_origins(at);
}

fn source_up(at: &mut Moment<'_>, id: SourceId, info: SourceInfo) {
    let pieces = at.terms.layout.pieces();
    let source = match info {
        SourceInfo::Peer { hello } => {
            if let Some(hello) = &hello {
                at.gate.peer_up(at.now, id, hello);
            }
            Source::of_peer(Peer::new(at.now, pieces, hello))
        }
        SourceInfo::Origin {
            kind,
            tag,
            streams_max,
        } => {
            at.gate.origin_up(at.now, id, tag, kind);
            at.reading.choose_by(at.now);
            Source::of_origin(Origin::new(pieces, streams_max, &at.terms.tuning))
        }
    };
    at.sources.add(id, source);
    at.queue.push(id);
}

fn preferred(at: &mut Moment<'_>, id: SourceId, preference: Preference) {
    if let Some(origin) = at.sources.origin_mut(id) {
        origin.prefer(preference);
        at.reading.choose_by(at.now);
    }
}

fn source_has(at: &mut Moment<'_>, id: SourceId, has: Has) {
    match has {
        Has::Piece(piece) if at.book.have().contains(piece) => {
            return peer_gained(at, id, piece);
        }
        Has::Piece(piece) => peer_gained(at, id, piece),
        Has::All => source_has_set(at, id, &PieceSet::full(at.terms.layout.pieces())),
        Has::Set(set) => source_has_set(at, id, &set),
    }
    update_interest(at, id);
    at.queue.push(id);
}

fn source_has_set(at: &mut Moment<'_>, id: SourceId, set: &PieceSet) {
    if let Some(origin) = at.sources.origin_mut(id) {
        origin.gaps_mut().said(at.now, set);
    }
    let Some(peer) = at.sources.peer(id) else {
        return;
    };
    let mut gained = set.clone();
    gained.subtract(peer.has());
    let mut lost = peer.has().clone();
    lost.subtract(set);
    for piece in lost.iter() {
        peer_lost(at, id, piece);
    }
    for piece in gained.iter() {
        peer_gained(at, id, piece);
    }
}

fn source_down(at: &mut Moment<'_>, id: SourceId, how: Down) {
    let Some(source) = at.sources.remove(id) else {
        return;
    };
    at.book.gone(id);
    at.reading.choose_by(at.now);
    if let Some(peer) = source.peer() {
        at.queue.put(id, None);
        if peer.counts() {
            no_more_served(at, id, peer.has().iter());
        }
        if peer.is_ours() {
            at.gate.peer_down(at.now, id, how);
        }
        next_upload(at);
    } else {
        at.gate.origin_down(at.now, id);
    }
    for job in source.flow().jobs() {
        let missing = at.book.ledger().job(*job).map(|it| Spans::of(it.span()));
        at.book.end(*job, &missing.unwrap_or_default());
    }
    at.wake_all();
}

/// A peer lets us ask, or does so no more.
fn let_ask(at: &mut Moment<'_>, id: SourceId, lets: bool) {
    if let Some(peer) = at.sources.peer_mut(id) {
        if lets {
            peer.conduct_mut().unchoked(at.now);
        } else {
            peer.conduct_mut().choked(at.now);
        }
        at.queue.push(id);
    }
}
