//! The stand-in for processors whose vector registers are not used: every input goes the scalar way.

use crate::rope::Rope;
use crate::{Isa, Sha1Digest, Sha256Digest};

pub(crate) fn sha1(_isa: Isa, _inputs: &[Rope<'_>]) -> Option<Vec<Sha1Digest>> {
    None
}

pub(crate) fn sha256(_isa: Isa, _inputs: &[Rope<'_>]) -> Option<Vec<Sha256Digest>> {
    None
}
