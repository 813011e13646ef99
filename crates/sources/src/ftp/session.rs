//! One control connection: made, logged in, and what its replies mean.
//!
//! What must stay true: no wait is without a deadline; the data connection goes to the address of the
//! control connection; `ftps:` never sends a login or a byte of content in the clear.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use suppaftp::tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream};
use suppaftp::types::{FileType, Response};
use suppaftp::{FtpError, Mode, Status};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::MirrorOptions;
use crate::http::Login;
use crate::http::guard::Guard;

/// A control connection that is logged in.
pub(super) type Session = AsyncRustlsFtpStream;

/// The port of FTP over TLS from the first byte.
const IMPLICIT_PORT: u16 = 990;
/// How many times as long as a connection a login may take: some servers look names up first.
const LOGIN_PATIENCE: u32 = 3;
/// Longest part of a server's words that is told.
const WORDS_LEN_MAX: usize = 120;

/// Why a command failed, and what follows from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection broke; another may do.
    Passing(String),
    /// The server wants to be left alone.
    Busy(String),
    /// The file is not to be had.
    Refused(u32),
    /// The server lets this machine not in.
    Closed(String),
    /// The server does not know the command.
    Unknown(String),
    /// The server sends files from their beginning alone.
    NoRest,
    /// The server is of no use.
    Broken(String),
}

impl From<FtpError> for Fault {
    fn from(error: FtpError) -> Self {
        match error {
            FtpError::ConnectionError(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Self::Broken(error.to_string())
            }
            FtpError::ConnectionError(error) => Self::Passing(error.to_string()),
            FtpError::UnexpectedResponse(reply) => of_reply(&reply),
            other => Self::Broken(other.to_string()),
        }
    }
}

fn of_reply(reply: &Response) -> Fault {
    match reply.status.code() {
        120 | 421 | 450 | 451 | 452 => Fault::Busy(words(reply)),
        425 | 426 => Fault::Passing(words(reply)),
        500 | 502 => Fault::Unknown(words(reply)),
        code @ (501 | 504 | 550..=553) => Fault::Refused(code),
        530 | 532 => Fault::Closed(words(reply)),
        _ => Fault::Broken(words(reply)),
    }
}

/// A server's words on one line.
fn words(reply: &Response) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let line = text.lines().last().unwrap_or_default();
    let plain = line.chars().filter(|char| !char.is_control());
    plain.take(WORDS_LEN_MAX).collect()
}

/// A data connection that was opened here.
pub(super) enum Data {
    Plain(TcpStream),
    Sealed(Box<TlsStream<TcpStream>>),
}

/// How the data connections of a server are protected: as its control connection is.
pub(super) struct Seal<'a> {
    pub(super) url: &'a Url,
    pub(super) tls: &'a Result<Arc<ClientConfig>, String>,
}

impl Seal<'_> {
    /// Protects a connection on which the server waits for that.
    pub(super) async fn put_on(&self, data: TcpStream) -> Result<Data, Fault> {
        if self.url.scheme() != "ftps" {
            return Ok(Data::Plain(data));
        }
        let config = self.tls.clone().map_err(Fault::Broken)?;
        let name = ServerName::try_from(host_of(self.url).to_owned());
        let name = name.map_err(|error| Fault::Broken(error.to_string()))?;
        let sealed = TlsConnector::from(config).connect(name, data).await;
        let sealed = sealed.map_err(|error| Fault::Passing(error.to_string()))?;
        Ok(Data::Sealed(Box::new(sealed)))
    }
}

/// Connects to the server of `url` and logs in.
pub(super) async fn dial(
    url: &Url,
    login: Option<&Login>,
    options: &MirrorOptions,
    (guard, tls): (&Guard, &Result<Arc<ClientConfig>, String>),
) -> Result<Session, Fault> {
    let patience = options.connect_timeout;
    let connecting = connect(url, guard, tls);
    let mut session = within(patience, connecting).await?;
    let (user, password) = match login {
        Some(login) => (login.user.as_str(), login.password.as_str()),
        None => ("anonymous", "swarmcopy@"),
    };
    within(patience.saturating_mul(LOGIN_PATIENCE), async {
        log_in(&mut session, user, password).await?;
        // many servers take names for Latin-1 until they are told; others don't know the command
        match session.opts("UTF8", Some("ON")).await {
            Ok(()) | Err(FtpError::UnexpectedResponse(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(session.transfer_type(FileType::Binary).await?)
    })
    .await?;
    Ok(session)
}

/// Logs in. A server that needs no password may say to one that it was superfluous.
async fn log_in(session: &mut Session, user: &str, password: &str) -> Result<(), Fault> {
    let plain = |text: &str| !text.contains(['\r', '\n', '\0']);
    if !plain(user) || !plain(password) {
        return Err(Fault::Closed("a login that no command can hold".to_owned()));
    }
    match session.login(user, password).await {
        Err(FtpError::UnexpectedResponse(reply))
            if reply.status == Status::CommandNotImplemented =>
        {
            Ok(())
        }
        done => Ok(done?),
    }
}

async fn connect(
    url: &Url,
    guard: &Guard,
    tls: &Result<Arc<ClientConfig>, String>,
) -> Result<Session, Fault> {
    let host = host_of(url);
    let secure = url.scheme() == "ftps";
    let port = url
        .port()
        .unwrap_or(if secure { IMPLICIT_PORT } else { 21 });
    let found = guard.resolve(host, port).await;
    let found = found.map_err(|error| Fault::Broken(error.to_string()))?;
    if secure && port == IMPLICIT_PORT {
        let session =
            Session::connect_secure_implicit(found.as_slice(), connector(tls)?, host).await?;
        // that it is connected, its greeting showed
        let address = session.get_ref().await.peer_addr();
        return Ok(passive(session, address.ok()));
    }
    let stream = TcpStream::connect(found.as_slice()).await;
    let stream = stream.map_err(|error| Fault::Broken(error.to_string()))?;
    let address = stream.peer_addr().ok();
    let session = Session::connect_with_stream(stream).await?;
    let session = if secure {
        session.into_secure(connector(tls)?, host).await?
    } else {
        session
    };
    Ok(passive(session, address))
}

fn host_of(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

fn connector(tls: &Result<Arc<ClientConfig>, String>) -> Result<AsyncRustlsConnector, Fault> {
    let config = tls.clone().map_err(Fault::Broken)?;
    Ok(TlsConnector::from(config).into())
}

/// Data connections go where the control connection went, whatever address the server names.
fn passive(mut session: Session, address: Option<SocketAddr>) -> Session {
    session.set_passive_nat_workaround(true);
    let is_v6 = address.is_some_and(|address| address.is_ipv6());
    session.set_mode(if is_v6 {
        Mode::ExtendedPassive
    } else {
        Mode::Passive
    });
    session
}

/// Waits for a while and no longer.
pub(super) async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(patience, work).await {
        Ok(end) => end,
        Err(_) => Err(Fault::Busy(format!("nothing came for {patience:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: u32, body: &str) -> Fault {
        let status = Status::from(code);
        let body = body.as_bytes().to_vec();
        FtpError::UnexpectedResponse(Response { status, body }).into()
    }

    #[test]
    fn replies_say_what_to_do() {
        let busy = Fault::Busy("421 Too many users".to_owned());
        assert_eq!(fault(421, "421 Too many users\r\n"), busy);
        let soon = "120 Ready in two minutes";
        assert_eq!(fault(120, soon), Fault::Busy(soon.to_owned()));
        assert_eq!(fault(550, "550 No such file\r\n"), Fault::Refused(550));
        assert!(matches!(fault(426, "426 x"), Fault::Passing(_)));
        assert!(matches!(fault(502, "502 x"), Fault::Unknown(_)));
        assert!(matches!(
            fault(530, "530 Login incorrect"),
            Fault::Closed(_)
        ));
    }

    #[test]
    fn a_servers_words_are_one_short_line() {
        let long = format!("530-a\r\n530 \u{1b}[31m{}\r\n", "x".repeat(1000));
        let Fault::Closed(told) = fault(530, &long) else {
            panic!("not closed");
        };
        assert_eq!(told.chars().count(), 120);
        assert!(told.starts_with("530 [31mxxx"), "{told}");
    }
}
