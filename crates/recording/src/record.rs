//! Writing a recording, on a thread of its own.
//!
//! What must stay true: who is recorded never waits for the disk: what the thread can't take in time is left out, and
//! the recording says that something is missing there.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use swarmcopy_scheduler::{Action, Event, Instant, SourceId};

use crate::action::{self, Reasons};
use crate::bytes::Writer;
use crate::event;
use crate::head::Head;
use crate::hide::{Hider, Names};
use crate::parts::Parts;

/// Bytes that are collected before they are handed on.
const BLOCK_LEN: usize = 64 * 1024;
/// Longest number before a block.
const FRAME_LEN_MAX: usize = 10;
/// Blocks that may wait for the disk.
const BLOCKS_MAX: usize = 64;

/// What a record is.
pub(crate) mod kind {
    pub(crate) const EVENT: u8 = 1;
    pub(crate) const TIMEOUT: u8 = 2;
    pub(crate) const ACTION: u8 = 3;
    pub(crate) const NAME: u8 = 4;
    pub(crate) const REASON: u8 = 5;
    pub(crate) const CLOSE: u8 = 6;
    pub(crate) const GAP: u8 = 7;
}

/// Records what a scheduler is told and what it decides.
#[derive(Debug)]
pub struct Recorder {
    hider: Hider,
    reasons: Reasons,
    /// Reasons whose names stand in the block: other blocks may be missing one day.
    named: BTreeSet<u64>,
    /// The record that is being written.
    record: Writer,
    block: Writer,
    /// The time of the block's first record, and of its last.
    base: Option<u64>,
    last: u64,
    sequence: u64,
    blocks: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Begins a recording at `path`; what stood there is replaced.
    ///
    /// # Errors
    /// What the disk says.
    pub fn create(path: &Path, head: Head, names: Names, salt: u64) -> io::Result<Self> {
        Self::start(Parts::create(path)?, head, names, salt)
    }

    pub(crate) fn start(
        mut parts: Parts,
        mut head: Head,
        names: Names,
        salt: u64,
    ) -> io::Result<Self> {
        let mut hider = Hider::new(names, salt);
        head.config.origin.group = hider.group(&head.config.origin.group);
        let mut bytes = Writer::default();
        head.write(&mut bytes);
        let mut framed = Writer::default();
        framed.bytes(&bytes.0);
        parts.write(&framed.0)?;
        let (blocks, taken) = sync_channel::<Vec<u8>>(BLOCKS_MAX);
        let thread = std::thread::Builder::new().name("recording".to_owned());
        let thread = thread.spawn(move || {
            // a disk that is full ends the recording; the sender sees that nobody takes more
            while let Ok(block) = taken.recv() {
                if parts.write(&block).is_err() {
                    return;
                }
            }
            let _ = parts.close();
        })?;
        Ok(Self {
            hider,
            reasons: Reasons::default(),
            named: BTreeSet::new(),
            record: Writer::default(),
            block: Writer::default(),
            base: None,
            last: 0,
            sequence: 0,
            blocks: Some(blocks),
            thread: Some(thread),
        })
    }

    /// The scheduler is told of an event.
    pub fn event(&mut self, now: Instant, event: &Event) {
        let hidden = self.hider.event(event);
        let event = hidden.as_ref().unwrap_or(event);
        self.record.0.clear();
        if event::write(event, &mut self.record) {
            self.put(now, kind::EVENT);
        } else {
            self.put_empty(now, kind::GAP);
        }
    }

    /// The scheduler is told that time has passed.
    pub fn timeout(&mut self, now: Instant) {
        self.put_empty(now, kind::TIMEOUT);
    }

    /// The scheduler is told that this is the end.
    pub fn close(&mut self, now: Instant) {
        self.put_empty(now, kind::CLOSE);
    }

    /// The scheduler decided.
    pub fn action(&mut self, now: Instant, action: &Action) {
        let code = match action {
            Action::Explain { reason, .. } | Action::Ban { reason, .. } => Some(reason.code()),
            _ => None,
        };
        if let Some(code) = code {
            let number = self.reasons.number(code);
            if self.named.insert(number) {
                self.record.0.clear();
                self.record.number(number);
                self.record.text(code);
                self.put(now, kind::REASON);
            }
        }
        let hidden = self.hider.action(action);
        let action = hidden.as_ref().unwrap_or(action);
        self.record.0.clear();
        action::write(action, &mut self.reasons, &mut self.record);
        self.put(now, kind::ACTION);
    }

    /// A source has this kind and this name.
    pub fn name(&mut self, now: Instant, source: SourceId, kind: &str, name: &str) {
        self.record.0.clear();
        self.record.number(source.0.into());
        self.record.text(kind);
        self.record.text(&self.hider.name(name));
        self.put(now, kind::NAME);
    }

    /// Hands on what was collected; to be called now and then.
    pub fn flush(&mut self) {
        let Some(base) = self.base.take() else { return };
        let mut begin = Writer::default();
        begin.number(self.sequence);
        begin.number(base);
        self.sequence = self.sequence.saturating_add(1);
        let len = begin.0.len().saturating_add(self.block.0.len());
        let mut block = Writer(Vec::with_capacity(len.saturating_add(FRAME_LEN_MAX)));
        block.number(u64::try_from(len).unwrap_or(u64::MAX));
        block.fixed(&begin.0);
        block.fixed(&self.block.0);
        self.block.0.clear();
        self.named.clear();
        if let Some(blocks) = &self.blocks {
            // what has no room is missing: the next block's number tells that
            let _ = blocks.try_send(block.0);
        }
    }

    fn put_empty(&mut self, now: Instant, kind: u8) {
        self.record.0.clear();
        self.put(now, kind);
    }

    /// Adds the record that was written.
    fn put(&mut self, now: Instant, kind: u8) {
        let now = now.micros();
        if self.base.is_none() {
            self.base = Some(now);
            self.last = now;
        }
        self.block.number(now.saturating_sub(self.last));
        self.last = self.last.max(now);
        self.block.byte(kind);
        self.block.bytes(&self.record.0);
        if self.block.0.len() >= BLOCK_LEN {
            self.flush();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.flush();
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // it ends when it has written what it has
            let _ = thread.join();
        }
    }
}
