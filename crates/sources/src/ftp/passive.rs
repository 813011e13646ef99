//! A file on its way, also from servers that name their data port in a form of their own.
//!
//! What must stay true: the data connection goes to the address of the control connection, it is sealed where that is,
//! and a file counts as sent only when the server said so.

use std::net::SocketAddr;

use bytes::BytesMut;
use suppaftp::tokio::{AsyncRustlsStream, TransferStream};
use suppaftp::types::Response;
use suppaftp::{FtpError, Mode, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::session::{Data, Fault, Seal, Session};

/// A file on its way.
pub(super) enum Transfer {
    /// Opened by the library.
    Usual(TransferStream<AsyncRustlsStream>),
    /// Opened here, because the library did not understand the server's port.
    Odd(Data),
}

impl Transfer {
    /// Asks for the file at `path`, from the byte `from` on, where the server can do that. A server that knows no `PASV` is asked by `EPSV`; where the reply
    /// is an odd one, the port in it is taken.
    pub(super) async fn open(
        session: &mut Session,
        seal: &Seal<'_>,
        path: &str,
        from: u64,
    ) -> Result<Self, Fault> {
        go_to(session, from).await?;
        let mut begun = session.retr_as_stream(path).await;
        if let Err(FtpError::UnexpectedResponse(reply)) = &begun
            && is_unknown(reply)
        {
            session.set_mode(Mode::ExtendedPassive);
            go_to(session, from).await?;
            begun = session.retr_as_stream(path).await;
        }
        let reply = match begun {
            Ok(stream) => return Ok(Self::Usual(stream)),
            Err(FtpError::UnexpectedResponse(reply)) if names_a_port(&reply) => reply,
            Err(error) => return Err(error.into()),
        };
        let port = port_of(&reply).ok_or_else(|| {
            Fault::Broken("its reply names no data port that can be read".to_owned())
        })?;
        let data = TcpStream::connect(SocketAddr::new(address(session).await?, port)).await;
        let data = data.map_err(|error| Fault::Passing(error.to_string()))?;
        go_to(session, from).await?;
        let begun = [Status::AboutToSend, Status::AlreadyOpen];
        session
            .custom_command(format!("RETR {path}"), &begun)
            .await?;
        Ok(Self::Odd(seal.put_on(data).await?))
    }

    /// Reads what comes next.
    pub(super) async fn read(&mut self, buffer: &mut BytesMut) -> std::io::Result<usize> {
        match self {
            Self::Usual(stream) => stream.read_buf(buffer).await,
            Self::Odd(Data::Plain(stream)) => stream.read_buf(buffer).await,
            Self::Odd(Data::Sealed(stream)) => stream.read_buf(buffer).await,
        }
    }

    /// Closes the data connection and reads what the server says to that.
    pub(super) async fn finish(self, session: &mut Session) -> Result<(), FtpError> {
        match self {
            Self::Usual(stream) => stream.finish().await,
            Self::Odd(stream) => {
                if let Data::Sealed(mut stream) = stream {
                    // a server may wait for our last word; whether it hears it is its own matter
                    let _ = stream.shutdown().await;
                }
                let sent = [Status::ClosingDataConnection, Status::RequestedFileActionOk];
                session.read_response_in(&sent).await.map(drop)
            }
        }
    }
}

/// Lets the next transfer begin at the byte `from`.
async fn go_to(session: &mut Session, from: u64) -> Result<(), Fault> {
    if from == 0 {
        return Ok(());
    }
    let go_on = [Status::RequestFilePending];
    let told = session.custom_command(format!("REST {from}"), &go_on).await;
    told.map(drop).map_err(|error| match error {
        FtpError::UnexpectedResponse(reply) if is_refused(&reply) => Fault::NoRest,
        error => error.into(),
    })
}

/// Whether a command is not obeyed for its own sake, and not for that of who gave it or of the hour.
fn is_refused(reply: &Response) -> bool {
    let code = reply.status.code();
    matches!(code, 200..600) && !matches!(code, 400..500 | 530 | 532)
}

/// Where the control connection goes.
async fn address(session: &Session) -> Result<std::net::IpAddr, Fault> {
    let socket = session.get_ref().await;
    let address = socket.peer_addr();
    address
        .map(|address| address.ip())
        .map_err(|error| Fault::Passing(error.to_string()))
}

/// Whether a server says that it does not know the command, or not for its kind of addresses (RFC 2428).
fn is_unknown(reply: &Response) -> bool {
    matches!(reply.status.code(), 500 | 502) || reply.body.trim_ascii_start().starts_with(b"522")
}

fn names_a_port(reply: &Response) -> bool {
    matches!(
        reply.status,
        Status::PassiveMode | Status::ExtendedPassiveMode
    )
}

fn port_of(reply: &Response) -> Option<u16> {
    let words = String::from_utf8_lossy(&reply.body);
    if reply.status == Status::ExtendedPassiveMode {
        extended_port(&words)
    } else {
        passive_port(&words)
    }
}

/// The port in a reply to `EPSV` (RFC 2428): behind three marks of a kind and before a fourth one, wherever they stand.
pub(super) fn extended_port(reply: &str) -> Option<u16> {
    let text = reply.trim_start().strip_prefix("229").unwrap_or(reply);
    let is_mark = |byte: u8| byte.is_ascii_punctuation();
    let marks = text.as_bytes().windows(3).enumerate();
    let port = |(at, marks): (usize, &[u8])| {
        let [one, two, three] = *marks else {
            return None;
        };
        let behind = text.get(at + 3..).filter(|_| one == two && two == three)?;
        let (port, _) = behind.split_once(char::from(one))?;
        let port: u16 = port.trim().parse().ok()?;
        Some(port).filter(|port| *port != 0 && is_mark(one))
    };
    { marks }.find_map(port)
}

/// The port in a reply to `PASV` (RFC 959 section 4.1.2, RFC 1123 section 4.1.2.6): six numbers with
/// commas between them, wherever they stand.
pub fn passive_port(reply: &str) -> Option<u16> {
    let text = reply.trim_start().strip_prefix("227").unwrap_or(reply);
    let is_part = |c: char| c.is_ascii_digit() || c == ',' || c == ' ';
    let mut runs = text.split(|c: char| !is_part(c));
    runs.find_map(six_numbers)
}

fn six_numbers(run: &str) -> Option<u16> {
    let numbers = run.split(',').map(|number| number.trim().parse::<u8>());
    let numbers: Vec<u8> = numbers.collect::<Result<_, _>>().ok()?;
    let [_, _, _, _, high, low] = *numbers.as_slice() else {
        return None;
    };
    Some(u16::from_be_bytes([high, low])).filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_read_from_every_form_of_extended_reply() {
        for reply in [
            "229 Entering Extended Passive Mode (|||3106|)",
            "229 Entering Extended Passive Mode (!!!3106!)",
            "229 ok |||3106|\r\n",
            "229 (||| 3106 |).",
            "229... ---3106-",
        ] {
            assert_eq!(extended_port(reply), Some(3106), "{reply}");
        }
        for none in [
            "229",
            "229 (||3106|)",
            "229 (|||3106)",
            "229 (|||0|)",
            "229 (|||70000|)",
            "229 (|||31 06|)",
            "229 222310629",
        ] {
            assert_eq!(extended_port(none), None, "{none}");
        }
    }

    #[test]
    fn a_port_is_read_from_every_form_of_reply() {
        for reply in [
            "227 Entering Passive Mode (127,0,0,1,12,34)",
            "227 Entering Passive Mode 127,0,0,1,12,34\r\n",
            "227 Entering Passive Mode. 127,0,0,1,12,34.",
            "227 =127,0,0,1,12,34",
            "227 Passive mode OK ( 127, 0, 0, 1, 12, 34 )",
            "227 Mode 2 (127,0,0,1,12,34)",
        ] {
            assert_eq!(passive_port(reply), Some(12 * 256 + 34), "{reply}");
        }
        for none in [
            "227",
            "227 Entering Passive Mode",
            "227 (127,0,0,1,12)",
            "227 (127,0,0,1,12,340)",
            "227 (127,0,0,1,0,0)",
            "227 (1,2,3,4,5,6,7)",
        ] {
            assert_eq!(passive_port(none), None, "{none}");
        }
    }
}
