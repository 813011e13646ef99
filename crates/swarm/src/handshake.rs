//! The first 68 bytes of a link (BEP 3), read and written.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use swarmcopy_bt_wire::peer::{Handshake, Reserved};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::limits::{CONNECT_TIME, HANDSHAKE_TIME};
use crate::wire::Wire;
use crate::{Encryption, LinkEnd, mse};

/// Reads the peer's handshake; the caller sets a deadline.
pub(crate) async fn read(stream: &mut TcpStream) -> Result<Handshake, LinkEnd> {
    let mut bytes = [0; Handshake::LEN];
    stream.read_exact(&mut bytes).await?;
    Ok(Handshake::decode(&bytes)?)
}

/// The same of a connection that may be in a cipher.
pub(crate) async fn read_wire(wire: &mut Wire) -> Result<Handshake, LinkEnd> {
    let mut bytes = [0; Handshake::LEN];
    wire.read_exact(&mut bytes).await?;
    Ok(Handshake::decode(&bytes)?)
}

/// Writes ours.
pub(crate) async fn write(stream: &mut TcpStream, ours: &Handshake) -> Result<(), LinkEnd> {
    stream.write_all(&ours.encode()).await?;
    Ok(())
}

/// Our handshake for a content.
pub(crate) fn ours(info_hash: [u8; 20], peer_id: [u8; 20]) -> Handshake {
    Handshake {
        reserved: Reserved::ours(),
        info_hash,
        peer_id,
    }
}

/// A connection that was made and answered.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) wire: Wire,
    pub(crate) theirs: Handshake,
    /// How long the answer took.
    pub(crate) round_trip: Duration,
}

/// Connects to `addr`, from `from` if that is given, and exchanges handshakes: in plain words and then in a cipher
/// if the peer hangs up on the first, in the order that is wished.
pub(crate) async fn dial(
    addr: SocketAddr,
    from: Option<IpAddr>,
    ours: &Handshake,
    wish: Encryption,
) -> Result<Dialled, LinkEnd> {
    let ways: &[Words] = match wish.here() {
        Encryption::Accept => &[Words::Plain, Words::Sealed],
        Encryption::Prefer => &[Words::Sealed, Words::Plain],
        Encryption::Off => &[Words::Plain],
    };
    let mut end = LinkEnd::ByPeer;
    for words in ways {
        match dial_with(addr, from, ours, *words).await {
            Err(hung_up) if hung_up.may_want_other_words() => end = hung_up,
            result => return result,
        }
    }
    Err(end)
}

/// How the first words of a link are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Plain,
    Sealed,
}

async fn dial_with(
    addr: SocketAddr,
    from: Option<IpAddr>,
    ours: &Handshake,
    words: Words,
) -> Result<Dialled, LinkEnd> {
    let mut stream = connect(addr, from).await?;
    // only makes the link quicker
    let _ = stream.set_nodelay(true);
    let asked = Instant::now();
    let exchange = async {
        match words {
            Words::Plain => {
                write(&mut stream, ours).await?;
                let theirs = read(&mut stream).await?;
                Ok((theirs, Wire::from(stream)))
            }
            Words::Sealed => {
                let mut wire = mse::ask(stream, ours).await?;
                let theirs = read_wire(&mut wire).await?;
                Ok::<_, LinkEnd>((theirs, wire))
            }
        }
    };
    let (theirs, wire) = timeout(HANDSHAKE_TIME, exchange)
        .await
        .map_err(|_| LinkEnd::Silent)??;
    if theirs.info_hash != ours.info_hash {
        return Err(LinkEnd::OtherContent);
    }
    if theirs.peer_id == ours.peer_id {
        return Err(LinkEnd::Ourselves);
    }
    Ok(Dialled {
        wire,
        theirs,
        round_trip: asked.elapsed(),
    })
}

/// Connects to `addr`, from `from` if that is given and of the same kind.
pub(crate) async fn connect(addr: SocketAddr, from: Option<IpAddr>) -> Result<TcpStream, LinkEnd> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Some(from) = from.filter(|from| from.is_ipv4() == addr.is_ipv4()) {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let connecting = timeout(CONNECT_TIME, socket.connect(addr));
    Ok(connecting.await.map_err(|_| LinkEnd::Silent)??)
}
