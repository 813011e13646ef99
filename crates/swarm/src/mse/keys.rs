//! The numbers of the encrypted handshake: the common secret, and what is made of it.

use num_bigint::BigUint;
use sha1::{Digest, Sha1};

use crate::wire::{Cipher, Ciphers};

/// Length of a public number.
pub(super) const NUMBER_LEN: usize = 96;
/// The prime of the exchange.
const PRIME: &[u8] = b"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22\
514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563";
/// Length of a private number.
const PRIVATE_LEN: usize = 20;

/// A private number and the public one that belongs to it.
pub(super) struct Pair {
    private: BigUint,
    pub(super) public: [u8; NUMBER_LEN],
}

/// The secret that both sides know.
#[derive(Clone, Copy)]
pub(super) struct Secret([u8; NUMBER_LEN]);

/// Which side of the connection somebody is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Dialled,
    Answers,
}

impl Pair {
    /// A new one.
    pub(super) fn new() -> Option<Self> {
        let mut private = [0; PRIVATE_LEN];
        crate::chance::rng().fill(&mut private);
        let private = BigUint::from_bytes_be(&private);
        let public = BigUint::from(2u8).modpow(&private, &prime()?);
        let public = padded(&public)?;
        Some(Self { private, public })
    }

    /// The secret with whoever has this public number; none if the number gives it away.
    pub(super) fn secret(&self, theirs: &[u8; NUMBER_LEN]) -> Option<Secret> {
        let (theirs, prime) = (BigUint::from_bytes_be(theirs), prime()?);
        let one = BigUint::from(1u8);
        let good = theirs > one && theirs < &prime - &one;
        good.then(|| padded(&theirs.modpow(&self.private, &prime)))
            .flatten()
            .map(Secret)
    }
}

impl Secret {
    /// By which the one who dialled begins its words.
    pub(super) fn mark(&self) -> [u8; 20] {
        hash(&[b"req1", &self.0])
    }

    /// By which it names the content.
    pub(super) fn name_of(&self, info_hash: &[u8; 20]) -> [u8; 20] {
        let mut name = hash(&[b"req2", info_hash]);
        for (byte, other) in name.iter_mut().zip(hash(&[b"req3", &self.0])) {
            *byte ^= other;
        }
        name
    }

    /// The ciphers as one side uses them.
    pub(super) fn ciphers(&self, info_hash: &[u8; 20], side: Side) -> Option<Ciphers> {
        let of_dialler = Cipher::new(&hash(&[b"keyA", &self.0, info_hash]))?;
        let of_other = Cipher::new(&hash(&[b"keyB", &self.0, info_hash]))?;
        let (read, write) = match side {
            Side::Dialled => (of_other, of_dialler),
            Side::Answers => (of_dialler, of_other),
        };
        Some(Ciphers { read, write })
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 20] {
    let mut hasher = Sha1::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn prime() -> Option<BigUint> {
    BigUint::parse_bytes(PRIME, 16)
}

/// A number in its full length.
fn padded(number: &BigUint) -> Option<[u8; NUMBER_LEN]> {
    let bytes = number.to_bytes_be();
    let mut padded = [0; NUMBER_LEN];
    let start = NUMBER_LEN.checked_sub(bytes.len())?;
    padded.get_mut(start..)?.copy_from_slice(&bytes);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_to_one_secret_and_undo_each_others_cipher() {
        let (one, two) = (Pair::new().unwrap(), Pair::new().unwrap());
        let secret = one.secret(&two.public).unwrap();
        let same = two.secret(&one.public).unwrap();
        assert_eq!(secret.mark(), same.mark());
        let mut dialled = secret.ciphers(&[7; 20], Side::Dialled).unwrap();
        let mut answers = same.ciphers(&[7; 20], Side::Answers).unwrap();
        let mut words = *b"words in both directions";
        dialled.write.apply(&mut words);
        assert_ne!(&words, b"words in both directions");
        answers.read.apply(&mut words);
        answers.write.apply(&mut words);
        dialled.read.apply(&mut words);
        assert_eq!(&words, b"words in both directions");
    }

    #[test]
    fn numbers_that_give_the_secret_away_are_refused() {
        let pair = Pair::new().unwrap();
        let mut one = [0; NUMBER_LEN];
        assert!(pair.secret(&one).is_none());
        one[NUMBER_LEN - 1] = 1;
        assert!(pair.secret(&one).is_none());
        let prime = prime().unwrap();
        for number in [&prime - 1u8, prime.clone(), &prime + 1u8] {
            assert!(pair.secret(&padded(&number).unwrap()).is_none());
        }
    }
}
