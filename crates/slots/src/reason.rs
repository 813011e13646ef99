//! Reason codes: why the origin was read or not, and why a source was put aside.
//!
//! The codes are part of the reports and of `--explain`; scripts may match on them.

use std::fmt;

/// Why something was decided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// This machine holds the slot of the piece.
    OriginSlotHeld,
    /// Every machine may read (`--origin fast`).
    OriginFast,
    /// No other machine can be reached, and the policy lets this one read.
    OriginIsolated,
    /// The peers that could serve the piece are so slow that one more copy is cheaper.
    OriginPeersSlow,
    /// A peer that serves has the piece.
    DeniedAvailable,
    /// Another machine holds the slot of the piece.
    DeniedNotHolder,
    /// Another machine said first that it reads the piece.
    DeniedClaimed,
    /// The server's lock is not held.
    DeniedGuard,
    /// Too much was read that nobody else has yet.
    DeniedWindow,
    /// `--origin never`.
    DeniedNever,
    /// Outside the hours that the policy allows.
    DeniedHours,
    /// The origin was found to have wrong bytes there.
    DeniedBadData,
    /// Still listening for others before the first claim.
    DeniedHoldOff,
    /// A slot was claimed.
    SlotClaimed,
    /// A slot was given back.
    SlotReleased,
    /// A slot was lost to another machine.
    SlotLost,
    /// A slot was taken over from a machine that went silent.
    SlotTakenOver,
    /// A peer served nothing for too long.
    PeerSnubbed,
    /// A peer sent wrong bytes.
    PeerLiar,
    /// An origin has bytes that are not the content's.
    OriginDiffers,
    /// An origin asked to be left alone for a while, or failed.
    OriginPaused,
}

impl Reason {
    /// Whether it says why an origin is not read.
    pub const fn is_denial(self) -> bool {
        matches!(
            self,
            Self::DeniedAvailable
                | Self::DeniedNotHolder
                | Self::DeniedClaimed
                | Self::DeniedGuard
                | Self::DeniedWindow
                | Self::DeniedNever
                | Self::DeniedHours
                | Self::DeniedBadData
                | Self::DeniedHoldOff
        )
    }

    /// The code, as in `origin:slot-held`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OriginSlotHeld => "origin:slot-held",
            Self::OriginFast => "origin:fast",
            Self::OriginIsolated => "origin:isolated",
            Self::OriginPeersSlow => "origin:peers-slow",
            Self::DeniedAvailable => "origin:denied:available",
            Self::DeniedNotHolder => "origin:denied:not-holder",
            Self::DeniedClaimed => "origin:denied:claimed",
            Self::DeniedGuard => "origin:denied:guard",
            Self::DeniedWindow => "origin:denied:window",
            Self::DeniedNever => "origin:denied:never",
            Self::DeniedHours => "origin:denied:hours",
            Self::DeniedBadData => "origin:denied:bad-data",
            Self::DeniedHoldOff => "origin:denied:hold-off",
            Self::SlotClaimed => "slot:claimed",
            Self::SlotReleased => "slot:released",
            Self::SlotLost => "slot:lost",
            Self::SlotTakenOver => "slot:taken-over",
            Self::PeerSnubbed => "peer:snubbed",
            Self::PeerLiar => "peer:liar",
            Self::OriginDiffers => "origin:differs",
            Self::OriginPaused => "origin:paused",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
