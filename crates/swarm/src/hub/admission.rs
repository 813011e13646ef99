//! Who becomes a link, and who has to go for it when there are as many as there may be.
//!
//! What must stay true: a peer is linked once, both sides keep the same of two connections, and no single machine
//! takes all places: a newcomer from elsewhere gets one of those that the most crowded address holds, and
//! whoever has the place of a peer that never said anything gives it up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use swarmcopy_bt_wire::extension::HANDSHAKE_ID;
use swarmcopy_bt_wire::peer::Message;
use tokio::time::Instant;

use super::{Hub, Linked, TICK};
use crate::limits::DIALS_MAX;
use crate::link::{Direction, Setup, Shared, extension};
use crate::wire::Wire;
use crate::{LinkEnd, handshake};

/// A peer that said nothing of use for so long keeps nobody else out.
const SAY_SOMETHING: Duration = Duration::from_secs(10);
/// The links of one address count for this part of all at most.
const CROWD_PART: usize = 6;

impl Hub {
    /// Why a connection is not to become a link. Closes an older link that it replaces.
    pub(super) fn refusal(&self, theirs: &Setup) -> Option<LinkEnd> {
        if theirs.peer_id == self.common.peer_id {
            return Some(LinkEnd::Ourselves);
        }
        let now = Instant::now();
        let left_alone = match theirs.direction {
            Direction::Incoming => self.book.is_shut_out(theirs.addr, &theirs.peer_id, now),
            Direction::Outgoing => self.book.is_banned(theirs.addr, &theirs.peer_id, now),
        };
        if left_alone {
            return Some(LinkEnd::Closed);
        }
        if let Some(old) = self
            .live()
            .find(|linked| linked.shared.peer_id == theirs.peer_id)
        {
            if !self.replaces(&old.shared, theirs) {
                return Some(LinkEnd::Duplicate);
            }
            old.shared.close(LinkEnd::Duplicate);
        } else if self.live().count() >= self.setup.links_max {
            match self.spare(theirs.addr.ip(), now) {
                Some(spare) => spare.shared.close(LinkEnd::Full),
                None => return Some(LinkEnd::Full),
            }
        }
        None
    }

    /// How many links count against those that are sought: of one address no more than a part, for all the others of
    /// a crowd give up their places to newcomers.
    pub(super) fn taken(&self) -> usize {
        let most = (self.setup.links_max / CROWD_PART).max(1);
        self.crowds()
            .into_values()
            .map(|count| count.min(most))
            .sum()
    }

    fn crowds(&self) -> HashMap<IpAddr, usize> {
        let mut crowds: HashMap<IpAddr, usize> = HashMap::new();
        for linked in self.live() {
            *crowds.entry(linked.shared.addr.ip()).or_default() += 1;
        }
        crowds
    }

    fn live(&self) -> impl Iterator<Item = &Linked> {
        let all = self.links.values();
        all.filter(|linked| !linked.shared.close.is_cancelled())
    }

    /// Of two connections to a peer both sides keep the one that the smaller peer id dialled. Of
    /// two in the same direction the old one is dead for the peer, if it is the same machine.
    fn replaces(&self, old: &Shared, theirs: &Setup) -> bool {
        let ours_is_kept = self.common.peer_id < old.peer_id;
        let kept = if ours_is_kept {
            Direction::Outgoing
        } else {
            Direction::Incoming
        };
        if old.direction == theirs.direction {
            old.direction == Direction::Incoming && old.addr.ip() == theirs.addr.ip()
        } else {
            theirs.direction == kept
        }
    }

    /// The link that makes room for a newcomer from `ip`, if one should.
    fn spare(&self, ip: IpAddr, now: Instant) -> Option<&Linked> {
        // two machines that have everything are of no use to each other
        let complete = |linked: &&Linked| linked.shared.peer_complete.load(Ordering::Relaxed);
        let complete = self.live().find(complete);
        let complete = complete.filter(|_| self.common.have.is_full());
        let mute = || {
            let all = self.live();
            all.filter(|linked| linked.shared.says_nothing(now, SAY_SOMETHING))
                .min_by_key(|linked| linked.shared.since)
        };
        complete.or_else(mute).or_else(|| self.crowded(ip))
    }

    /// The link that does least at the address that has most, if that has two more than the newcomer's.
    fn crowded(&self, ip: IpAddr) -> Option<&Linked> {
        let crowds = self.crowds();
        let own = crowds.get(&ip).copied().unwrap_or(0);
        let (most, count) = crowds.into_iter().max_by_key(|(ip, count)| (*count, *ip))?;
        let at_most = self
            .live()
            .filter(|linked| linked.shared.addr.ip() == most && count >= own.saturating_add(2));
        at_most.min_by_key(|linked| (linked.shared.moved(), linked.shared.since))
    }

    /// Tells a refused peer who we are, so that it can see why, and closes.
    pub(super) fn decline(&mut self, mut wire: Wire, setup: &Setup, why: &LinkEnd) {
        if self.farewells.len() >= DIALS_MAX {
            return;
        }
        let ours = handshake::ours(self.common.info_hash, self.common.peer_id);
        let mut words = BytesMut::from(ours.encode().as_slice());
        if *why == LinkEnd::Full && setup.extended {
            self.put_full(&mut words);
        }
        self.farewells.spawn(async move {
            // whether it hears us or not, the connection ends here
            let writing = wire.write_all(&words);
            let _ = tokio::time::timeout(TICK, writing).await;
        });
    }

    /// There is no room: that, and where a machine of ours may find others.
    fn put_full(&self, out: &mut BytesMut) {
        if let Some(pex) = self.some_others() {
            let (id, payload) = (extension::PEX_ID, pex.encode().into());
            Message::Extended { id, payload }.encode(out);
        }
        let (id, payload) = (HANDSHAKE_ID, extension::refusal(&self.common).into());
        Message::Extended { id, payload }.encode(out);
    }
}
