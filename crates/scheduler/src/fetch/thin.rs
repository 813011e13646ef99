//! Peers that are far too slow for what is left: their pieces do not count as copies.
//!
//! A seed that has everything and brings little would keep the origin unread, and so would a reader with a thin
//! uplink. Whether peers bring what is left in good time is judged from what they bring while enough is asked of
//! them, against what origins bring. Where that is not known it is tried: for a moment the origin is read beside
//! them, by its own rules, and the belief stands or falls with what it brings.

use std::time::Duration;

use super::credit::{QueueRule, thin_queue_len};
use super::weighing::Trial;
use crate::arrival::{bytes_in, time_at};
use crate::moment::Moment;
use crate::source::Source;
use crate::source::peer::Peer;
use crate::spread::counting::{set_thin, try_thin};
use crate::{JobId, SourceId};

/// What the peers bring that are judged.
struct Judged {
    peers: Vec<(SourceId, u64)>,
    rate: u64,
}

/// Judges whether peers bring what is left in good time.
pub(crate) fn weigh_peers(at: &mut Moment<'_>) {
    let has_origins = !at.sources.origin_ids().is_empty();
    if at.book.left() == 0 || !has_origins || !at.gate.has_licence() {
        return trust_peers(at);
    }
    call_off_late(at);
    let judged = judged(at);
    if judged.peers.is_empty() {
        return;
    }
    if at.book.left_len() <= bytes_in(at.terms.tuning.thin_soon, judged.rate) {
        return trust_peers(at);
    }
    match at.sources.rate_of_origins() {
        Some(origins) => compare(at, &judged, origins),
        None => try_origins(at, &judged),
    }
}

/// The peers that are asked for enough, and what they bring: at best within a few seconds, for what others send holds
/// good peers up for about as long.
fn judged(at: &mut Moment<'_>) -> Judged {
    let queue = QueueRule::among(at.sources, at.terms);
    let mut asked = Vec::new();
    for (id, source) in at.sources.iter() {
        let Some(peer) = source.peer().filter(|peer| peer.serving()) else {
            continue;
        };
        let flow = source.flow();
        let is_busy = flow.is_asked() && flow.busy_for(at.now) >= at.terms.tuning.thin_busy;
        if let Some(rate) = flow.rate().filter(|_| is_busy) {
            let is_full = flow.in_flight() * 2 >= queue.len(source);
            asked.push((id, rate, is_full || peer.thin()));
        }
    }
    let mut judged = Judged {
        peers: Vec::new(),
        rate: 0,
    };
    let lately = at.terms.tuning.thin_lasting;
    for (id, rate, is_judged) in asked {
        let peer = at.sources.peer_mut(id);
        let rate = peer.map_or(rate, |it| it.conduct_mut().brings(at.now, rate, lately));
        judged.rate = judged.rate.saturating_add(rate);
        if is_judged {
            judged.peers.push((id, rate));
        }
    }
    judged
}

fn compare(at: &mut Moment<'_>, judged: &Judged, origins: u64) {
    if is_tried(at) {
        return;
    }
    let tuning = &at.terms.tuning;
    // what many peers have to give is what the room has by then
    let (gain_of_few, gain_of_many) = tuning.thin_percent;
    let gain = if judged.peers.len() <= tuning.thin_few.0 {
        gain_of_few
    } else {
        gain_of_many
    };
    // a link that is full of what origins bring squeezes the others, and all bring little where little is read:
    // that tells nothing of them
    let together = at.sources.rate().saturating_mul(100);
    let as_ever = together
        >= at
            .measures
            .best_rate()
            .saturating_mul(tuning.full_percent.1);
    let slow = judged.rate.saturating_mul(gain) < origins.saturating_mul(100);
    if as_ever || at.gate.is_link_full() {
        at.weighing.not_slow();
        // who brings a good part although squeezed is good; of who is asked little because it is thin that can't be known
        let is_thin = |(id, _): &(SourceId, u64)| at.sources.peer(*id).is_some_and(Peer::thin);
        let any_thin = judged.peers.iter().any(is_thin);
        if any_thin && (!slow || at.weighing.tries_again(at.now, tuning.thin_again)) {
            trust_peers(at);
        }
        return;
    }
    let others = time_of(at.book.left_len(), judged.rate.max(origins));
    let in_time = others.saturating_mul(u32::try_from(gain_of_few).unwrap_or(u32::MAX)) / 100
        + tuning.thin_busy;
    let since = at.weighing.slow(at.now);
    let lasting = at.now.since(since) >= tuning.thin_lasting;
    if !slow {
        at.weighing.not_slow();
    }
    // among several what one alone has comes by way of the others, too
    let lone = at.sources.peers().count() == 1;
    for (id, rate) in &judged.peers {
        let peer = at.sources.peer(*id);
        let sole = peer.map_or(0, |peer| u64::from(peer.sole()));
        let sole = time_of(sole.saturating_mul(at.terms.layout.piece_len()), *rate);
        let late = lone && sole > in_time;
        let slow = slow && (lasting || peer.is_some_and(Peer::thin));
        let thin = slow && rate.saturating_mul(tuning.thin_parts) < origins || late;
        if thin && !peer.is_some_and(Peer::thin) {
            at.weighing.found_thin(at.now);
        }
        set_thin(at, *id, thin);
    }
}

/// Whether it is still to be seen what origins bring beside peers. Where all bring together no more than peers alone, the
/// line is what is slow.
fn is_tried(at: &mut Moment<'_>) -> bool {
    let Some((since, alone)) = at.weighing.seen(at.now) else {
        return false;
    };
    let tuning = &at.terms.tuning;
    if at.now.since(since) < tuning.thin_busy / 2 {
        return true;
    }
    let gain = alone.saturating_mul(tuning.thin_percent.0);
    if at.sources.rate().saturating_mul(100) < gain {
        trust_peers(at);
    }
    at.weighing.set_trial(Trial::None);
    false
}

/// Whether this thin peer would bring a piece later than origins all that is left.
pub(crate) fn is_too_late(at: &Moment<'_>, id: SourceId) -> bool {
    // what origins brought once says nothing while this machine does not read
    if !at.gate.is_reading() {
        return false;
    }
    let source = at.sources.get(id);
    let Some(source) = source.filter(|it| is_thin(it)) else {
        return false;
    };
    let Some(origins) = at.sources.rate_of_origins().filter(|rate| *rate > 0) else {
        return false;
    };
    let others = time_of(at.book.left_len(), origins);
    let piece = at.terms.layout.piece_len().max(source.flow().in_flight());
    let mine = source.flow().time_for(piece);
    mine.is_some_and(|mine| mine > others + at.terms.tuning.thin_late)
}

/// Calls off what thin peers would bring last of all: origins read it meanwhile. What stands far behind in their
/// queues could not be read else.
fn call_off_late(at: &mut Moment<'_>) {
    let ledger = at.book.ledger();
    let mut jobs = ledger.jobs_where(|job| is_too_late(at, job.source()));
    for (_, source) in at.sources.iter().filter(|(_, it)| is_thin(it)) {
        jobs.extend(far_behind(at, source));
    }
    for job in jobs {
        at.cancel(job);
    }
}

/// The fetches that a thin peer has queued for longer than it may.
fn far_behind(at: &Moment<'_>, source: &Source) -> Vec<JobId> {
    let most = thin_queue_len(source, &at.terms.tuning);
    let mut before = 0u64;
    let jobs = source.flow().jobs().iter();
    let jobs = jobs.filter_map(|id| Some((*id, at.book.ledger().job(*id)?)));
    let behind = jobs.filter(|(_, job)| {
        before = before.saturating_add(job.left());
        before > most && before > job.left() && !job.is_cancelled()
    });
    behind.map(|(id, _)| id).collect()
}

/// Nobody knows what origins bring: they are read for a moment as if the peers were thin.
fn try_origins(at: &mut Moment<'_>, judged: &Judged) {
    // a link that was seen to bring no more when it read, either, is what is slow
    if at.gate.is_link_full() && at.gate.has_read() {
        return;
    }
    let tuning = &at.terms.tuning;
    let (few, few_rate) = tuning.thin_few;
    // more peers share this machine's link: it is the limit, unless they bring little together
    let few = judged.peers.len() <= few || judged.rate < few_rate;
    // who brings a good part of what its own link was seen to do is not the one that is slow
    let is_good = |(id, rate): &(SourceId, u64)| {
        let link = at.gate.link_of(*id);
        link > 0 && rate.saturating_mul(tuning.thin_parts) >= link
    };
    let few = few && !judged.peers.iter().all(is_good);
    match at.weighing.trial() {
        // also where what was to be seen is gone
        Trial::Since(since, _) | Trial::Seen(since, _)
            if at.now.since(since) >= tuning.thin_lasting =>
        {
            at.weighing
                .set_trial(Trial::NotBefore(at.now + tuning.thin_again));
            trust_peers(at);
        }
        Trial::NotBefore(until) if at.now < until => (),
        Trial::None | Trial::NotBefore(_) if few => {
            at.weighing.set_trial(Trial::Since(at.now, judged.rate));
            // who could not read otherwise asks the others to let it
            let told = !at.gate.may_get_slot(at.now);
            for (id, _) in &judged.peers {
                if told {
                    set_thin(at, *id, true);
                } else {
                    try_thin(at, *id, true);
                }
            }
        }
        Trial::None | Trial::NotBefore(_) | Trial::Since(..) | Trial::Seen(..) => {}
    }
}

/// Nothing speaks against the peers any more.
fn trust_peers(at: &mut Moment<'_>) {
    let thin = at.sources.peers().filter(|(_, peer)| peer.thin());
    let thin: Vec<SourceId> = thin.map(|(id, _)| id).collect();
    for id in thin {
        set_thin(at, id, false);
    }
}

fn is_thin(source: &Source) -> bool {
    source.peer().is_some_and(Peer::thin)
}

/// How long `bytes` take at `rate` bytes a second, or at one.
fn time_of(bytes: u64, rate: u64) -> Duration {
    time_at(bytes, rate.max(1)).unwrap_or_default()
}
