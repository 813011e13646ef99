//! What a lane is called in its handshake, in place of a peer id.

/// What a lane's name begins with.
const NAME_PREFIX: &[u8; 8] = b"-SCLANE-";

/// Whether a name in a handshake is one of a lane.
pub(crate) fn is_one(name: &[u8; 20]) -> bool {
    name.starts_with(NAME_PREFIX)
}

/// A name that nobody can guess.
pub(crate) fn new() -> [u8; 20] {
    let mut name = [0; 20];
    let mut rng = crate::chance::rng();
    let mut random = std::iter::repeat_with(|| rng.u8(..));
    let prefix = NAME_PREFIX.iter().copied();
    for (to, from) in name.iter_mut().zip(prefix.chain(&mut random)) {
        *to = from;
    }
    name
}
