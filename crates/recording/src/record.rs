//! Writing a recording, on a thread of its own.
//!
//! What must stay true: who is recorded never waits for the disk: what the thread can't take in time is left out, and
//! the recording says that something is missing there.

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
    pub fn create(path: &Path, mut head: Head, names: Names, salt: u64) -> io::Result<Self> {
        let mut hider = Hider::new(names, salt);
        head.config.origin.group = hider.group(&head.config.origin.group);
        let mut bytes = Writer::default();
        head.write(&mut bytes);
        let mut parts = Parts::create(path)?;
        parts.write(&framed(&bytes.0))?;
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
        let mut bytes = Writer::default();
        if event::write(hidden.as_ref().unwrap_or(event), &mut bytes) {
            self.put(now, kind::EVENT, &bytes.0);
        } else {
            self.put(now, kind::GAP, &[]);
        }
    }

    /// The scheduler is told that time has passed.
    pub fn timeout(&mut self, now: Instant) {
        self.put(now, kind::TIMEOUT, &[]);
    }

    /// The scheduler is told that this is the end.
    pub fn close(&mut self, now: Instant) {
        self.put(now, kind::CLOSE, &[]);
    }

    /// The scheduler decided.
    pub fn action(&mut self, now: Instant, action: &Action) {
        let code = match action {
            Action::Explain { reason, .. } | Action::Ban { reason, .. } => Some(reason.code()),
            _ => None,
        };
        if let Some(code) = code
            && self.reasons.number(code).1
        {
            let mut name = Writer::default();
            name.text(code);
            self.put(now, kind::REASON, &name.0);
        }
        let mut bytes = Writer::default();
        let hidden = self.hider.action(action);
        let action = hidden.as_ref().unwrap_or(action);
        action::write(action, &mut self.reasons, &mut bytes);
        self.put(now, kind::ACTION, &bytes.0);
    }

    /// A source has this kind and this name.
    pub fn name(&mut self, now: Instant, source: SourceId, kind: &str, name: &str) {
        let mut bytes = Writer::default();
        bytes.number(source.0.into());
        bytes.text(kind);
        bytes.text(&self.hider.name(name));
        self.put(now, kind::NAME, &bytes.0);
    }

    /// Hands on what was collected; to be called now and then.
    pub fn flush(&mut self) {
        let Some(base) = self.base.take() else { return };
        let mut block = Writer::default();
        block.number(self.sequence);
        block.number(base);
        block.fixed(&std::mem::take(&mut self.block.0));
        self.sequence = self.sequence.saturating_add(1);
        if let Some(blocks) = &self.blocks {
            // what has no room is missing: the next block's number tells that
            let _ = blocks.try_send(framed(&block.0));
        }
    }

    fn put(&mut self, now: Instant, kind: u8, payload: &[u8]) {
        let now = now.micros();
        if self.base.is_none() {
            self.base = Some(now);
            self.last = now;
        }
        self.block.number(now.saturating_sub(self.last));
        self.last = self.last.max(now);
        self.block.byte(kind);
        self.block.bytes(payload);
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

/// Bytes behind their number.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut framed = Writer::default();
    framed.bytes(bytes);
    framed.0
}
