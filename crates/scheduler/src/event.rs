//! What goes into a scheduler and what comes out of it.
//!
//! Events tell what happened, actions what is to be done. Both are plain values: an engine with
//! real sockets and a simulator speak the same language.

use std::fmt;

use swarmcopy_layout::{PieceIndex, PieceSet, Span, Spans};
use swarmcopy_slots::{
    Discovery, Down, Hello, Hours, LockWord, NodeId, OriginKind, OriginTag, Reason, SlotMessage,
    SourceId,
};

use crate::permit::OriginPermit;

/// One fetch that the scheduler asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct JobId(pub u64);

/// What a new source is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SourceInfo {
    /// A share or mirror; assumed to have every piece until told otherwise.
    Origin {
        /// Its kind.
        kind: OriginKind,
        /// Its name in the swarm.
        tag: OriginTag,
        /// Most fetches that it takes at once.
        streams_max: u32,
    },
    /// A BitTorrent peer; has nothing until `SourceHas`, and chokes us until `Unchoked`.
    Peer {
        /// Its words about itself; `None` for other people's clients.
        hello: Option<Hello>,
    },
}

/// Which of several origins a person would rather have read.
///
/// Origins of one tier are compared by their places, the least first; those of different tiers are not. By
/// default all are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Preference {
    /// What is compared with each other.
    pub tier: u32,
    /// The place in it.
    pub place: u32,
}

/// Pieces that a source says to have.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Has {
    /// Every piece.
    All,
    /// One more piece.
    Piece(PieceIndex),
    /// Exactly these.
    Set(PieceSet),
}

/// How a fetch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Every byte came.
    Done,
    /// Ended by `Action::Cancel` or by a revoked permit; nobody is to blame.
    Cancelled,
    /// The source would serve later: it is choked, overloaded (429, 503) or timed out once.
    Busy {
        /// How long it wants to be left alone, in milliseconds, if it said so.
        retry_after_ms: Option<u64>,
    },
    /// The source does not have these bytes (404, a shorter file); the rest of it may be fine.
    Lacks(Span),
    /// The source is of no use for now: unreachable, refused, against the protocol.
    Broken,
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A source can be used from now on.
    SourceUp {
        /// Its number from now on.
        source: SourceId,
        /// What it is.
        info: SourceInfo,
    },
    /// A person would rather have an origin read than others, or the other way round.
    Preferred {
        /// Which.
        source: SourceId,
        /// How much.
        preference: Preference,
    },
    /// A source says what it has.
    SourceHas {
        /// Who.
        source: SourceId,
        /// What.
        has: Has,
    },
    /// A source is gone; its jobs must have ended before (`JobEnd`).
    SourceDown {
        /// Who.
        source: SourceId,
        /// How.
        how: Down,
    },
    /// The process is dead: its link broke, its machine answers, and refuses connections to where it listened.
    Dead {
        /// Which process.
        node: NodeId,
    },
    /// A peer lets us ask.
    Unchoked {
        /// Who.
        source: SourceId,
    },
    /// A peer lets us ask no more; its jobs end with `Outcome::Busy`.
    Choked {
        /// Who.
        source: SourceId,
    },
    /// A peer that has the piece wants us to take it first, and to pass it on.
    Suggested {
        /// Who.
        source: SourceId,
        /// Which.
        piece: PieceIndex,
    },
    /// A peer wants pieces of ours.
    Interested {
        /// Who.
        source: SourceId,
    },
    /// A peer wants nothing of ours.
    NotInterested {
        /// Who.
        source: SourceId,
    },
    /// A job brought bytes: told every 1 MiB or 50 ms, not per block.
    Progress {
        /// Which job.
        job: JobId,
        /// Bytes since the last word of it.
        bytes: u64,
    },
    /// A job ended; told exactly once per `Action::Fetch`.
    JobEnd {
        /// Which job.
        job: JobId,
        /// How.
        outcome: Outcome,
        /// Bytes since the last `Progress`.
        bytes: u64,
        /// The bytes of its span that nobody has brought.
        missing: Spans,
    },
    /// A piece is verified and written.
    PieceOk {
        /// Which.
        piece: PieceIndex,
    },
    /// A piece that lay here all the time was hashed, and is right.
    PieceProven {
        /// Which.
        piece: PieceIndex,
    },
    /// A piece was complete but its bytes were wrong; they are thrown away.
    PieceBad {
        /// Which.
        piece: PieceIndex,
        /// Who sent any of its bytes.
        senders: Vec<SourceId>,
    },
    /// A source is proven to have sent wrong bytes: the piece came out right with others' bytes.
    Liar {
        /// Who. It may be gone.
        source: SourceId,
        /// Of which piece.
        piece: PieceIndex,
    },
    /// A peer took bytes of a piece from us.
    Uploaded {
        /// Who.
        source: SourceId,
        /// Of which piece.
        piece: PieceIndex,
        /// How many.
        bytes: u64,
    },
    /// A machine of ours sent its slot message.
    Slots {
        /// Who.
        source: SourceId,
        /// What it said.
        message: SlotMessage,
    },
    /// Discovery has news.
    Discovery(Discovery),
    /// The policy's hours open or close.
    Hours(Hours),
    /// Lock files of a share were found meanwhile: from now on a slot needs a lock to read it.
    Guarded,
    /// How it went with the lock on the server for this slot, as asked by `Action::Guard`.
    Guard {
        /// Which slot.
        slot: u32,
        /// What became of the lock.
        lock: LockWord,
    },
}

/// Something to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action {
    /// Fetch these bytes; answer with `Progress` and one `JobEnd`.
    Fetch {
        /// The number of this fetch.
        job: JobId,
        /// From whom.
        source: SourceId,
        /// What: whole pieces or blocks of one piece.
        span: Span,
    },
    /// End a fetch early; what came so far is kept. Answered by its `JobEnd`.
    Cancel {
        /// Which.
        job: JobId,
    },
    /// Open an origin with this permit; fetches from it follow at once.
    OpenOrigin {
        /// Which origin, and for how long.
        permit: OriginPermit,
    },
    /// Close an origin: its permit is revoked.
    CloseOrigin {
        /// Which.
        source: SourceId,
    },
    /// Tell a peer that we want pieces of it.
    Interested {
        /// Whom.
        source: SourceId,
    },
    /// Tell a peer that we want nothing of it.
    NotInterested {
        /// Whom.
        source: SourceId,
    },
    /// Let a peer ask us.
    Unchoke {
        /// Whom.
        source: SourceId,
    },
    /// Serve a peer no more.
    Choke {
        /// Whom.
        source: SourceId,
    },
    /// Ask a peer to take this piece first: nobody else near has it (BEP 6, "suggest piece"). It is
    /// to be sent behind the word that we have the piece.
    Suggest {
        /// Whom.
        source: SourceId,
        /// Which.
        piece: PieceIndex,
    },
    /// Send a slot message to a machine of ours.
    SendSlots {
        /// Whom.
        source: SourceId,
        /// What.
        message: SlotMessage,
    },
    /// Try to take (`true`) or let go of (`false`) the server's lock for this slot.
    Guard {
        /// Which slot.
        slot: u32,
        /// Take or let go.
        take: bool,
    },
    /// Read origins at no more than this many bytes a second from now on, all of them together;
    /// `None` = no limit.
    LimitOrigins {
        /// The limit.
        rate_bytes: Option<u64>,
    },
    /// Close the link to this source and don't come back.
    Ban {
        /// Whom.
        source: SourceId,
        /// Why.
        reason: Reason,
        /// What that rests on.
        proof: Proof,
    },
    /// Every wanted piece is verified; told once.
    Complete,
    /// Why something was decided, for `--explain` and the report's counters.
    Explain {
        /// The reason's code.
        reason: Reason,
        /// The source it is about, if one.
        source: Option<SourceId>,
        /// The piece it is about, if one.
        piece: Option<PieceIndex>,
    },
}

/// What proves that a peer sent wrong bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// The piece is wrong, and all of it came from that peer.
    Alone(PieceIndex),
    /// The piece came out right, and a block that the peer had sent of it differs.
    Differs(PieceIndex),
}

impl Proof {
    /// Of which piece the bytes were.
    pub const fn piece(self) -> PieceIndex {
        let (Self::Alone(piece) | Self::Differs(piece)) = self;
        piece
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone(piece) => write!(
                f,
                "all of piece {} came from it, and is wrong",
                piece.value()
            ),
            Self::Differs(piece) => {
                write!(
                    f,
                    "what it sent of piece {} differs from the piece as it is right",
                    piece.value()
                )
            }
        }
    }
}
