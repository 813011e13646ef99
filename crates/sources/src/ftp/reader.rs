//! An opened FTP server: it cuts a fetch into files and reads what is missing of each.
//!
//! What must stay true: bytes are used only of a file whose size is the content's; a file that fails does
//! not keep the others from coming; a control connection is used again only if its last reply was read.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use suppaftp::FtpError;
use swarmcopy_layout::{FileEntry, FileSlice, Span};
use url::Url;

use super::passive::Transfer;
use super::server::Server;
use super::session::{self, Fault, Seal, Session, within};
use super::sessions::Slot;
use crate::error::FirstLack;
use crate::gate::Gate;
use crate::http::answer::Refusal;
use crate::http::percent;
use crate::intake::len_of;
use crate::whole::{SKIP_LEN_MAX, Wanted, Whole as _, take_turns};
use crate::{PieceSource, SourceError, SpanSink, rate};

/// Most tries in a row that bring no byte.
const BARREN_ROUNDS_MAX: u32 = 3;
/// Most tries for one slice of a file.
const ROUNDS_MAX: u32 = 1024;
/// Longest run that is read at once.
const READ_LEN: usize = 256 * 1024;
/// How long the reply to a transfer may take once the data connection is closed.
pub(super) const REPLY_PATIENCE: Duration = Duration::from_secs(2);

/// A server for as long as a permit lives.
#[derive(Debug)]
pub(super) struct FtpReader {
    pub(super) server: Arc<Server>,
    pub(super) gate: Gate,
}

/// How a transfer ended that is no failure yet: up to where bytes came, and what to say if that is nowhere.
#[derive(Debug)]
pub(super) struct Round {
    reached: u64,
    pub(super) trouble: String,
}

/// What came of asking for a transfer.
pub(super) enum Asked {
    /// It begins.
    Open(Session, Transfer),
    /// It does not; another try may mend that.
    Again(Round),
}

/// What became of a slice.
enum Filled {
    /// It is there.
    Full,
    /// The server sends the file from its beginning alone, and it is a long one.
    FromStart,
}

/// Why a transfer did not begin.
#[derive(Debug)]
enum Begin {
    /// The file has another size.
    Size(u64),
    Fault(Fault),
}

impl From<Fault> for Begin {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Why there is no more of a data connection.
#[derive(Debug)]
enum End {
    Full,
    Early,
    Longer,
    Reset(String),
}

#[async_trait]
impl PieceSource for FtpReader {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        self.gate.check()?;
        let mut slot = None;
        let mut lack = FirstLack::default();
        for slice in self.server.layout.slices(span) {
            let Some(file) = self.server.layout.file(slice.file) else {
                continue;
            };
            self.gate.check()?;
            if file.attributes().pad {
                sink.put_zeros(slice.span);
                continue;
            }
            lack.note(self.take_file(&mut slot, slice, file, sink).await)?;
        }
        lack.into_result()
    }
}

impl Drop for FtpReader {
    fn drop(&mut self) {
        // the permit is over: the server need not hold connections for us
        self.server.sequences.close_idle();
        self.server.sessions.close_idle();
    }
}

impl FtpReader {
    pub(super) fn new(server: Arc<Server>, gate: Gate) -> Self {
        Self { server, gate }
    }

    /// Takes what is missing of a slice by transfers of its own, or from the file's one transfer.
    async fn take_file(
        &self,
        free: &mut Option<Slot>,
        slice: FileSlice,
        file: &FileEntry,
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        if self.server.sequences.find(slice.file).is_none() {
            let mut slot = match free.take() {
                Some(slot) => slot,
                None => self.slot().await?,
            };
            let filled = self.fill(&mut slot, slice, file, sink).await;
            if let Filled::Full = filled? {
                *free = Some(slot);
                return Ok(());
            }
        }
        // whoever reads such a file on needs a connection, perhaps the only one
        drop(free.take());
        let sequence = self.server.sequences.enter(slice.file);
        take_turns(self, &sequence, (slice, file), sink).await
    }

    /// Reads what is missing of a slice until it is there.
    async fn fill(
        &self,
        slot: &mut Slot,
        slice: FileSlice,
        file: &FileEntry,
        sink: &SpanSink,
    ) -> Result<Filled, SourceError> {
        let mut rest = slice.span;
        let mut barren = 0;
        for _round in 0..ROUNDS_MAX {
            let Some(open) = sink.missing(rest) else {
                return Ok(Filled::Full);
            };
            self.gate.check()?;
            let span = Span::between(open.start(), rest.end());
            let index = slice.file;
            let wanted = Wanted { index, file, span };
            if self.is_read_whole(wanted) && file.len() > SKIP_LEN_MAX {
                return Ok(Filled::FromStart);
            }
            let round = self.round(slot, wanted, sink).await?;
            barren = if round.reached > span.start() {
                0
            } else {
                barren + 1
            };
            if barren == BARREN_ROUNDS_MAX {
                return Err(self.broken(round.trouble));
            }
            rest = Span::between(round.reached.max(span.start()), rest.end());
        }
        Err(self.broken(format!("{} comes in too small parts", file.path())))
    }

    /// Whether a part of a file comes only with all that stands before it.
    fn is_read_whole(&self, wanted: Wanted<'_>) -> bool {
        wanted.span != wanted.file.span() && self.server.knows_no_rest.load(Ordering::Relaxed)
    }

    /// Makes one transfer. A connection that is in doubt afterwards is not kept.
    async fn round(
        &self,
        slot: &mut Slot,
        wanted: Wanted<'_>,
        sink: &SpanSink,
    ) -> Result<Round, SourceError> {
        let (mut session, mut transfer) = match self.ask(slot, wanted).await? {
            Asked::Open(session, transfer) => (session, transfer),
            Asked::Again(round) => return Ok(round),
        };
        let (reached, mut end) = self.take(&mut transfer, wanted, sink).await?;
        let reply = tokio::time::timeout(REPLY_PATIENCE, transfer.finish(&mut session)).await;
        match reply {
            Ok(Ok(())) => slot.session = Some(session),
            // a transfer that was cut short
            Ok(Err(FtpError::UnexpectedResponse(reply))) if is_cut(reply.status.code()) => {
                slot.session = Some(session);
                end = end.unconfirmed();
            }
            _ => end = end.unconfirmed(),
        }
        self.ended(wanted, reached, end)
    }

    /// Asks for a transfer. A connection that is in doubt if there is none is not kept.
    pub(super) async fn ask(
        &self,
        slot: &mut Slot,
        wanted: Wanted<'_>,
    ) -> Result<Asked, SourceError> {
        self.check_refusal(wanted)?;
        let again = |round: Round| Asked::Again(round);
        let spelling = self.server.notes.known(wanted.index).spelling;
        let target = &self.server.target;
        let url = target.file_url(wanted.index, wanted.file.path(), spelling);
        let url = url.ok_or_else(|| self.refuse(wanted, Refusal::NoAddress))?;
        let Some(path) = path_of(&url) else {
            return self.absent(wanted, Refusal::Name).map(again);
        };
        let kept = slot.session.take();
        let is_kept = kept.is_some();
        let mut session = match kept {
            Some(session) => session,
            None => match self.dial(&url).await {
                Ok(session) => session,
                Err(fault) => return self.faulty(wanted, fault).map(again),
            },
        };
        let fault = match self.begin(&mut session, wanted, (&url, &path)).await {
            Ok(transfer) => return Ok(Asked::Open(session, transfer)),
            Err(Begin::Size(len)) => {
                slot.session = Some(session);
                return Err(self.refuse(wanted, Refusal::Total(len)));
            }
            Err(Begin::Fault(fault)) => fault,
        };
        let round = match fault {
            Fault::Refused(code) => {
                slot.session = Some(session);
                self.absent(wanted, Refusal::Reply(code))
            }
            Fault::NoRest => {
                slot.session = Some(session);
                self.server.knows_no_rest.store(true, Ordering::Relaxed);
                self.faulty(wanted, Fault::NoRest)
            }
            // a server that closed a kept connection may say so by a reply
            Fault::Busy(why) if is_kept => self.faulty(wanted, Fault::Passing(why)),
            fault => self.faulty(wanted, fault),
        };
        round.map(again)
    }

    async fn dial(&self, url: &Url) -> Result<Session, Fault> {
        let server = &self.server;
        let login = server.target.login(url);
        let _turn = server.sessions.turn_to_log_in().await;
        let reach = (server.sessions.guard(), server.sessions.tls());
        session::dial(url, login, &server.options, reach).await
    }

    /// Opens the data connection at the wanted place. The size of a file is asked for once, unless it is
    /// read whole: then its end shows it.
    async fn begin(
        &self,
        session: &mut Session,
        wanted: Wanted<'_>,
        (url, path): (&Url, &str),
    ) -> Result<Transfer, Begin> {
        let tls = self.server.sessions.tls();
        let seal = Seal { url, tls };
        let patience = self.server.options.idle_timeout;
        let from = self.first_of(wanted) - wanted.file.span().start();
        let is_known = self.server.notes.known(wanted.index).is_sized;
        if wanted.span != wanted.file.span() && !is_known {
            let asking = async {
                match session.size(path).await {
                    Err(FtpError::BadResponse) => {
                        Err(Fault::Unknown("a size in no known form".to_owned()))
                    }
                    size => Ok(size?),
                }
            };
            let size = within(patience, asking).await;
            match size {
                Ok(len) => self.check_size(wanted, u64::try_from(len).unwrap_or(u64::MAX))?,
                // its size is known to none then
                Err(Fault::Unknown(_)) => {}
                Err(fault) => return Err(Begin::Fault(fault)),
            }
        }
        Ok(within(patience, Transfer::open(session, &seal, path, from)).await?)
    }

    /// The content's offset at which a transfer begins.
    fn first_of(&self, wanted: Wanted<'_>) -> u64 {
        if self.is_read_whole(wanted) {
            wanted.file.span().start()
        } else {
            wanted.span.start()
        }
    }

    /// Keeps that a file has the right size.
    fn check_size(&self, wanted: Wanted<'_>, len: u64) -> Result<(), Begin> {
        if len != wanted.file.len() {
            return Err(Begin::Size(len));
        }
        self.server
            .notes
            .learn(wanted.index, |known| known.is_sized = true);
        Ok(())
    }

    /// Takes what comes; tells the content's offset behind its last byte.
    async fn take(
        &self,
        transfer: &mut Transfer,
        wanted: Wanted<'_>,
        sink: &SpanSink,
    ) -> Result<(u64, End), SourceError> {
        let options = &self.server.options;
        let intake = self.intake(wanted.span, sink);
        let (mut at, file_end) = (self.first_of(wanted), wanted.file.span().end());
        let mut buffer = BytesMut::with_capacity(READ_LEN);
        loop {
            buffer.clear();
            let reading = transfer.read(&mut buffer);
            match tokio::time::timeout(options.idle_timeout, reading).await {
                Err(_) => return Err(self.silent()),
                Ok(Err(error)) => return Ok((at, End::Reset(error.to_string()))),
                Ok(Ok(0)) if at < wanted.span.end() => return Ok((at, End::Early)),
                Ok(Ok(0)) => return Ok((at, End::Full)),
                Ok(Ok(_)) => {}
            }
            intake.put(at, &buffer)?;
            at = at.saturating_add(len_of(&buffer));
            rate::acquire_all(&options.limits, len_of(&buffer)).await;
            if at > file_end {
                return Ok((at, End::Longer));
            }
            // the end of a file is waited for: the server then has nothing to complain of
            if at >= wanted.span.end() && at < file_end {
                return Ok((at, End::Full));
            }
        }
    }

    fn ended(&self, wanted: Wanted<'_>, reached: u64, end: End) -> Result<Round, SourceError> {
        let len = reached.saturating_sub(wanted.file.span().start());
        match end {
            End::Early | End::Longer => Err(self.refuse(wanted, Refusal::Total(len))),
            End::Full => Ok(Round {
                reached,
                trouble: "transfers without bytes".to_owned(),
            }),
            End::Reset(trouble) => Ok(Round { reached, trouble }),
        }
    }

    /// What a fault means for the fetch.
    fn faulty(&self, wanted: Wanted<'_>, fault: Fault) -> Result<Round, SourceError> {
        match fault {
            Fault::Passing(trouble) => Ok(Round {
                reached: wanted.span.start(),
                trouble,
            }),
            Fault::Refused(code) => Err(self.refuse(wanted, Refusal::Reply(code))),
            Fault::Busy(what) => Err(SourceError::Busy {
                name: self.name(),
                what,
                retry_after: None,
            }),
            Fault::Closed(what) => Err(self.closed(what)),
            Fault::Unknown(what) | Fault::Broken(what) => Err(self.broken(what)),
            Fault::NoRest => Ok(Round {
                reached: wanted.span.start(),
                trouble: "it sends files from their beginning alone".to_owned(),
            }),
        }
    }

    /// Looks for the file under its other name, if it has one; else it is not there.
    fn absent(&self, wanted: Wanted<'_>, refusal: Refusal) -> Result<Round, SourceError> {
        let notes = &self.server.notes;
        let spelling = notes.known(wanted.index).spelling;
        let other = (self.server.target).other_spelling(wanted.file.path(), spelling);
        let other = other.ok_or_else(|| self.refuse(wanted, refusal))?;
        notes.learn(wanted.index, |known| known.spelling = other);
        Ok(Round {
            reached: wanted.span.start(),
            trouble: refusal.to_string(),
        })
    }
}

impl End {
    /// The server did not say that the transfer was whole.
    fn unconfirmed(self) -> Self {
        match self {
            Self::Early => Self::Reset("a transfer that broke off".to_owned()),
            other => other,
        }
    }
}

/// Whether a reply says no more than that the data connection was closed early.
fn is_cut(code: u32) -> bool {
    matches!(code, 425 | 426 | 451)
}

/// The path that a command names: relative to the folder that the login leads to (RFC 1738 section 3.2).
fn path_of(url: &Url) -> Option<String> {
    let path = url.path().strip_prefix('/').unwrap_or(url.path());
    let path = match path.rsplit_once(";type=") {
        Some((path, kind)) if kind.len() == 1 => path,
        _ => path,
    };
    // other bytes than those of UTF-8 can't be sent in a command
    let path = String::from_utf8(percent::decoded_bytes(path)).ok()?;
    let fits = !path.is_empty() && !path.contains(['\r', '\n', '\0']);
    fits.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> Option<String> {
        path_of(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_path_is_decoded_and_relative() {
        assert_eq!(path("ftp://h/a/b%20%23c").as_deref(), Some("a/b #c"));
        assert_eq!(path("ftp://h/%2Fsrv/x").as_deref(), Some("/srv/x"));
        assert_eq!(path("ftps://h:21/x;type=i").as_deref(), Some("x"));
        assert_eq!(path("ftp://h/x%3Btype=ab").as_deref(), Some("x;type=ab"));
    }

    #[test]
    fn a_name_that_would_be_another_command_is_refused() {
        assert_eq!(path("ftp://h/x%0D%0ADELE%20y"), None);
        assert_eq!(path("ftp://h/x%00"), None);
        assert_eq!(path("ftp://h/"), None);
    }
}
