//! What a reading thread does: it fills one part of a fetch, chunk by chunk.
//!
//! What must stay true: the permit is looked at before each piece, a part that nobody waits for any more
//! ends after the chunk in hand, and a small file costs one open, one read and one close.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use swarmcopy_layout::{FileEntry, FileSlice, Layout, PieceIndex, Span};

use swarmcopy_sys::held;

use super::handles::{Handles, Pattern};
use super::places::{self, Places};
use super::pool::Ticket;
use crate::error::{FirstLack, Lack};
use crate::gate::Gate;
use crate::{Chunk, SourceError, SpanSink};

/// Longest single read: more is worse with every allocator and server.
const READ_LEN: u64 = 1024 * 1024;

/// The files of a share.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) places: Arc<Places>,
    pub(super) layout: Arc<Layout>,
    pub(super) name: String,
}

/// One part of a fetch.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) folder: Arc<Folder>,
    pub(super) span: Span,
    pub(super) sink: SpanSink,
    pub(super) gate: Gate,
    pub(super) pattern: Pattern,
}

impl Part {
    /// Fills what is missing of the part. A file that fails does not keep the others from coming.
    pub(super) fn read(&self, handles: &mut Handles, ticket: &Ticket) -> Result<(), SourceError> {
        let mut lack = FirstLack::default();
        let mut piece = None;
        for slice in self.folder.layout.slices(self.span) {
            let Some(file) = self.folder.layout.file(slice.file) else {
                continue;
            };
            if file.attributes().pad {
                self.sink.put_zeros(slice.span);
                continue;
            }
            lack.note(self.read_slice(&slice, file, (handles, ticket, &mut piece)))?;
        }
        lack.into_result()
    }

    fn read_slice(
        &self,
        slice: &FileSlice,
        file: &FileEntry,
        (handles, ticket, piece): (&mut Handles, &Ticket, &mut Option<PieceIndex>),
    ) -> Result<(), SourceError> {
        let whole = slice.span == file.span() && file.len() <= READ_LEN;
        let mut once: Option<File> = None;
        let mut rest = slice.span;
        while let Some(mut chunk) = self.reserve(rest) {
            ticket.check()?;
            self.check_gate(chunk.span(), piece)?;
            let offset = chunk.span().start() - file.span().start();
            let places = || self.folder.places.of_file(file.path());
            let open = match &once {
                Some(open) => Ok(open),
                None if whole => places::first(&places(), |path| File::open(path))
                    .map(|open| &*once.insert(open)),
                None => handles.get(slice.file, &places, self.pattern),
            };
            let read = open.and_then(|open| {
                swarmcopy_sys::io::read_exact_at(open, chunk.as_mut_slice(), offset)
            });
            if let Err(error) = read {
                drop(chunk);
                handles.forget(slice.file);
                return Err(self.folder.failed(file, error));
            }
            rest = Span::between(chunk.span().end(), rest.end());
            chunk.commit();
            ticket.beat();
        }
        Ok(())
    }

    fn reserve(&self, rest: Span) -> Option<Chunk> {
        if rest.is_empty() {
            return None;
        }
        let head = self.sink.reserve(rest.head(READ_LEN));
        head.or_else(|| self.sink.reserve(rest))
    }

    fn check_gate(&self, span: Span, piece: &mut Option<PieceIndex>) -> Result<(), SourceError> {
        let next = self.folder.layout.piece_at(span.start());
        if *piece != next {
            self.sink.wait_room();
            self.gate.check()?;
            *piece = next;
        }
        Ok(())
    }
}

impl Folder {
    /// Sorts an error of a file: the file's own, or the whole share's.
    fn failed(&self, file: &FileEntry, error: io::Error) -> SourceError {
        let error = &self.told(file, error);
        let missing = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
        let barred = error.kind() == ErrorKind::PermissionDenied || held::is_held(error);
        let gone = missing && std::fs::metadata(self.places.root()).is_err();
        let own = missing
            || barred
            || matches!(
                error.kind(),
                ErrorKind::IsADirectory | ErrorKind::UnexpectedEof | ErrorKind::InvalidFilename
            );
        if own && !gone {
            return SourceError::Lacks {
                name: self.name.clone(),
                path: file.path().as_str().to_owned(),
                what: plain_words(error),
                lack: if barred { Lack::Barred } else { Lack::Absent },
                span: file.span(),
            };
        }
        let what = if gone {
            "the folder is gone".to_owned()
        } else {
            plain_words(error)
        };
        SourceError::Broken {
            name: self.name.clone(),
            what,
        }
    }

    /// The kind of the error that other systems would tell: Windows denies access to a folder that is opened as a file.
    fn told(&self, file: &FileEntry, error: io::Error) -> io::Error {
        let denied = cfg!(windows) && error.kind() == ErrorKind::PermissionDenied;
        let places = || self.places.of_file(file.path());
        if denied && places().iter().any(|place| place.is_dir()) {
            return ErrorKind::IsADirectory.into();
        }
        error
    }
}

/// An I/O error as one says it.
pub(super) fn plain_words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "shorter than it should be".to_owned(),
        ErrorKind::NotFound => "not there".to_owned(),
        ErrorKind::IsADirectory => "a folder".to_owned(),
        ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ if held::is_held(error) => "another program holds it".to_owned(),
        _ => error.to_string(),
    }
}
