//! The encrypted handshake of other clients ("message stream encryption"), both sides of it.
//!
//! Some clients let nobody in without it. It keeps nothing secret from who stands in between and wants to know:
//! machines of ours speak plainly with each other. What must stay true: what a stranger makes us read, keep and
//! reckon has limits, and a connection ends in the clear or in both ciphers, as both sides agreed.

use std::time::Duration;

use bytes::BytesMut;
use swarmcopy_bt_wire::peer::Handshake;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

mod keys;

use crate::wire::{Ciphers, Wire};
use crate::{Encryption, LinkEnd};
use keys::{NUMBER_LEN, Pair, Secret, Side};

/// Longest run of random bytes that either side may send.
const PAD_MAX: usize = 512;
/// Longest first words that may come with the handshake.
const FIRST_MAX: usize = 4096;
/// What tells that the cipher is right.
const CHECK: [u8; 8] = [0; 8];
/// Words of the way in which the connection goes on.
const PLAIN: u32 = 1;
const SEALED: u32 = 2;
/// Encrypted handshakes that are answered at once, and the time in which one more is: each costs two powers of
/// a number of 768 bits.
pub(crate) const ANSWERS: (u32, Duration) = (64, Duration::from_millis(20));

/// Answers the one who has dialled; `read` are the first bytes that it sent, and `contents` what it may ask for.
pub(crate) async fn answer(
    mut stream: TcpStream,
    read: &[u8],
    contents: &[[u8; 20]],
    wish: Encryption,
) -> Result<Wire, LinkEnd> {
    let mut theirs = [0; NUMBER_LEN];
    let (first, rest) = theirs.split_at_mut(read.len().min(NUMBER_LEN));
    first.copy_from_slice(read.get(..first.len()).unwrap_or_default());
    stream.read_exact(rest).await?;
    let pair = Pair::new().ok_or(UNUSABLE)?;
    let secret = pair.secret(&theirs).ok_or(UNUSABLE)?;
    let mut words = pair.public.to_vec();
    words.extend_from_slice(&pad());
    stream.write_all(&words).await?;
    seek(&mut stream, &secret.mark(), PAD_MAX).await?;
    let mut name = [0; 20];
    stream.read_exact(&mut name).await?;
    let content = contents.iter().find(|it| secret.name_of(it) == name);
    let content = content.ok_or(LinkEnd::OtherContent)?;
    let mut ciphers = secret.ciphers(content, Side::Answers).ok_or(UNUSABLE)?;
    let head: [u8; 14] = open(&mut stream, &mut ciphers).await?;
    let (check, offered, pad_len) = parse(&head);
    if check != CHECK {
        return Err(UNUSABLE);
    }
    skip(&mut stream, &mut ciphers, pad_len).await?;
    let first_len = u16::from_be_bytes(open(&mut stream, &mut ciphers).await?);
    let first_len = usize::from(first_len);
    if first_len > FIRST_MAX {
        return Err(UNUSABLE);
    }
    let mut ahead = BytesMut::zeroed(first_len);
    stream.read_exact(&mut ahead).await?;
    ciphers.read.apply(&mut ahead);
    let chosen = choose(offered, wish).ok_or(UNUSABLE)?;
    let mut words = [&CHECK[..], &chosen.to_be_bytes(), &[0, 0]].concat();
    ciphers.write.apply(&mut words);
    stream.write_all(&words).await?;
    let ciphers = (chosen == SEALED).then_some(ciphers);
    Ok(Wire::with(stream, ciphers, ahead))
}

/// Asks the one who was dialled for a connection about this content, with our handshake as the first words.
pub(crate) async fn ask(mut stream: TcpStream, ours: &Handshake) -> Result<Wire, LinkEnd> {
    let pair = Pair::new().ok_or(UNUSABLE)?;
    let mut words = pair.public.to_vec();
    words.extend_from_slice(&pad());
    stream.write_all(&words).await?;
    let mut theirs = [0; NUMBER_LEN];
    stream.read_exact(&mut theirs).await?;
    let secret = pair.secret(&theirs).ok_or(UNUSABLE)?;
    let ciphers = secret.ciphers(&ours.info_hash, Side::Dialled);
    let mut ciphers = ciphers.ok_or(UNUSABLE)?;
    stream
        .write_all(&request(&secret, ours, &mut ciphers))
        .await?;
    // the other side's cipher begins somewhere behind its random bytes
    let mut check = CHECK;
    ciphers.read.apply(&mut check);
    seek(&mut stream, &check, PAD_MAX).await?;
    let head: [u8; 6] = open(&mut stream, &mut ciphers).await?;
    let [a, b, c, d, len @ ..] = head;
    skip(&mut stream, &mut ciphers, u16::from_be_bytes(len)).await?;
    match u32::from_be_bytes([a, b, c, d]) {
        PLAIN => Ok(Wire::with(stream, None, BytesMut::new())),
        SEALED => Ok(Wire::with(stream, Some(ciphers), BytesMut::new())),
        _ => Err(UNUSABLE),
    }
}

const UNUSABLE: LinkEnd = LinkEnd::Violation("an encrypted handshake that can't be");

/// The third message: which content, what we offer, and our first words.
fn request(secret: &Secret, ours: &Handshake, ciphers: &mut Ciphers) -> Vec<u8> {
    let first = ours.encode();
    let first_len = u16::try_from(first.len()).unwrap_or(0);
    let mut sealed = CHECK.to_vec();
    sealed.extend_from_slice(&(PLAIN | SEALED).to_be_bytes());
    sealed.extend_from_slice(&[0, 0]);
    sealed.extend_from_slice(&first_len.to_be_bytes());
    sealed.extend_from_slice(&first);
    ciphers.write.apply(&mut sealed);
    let mut words = secret.mark().to_vec();
    words.extend_from_slice(&secret.name_of(&ours.info_hash));
    words.extend_from_slice(&sealed);
    words
}

/// The way to go on of those that are offered.
fn choose(offered: u32, wish: Encryption) -> Option<u32> {
    let order = match wish {
        Encryption::Prefer => [SEALED, PLAIN],
        _ => [PLAIN, SEALED],
    };
    order.into_iter().find(|way| offered & way != 0)
}

/// Random bytes, as many as chance will.
fn pad() -> Vec<u8> {
    let mut rng = crate::chance::rng();
    let mut pad = vec![0; rng.usize(..PAD_MAX)];
    rng.fill(&mut pad);
    pad
}

fn parse(head: &[u8; 14]) -> ([u8; 8], u32, u16) {
    let [c @ .., o1, o2, o3, o4, p1, p2] = *head;
    (
        c,
        u32::from_be_bytes([o1, o2, o3, o4]),
        u16::from_be_bytes([p1, p2]),
    )
}

/// Reads and opens so many bytes.
async fn open<const N: usize>(
    stream: &mut TcpStream,
    ciphers: &mut Ciphers,
) -> Result<[u8; N], LinkEnd> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    ciphers.read.apply(&mut bytes);
    Ok(bytes)
}

async fn skip(stream: &mut TcpStream, ciphers: &mut Ciphers, len: u16) -> Result<(), LinkEnd> {
    if usize::from(len) > PAD_MAX {
        return Err(UNUSABLE);
    }
    let mut pad = vec![0; usize::from(len)];
    stream.read_exact(&mut pad).await?;
    ciphers.read.apply(&mut pad);
    Ok(())
}

/// Reads up to the end of `mark`, which begins within `max` bytes.
async fn seek(stream: &mut TcpStream, mark: &[u8], max: usize) -> Result<(), LinkEnd> {
    let mut seen = vec![0; mark.len()];
    stream.read_exact(&mut seen).await?;
    for _ in 0..=max {
        if seen == mark {
            return Ok(());
        }
        let mut next = [0];
        stream.read_exact(&mut next).await?;
        seen.rotate_left(1);
        if let Some(last) = seen.last_mut() {
            [*last] = next;
        }
    }
    Err(UNUSABLE)
}

#[cfg(test)]
mod tests;
