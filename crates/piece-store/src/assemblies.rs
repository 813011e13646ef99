//! The pieces in flight: one assembly each, made when the first byte is asked for.
//!
//! A span may cover many pieces. What must stay true: a piece that is verified, or waiting to be,
//! is *shut*: nothing is handed out for it; a piece has at most one assembly; assemblies hold no
//! more than `bytes_max` bytes of pieces together; pads (BEP 47) are filled from the start, so that
//! nobody is asked for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use swarmcopy_layout::{Layout, PieceIndex, PieceSet, Span, Spans};

use crate::assembly::{Assembly, Filled};
use crate::pool::Pool;

/// The assemblies of all pieces in flight.
#[derive(Debug)]
pub struct Assemblies {
    layout: Arc<Layout>,
    has_pads: bool,
    pool: Pool,
    bytes_max: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    open: BTreeMap<PieceIndex, Arc<Assembly>>,
    bytes: u64,
    shut: PieceSet,
}

impl Assemblies {
    /// Starts with no piece in flight. At least one piece is let in whatever `bytes_max` says.
    pub fn new(layout: Arc<Layout>, pool: Pool, bytes_max: u64) -> Self {
        let shut = PieceSet::empty(layout.pieces());
        let state = State {
            open: BTreeMap::new(),
            bytes: 0,
            shut,
        };
        let has_pads = layout.files().any(|(_, file)| file.attributes().pad);
        Self {
            layout,
            has_pads,
            pool,
            bytes_max,
            state: Mutex::new(state),
        }
    }

    #[cfg(test)]
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Hands out memory for the first run of `span` that is neither filled nor with a holder and
    /// whose piece is not shut; the run lies in one piece. `None` if there is none, or no room.
    pub fn reserve(&self, span: Span, sender: u32) -> Option<(Span, BytesMut)> {
        let mut state = self.lock();
        for piece in self.layout.pieces_of(span) {
            if state.shut.contains(piece) {
                continue;
            }
            let assembly = self.assembly_of(&mut state, piece)?;
            if let Some(reserved) = assembly.reserve(span, sender) {
                return Some(reserved);
            }
        }
        None
    }

    /// Takes a filled buffer back; returns the piece when that was its last missing byte, and shuts
    /// it.
    pub fn commit(&self, span: Span, sender: u32, buffer: BytesMut) -> Option<Filled> {
        let mut state = self.lock();
        let piece = self.layout.piece_at(span.start())?;
        let assembly = Arc::clone(state.open.get(&piece)?);
        if !assembly.commit(span, sender, buffer) {
            return None;
        }
        let filled = assembly.take()?;
        state.shut.insert(piece);
        state.drop_assembly(piece);
        Some(filled)
    }

    /// Takes an unfilled buffer back.
    pub fn release(&self, span: Span, sender: u32, buffer: BytesMut) {
        let mut state = self.lock();
        let Some(piece) = self.layout.piece_at(span.start()) else {
            return;
        };
        let Some(assembly) = state.open.get(&piece) else {
            return;
        };
        assembly.release(span, sender, buffer);
        if assembly.is_idle() {
            state.drop_assembly(piece);
        }
    }

    /// Declares missing what `sender` holds of `span`, as [`Assembly::abandon`].
    pub fn abandon(&self, span: Span, sender: u32) {
        let state = self.lock();
        for piece in self.layout.pieces_of(span) {
            if let Some(assembly) = state.open.get(&piece) {
                assembly.abandon(span, sender);
            }
        }
    }

    /// The bytes of `span` that are not filled; those of a shut piece are.
    pub fn missing(&self, span: Span) -> Spans {
        let state = self.lock();
        let mut missing = Spans::new();
        for piece in self.layout.pieces_of(span) {
            if state.shut.contains(piece) {
                continue;
            }
            let part = self.layout.piece_span(piece).intersection(span);
            match state.open.get(&piece) {
                Some(assembly) => assembly
                    .missing(part)
                    .iter()
                    .for_each(|run| missing.insert(run)),
                None => missing.insert(part),
            }
        }
        missing
    }

    /// Shuts `piece`: nothing is handed out for it any more.
    pub fn shut(&self, piece: PieceIndex) {
        let mut state = self.lock();
        state.shut.insert(piece);
        state.drop_assembly(piece);
    }

    /// Opens `piece` again: its bytes were wrong, or could not be kept.
    pub fn reopen(&self, piece: PieceIndex) {
        self.lock().shut.remove(piece);
    }

    /// Bytes of all pieces in assembly, filled or not.
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn assembly_of(&self, state: &mut State, piece: PieceIndex) -> Option<Arc<Assembly>> {
        if let Some(assembly) = state.open.get(&piece) {
            return Some(Arc::clone(assembly));
        }
        let span = self.layout.piece_span(piece);
        let bytes = state.bytes.saturating_add(span.len());
        if bytes > self.bytes_max && !state.open.is_empty() {
            return None;
        }
        state.bytes = bytes;
        let assembly = Arc::new(Assembly::new(piece, span, self.pool.clone()));
        if self.has_pads {
            let is_pad = |file| {
                let entry = self.layout.file(file);
                entry.is_some_and(|entry| entry.attributes().pad)
            };
            let slices = self.layout.slices(span);
            let pads = slices.filter(|slice| is_pad(slice.file));
            pads.for_each(|pad| assembly.put_zeros(pad.span));
        }
        state.open.insert(piece, Arc::clone(&assembly));
        Some(assembly)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_assembly(&mut self, piece: PieceIndex) {
        if let Some(assembly) = self.open.remove(&piece) {
            self.bytes = self.bytes.saturating_sub(assembly.span().len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::RelPath;

    fn assemblies(bytes_max: u64) -> Assemblies {
        let path = RelPath::parse("f").unwrap();
        let layout = Layout::builder(40_000).file(path, 100_000).build().unwrap();
        Assemblies::new(Arc::new(layout), Pool::new(1 << 20), bytes_max)
    }

    #[test]
    fn a_span_over_many_pieces_is_filled_piece_by_piece() {
        let assemblies = assemblies(1 << 20);
        let mut pieces = Vec::new();
        while let Some((span, buffer)) = assemblies.reserve(Span::new(0, 100_000), 1) {
            pieces.extend(
                assemblies
                    .commit(span, 1, buffer)
                    .map(|filled| filled.piece.value()),
            );
        }
        assert_eq!(pieces, [0, 1, 2]);
        assert!(assemblies.missing(Span::new(0, 100_000)).is_empty());
        assert_eq!(assemblies.bytes(), 0);
    }

    #[test]
    fn a_shut_piece_is_handed_out_only_after_it_is_reopened() {
        let assemblies = assemblies(1 << 20);
        let piece = assemblies.layout.piece(1).unwrap();
        assemblies.shut(piece);
        let span = assemblies.layout.piece_span(piece);
        assert!(assemblies.reserve(span, 1).is_none());
        assemblies.reopen(piece);
        assert_eq!(assemblies.reserve(span, 1).unwrap().0, span);
    }

    #[test]
    fn no_more_is_handed_out_than_there_is_room_for() {
        let assemblies = assemblies(80_000);
        let all = Span::new(0, 100_000);
        let (first, buffer) = assemblies.reserve(all, 1).unwrap();
        let (_, _second) = assemblies.reserve(all, 2).unwrap();
        assert!(assemblies.reserve(all, 3).is_none());
        assemblies.release(first, 1, buffer);
        assert_eq!(
            assemblies.reserve(all.after(80_000), 3).unwrap().0,
            all.after(80_000)
        );
    }

    #[test]
    fn pads_are_there_from_the_start_and_nobody_is_blamed_for_them() {
        let path = |path: &str| RelPath::parse(path).unwrap();
        let mut builder = Layout::builder(40_000).file(path("f"), 30_000);
        let pad = swarmcopy_layout::Attributes::pad();
        builder.push(path("pad"), 10_000, pad);
        let layout = builder.file(path("g"), 5).build().unwrap();
        let assemblies = Assemblies::new(Arc::new(layout), Pool::new(1 << 20), 1 << 20);
        let (span, buffer) = assemblies.reserve(Span::new(0, 40_000), 1).unwrap();
        assert_eq!(span, Span::new(0, 30_000));
        assert_eq!(assemblies.missing(Span::new(0, 40_000)).len(), 30_000);
        assemblies.release(span, 1, buffer);
        assert_eq!(assemblies.bytes(), 0, "an untouched piece is kept");
        let (span, mut buffer) = assemblies.reserve(Span::new(0, 40_000), 2).unwrap();
        buffer.fill(7);
        let filled = assemblies.commit(span, 2, buffer).unwrap();
        assert_eq!(filled.senders, [(span, 2)]);
        let bytes = filled.parts.concat();
        assert!(bytes[..30_000].iter().all(|byte| *byte == 7));
        assert!(bytes[30_000..].iter().all(|byte| *byte == 0) && bytes.len() == 40_000);
    }
}
