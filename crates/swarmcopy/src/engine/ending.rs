//! How a copy is looked at, and how it ends: complete, failed, out of time, or stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use swarmcopy_piece_store::{ASIDE_SUFFIX, Store, StoreError};
use swarmcopy_scheduler::{Outlook, Reason, SourceId};
use tokio::sync::mpsc;

use super::account::Account;
use super::waiting::{Facts, troubles, waiting_for};
use super::{Engine, Note};
use crate::event::Event;
use crate::outcome::{Failure, Outcome};
use crate::{Content, Error, ErrorKind, Phase, Progress, Report, SourceKind, Stay, record, tree};

/// With nothing under way, no source for a piece and an origin that differs, the copy is given up
/// after this long: others may still turn up.
const HOPELESS: Duration = Duration::from_secs(5);
/// Incomplete files named in the sentence of an error, and in its list.
const NAMED_MAX: usize = 5;
const LISTED_MAX: usize = 10_000;
/// Time for links, trackers and fetches to end.
const WIND_UP: Duration = Duration::from_secs(3);

/// Names the first of these files.
fn named(files: &[String]) -> String {
    let first = files.get(..NAMED_MAX.min(files.len())).unwrap_or_default();
    let named = first.join(", ");
    match files.len().saturating_sub(NAMED_MAX) {
        0 => named,
        _ if files.len() == LISTED_MAX => format!("{named} and many more files"),
        more => format!("{named} and {more} more files"),
    }
}

impl Engine {
    /// Publishes how the copy does, and checks what only time can tell.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        let since = now.duration_since(self.rate.1);
        if since >= Duration::from_millis(900) {
            let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX).max(1);
            let fresh = self
                .verified
                .saturating_sub(self.rate.2)
                .saturating_mul(1_000_000)
                / micros;
            self.rate = (fresh, now, self.verified);
        }
        let outlook = self.scheduler.outlook();
        let hopeless = outlook.missing > 0
            && outlook.nowhere == outlook.missing
            && outlook.differ > 0
            && outlook.jobs == 0;
        if !hopeless {
            self.hopeless_since = None;
        } else if self.hopeless_since.is_none() {
            self.hopeless_since = Some(now);
        }
        if !(outlook.missing > 0 && self.is_refused()) {
            self.refused_since = None;
        } else if self.refused_since.is_none() {
            self.refused_since = Some(now);
        }
        self.store.keep_newest(self.scheduler.is_needed());
        self.look_at_tries();
        self.flush_recording();
        let progress = self.progress(outlook);
        self.tell_news(&progress);
        if let Some(status) = &mut self.status {
            status.write(&progress);
        }
        self.outlets.progress.send_replace(progress);
    }

    fn progress(&self, outlook: Outlook) -> Progress {
        let sources = self.account.sources(self.scheduler.rates());
        let peers = self.account.peers();
        let facts = Facts {
            outlook,
            denied: &self.denials(),
            sources: &sources,
            peers,
            quiet: self.useful_at.elapsed(),
        };
        let quiet = if outlook.missing > 0 {
            facts.quiet
        } else {
            Duration::ZERO
        };
        let (waiting_code, waiting_for) = waiting_for(&facts).unzip();
        let origin = self.scheduler.origin_report(self.clock.now());
        let links = self.links.values().map(|link| link.stats().wasted);
        Progress {
            elapsed: self.clock.elapsed(),
            phase: self.phase,
            verified: self.verified,
            bytes: self.store.target().bytes(),
            rate: self.rate.0,
            peers,
            sources,
            uploaded: self.account.uploaded,
            slots: origin.slots,
            guard: self.guard_state,
            waiting_for,
            waiting_code,
            quiet,
            brought: self.account.totals(),
            verified_by: self.account.verified_by(),
            readers: origin.readers,
            wasted: self.account.wasted + links.sum::<u64>(),
            bad_pieces: self.account.bad_pieces,
            swarm_origin_bytes: origin.swarm_bytes.max(origin.origin_bytes),
            reasons: self.account.reasons(),
            damaged: self.damaged.clone(),
        }
    }

    /// Whether every share and mirror refuses this machine, and nobody else can turn up but by chance.
    fn is_refused(&self) -> bool {
        let content = &self.content;
        let others = self.account.peers() > 0
            || !content.options.peers.is_empty()
            || !content.trackers().is_empty();
        !others && self.account.is_refused_everywhere()
    }

    /// Why origins that answer are not read.
    fn denials(&self) -> Vec<Reason> {
        let in_trouble = |id: &SourceId| self.account.state(*id).is_trouble();
        let denied = self.denied.iter().filter(|(id, _)| !in_trouble(id));
        denied.map(|(_, reason)| *reason).collect()
    }

    /// Every wanted piece is verified: the store closes the copy on a thread of its own.
    pub(super) fn copied(&mut self) {
        if self.content.is_seed() {
            // it wants nothing; whether it is complete, its check tells
            return;
        }
        let store = Arc::clone(&self.store);
        let content = self.content.clone();
        let notes = self.notes.clone();
        let job = self.content.tree_job();
        self.tasks.spawn(async move {
            let result = tokio::task::spawn_blocking(move || finish(&store, &content, &job)).await;
            let result = result.unwrap_or_else(|_| {
                let action = "finish the copy";
                Err(StoreError::Closed { action }.into())
            });
            // the loop may have ended for another reason
            let _ = notes.send(Note::Finished { result }).await;
        });
    }

    pub(super) fn finished(&mut self, result: Result<tree::Applied, Error>) {
        match result {
            Ok(applied) => {
                self.applied = applied;
                let elapsed = self.clock.elapsed();
                self.completed = Some((Instant::now(), elapsed));
                self.phase = Phase::Serving;
                // who had it all from the start has not downloaded it
                if self.scheduler.have().is_full() && !self.content.is_seed() {
                    self.swarm.completed();
                }
                self.outlets.complete.send_replace(Some(elapsed));
                self.outlets.events.tell(Event::Complete(elapsed));
                self.look();
            }
            Err(error) => self.failed = Some(error),
        }
    }

    /// How the copy ended, once it did.
    pub(super) fn end_reached(&mut self) -> Option<Result<(), Error>> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        if self.asked && self.completed.is_none() {
            let message = "another process copies another version to the same place";
            return Some(Err(Error::new(ErrorKind::Interrupted, message)));
        }
        let served_since = self.completed.map(|(at, _)| at).or(self.damaged_at);
        if let Some(at) = served_since {
            if self.asked {
                return Some(Ok(()));
            }
            let served = match self.content.options.stay {
                Stay::Always => false,
                Stay::For(time) => at.elapsed() >= time,
                Stay::WhileNeeded(time) => {
                    let waits = self.lost.is_waited_for(Instant::now());
                    !(waits || self.scheduler.is_needed()) || at.elapsed() >= time
                }
            };
            return served.then_some(Ok(()));
        }
        if self.scheduler.is_complete() {
            return None;
        }
        let options = &self.content.options;
        let late = if options
            .timeout
            .is_some_and(|time| self.verified_at.elapsed() >= time)
        {
            Some("no source brought a verified byte for too long")
        } else if options
            .deadline
            .is_some_and(|time| self.clock.elapsed() >= time)
        {
            Some("the deadline has passed")
        } else {
            None
        };
        // out of time, the reason that can be mended is told
        let differs = self
            .hopeless_since
            .is_some_and(|since| late.is_some() || since.elapsed() >= HOPELESS);
        if differs {
            return Some(Err(self.differs()));
        }
        let refused = self.refused_since.map(|since| since.elapsed());
        if let (Some(refused), Some(time)) = (refused, options.refused_for)
            && refused >= time
        {
            return Some(Err(self.incomplete("every share and mirror refuses")));
        }
        late.map(|why| Err(self.incomplete(why)))
    }

    fn differs(&self) -> Error {
        let files = self.incomplete_files();
        let named = named(&files);
        let origin = self.account.origins_in_words();
        Error::new(
            ErrorKind::Mismatch,
            format!("{origin} differs from the torrent, and no other source has {named}"),
        )
        .with_incomplete(files)
        .with_hint(format!(
            "make the torrent again from {origin} as it is now, or repair {origin}"
        ))
    }

    fn incomplete(&self, why: &str) -> Error {
        let files = self.incomplete_files();
        let named = named(&files);
        let mut told = vec![format!("not complete: {why}; missing: {named}")];
        let differ = self.scheduler.outlook().differ;
        if differ > 0 {
            told.push(format!(
                "an origin differs from the torrent in {differ} pieces"
            ));
        }
        told.extend(troubles(&self.account.sources(self.scheduler.rates())));
        Error::new(ErrorKind::Incomplete, told.join("; "))
            .with_incomplete(files)
            .with_hint("what is verified is kept: the next copy goes on from here")
    }

    /// The files that lack a piece, so many of them as are listed.
    fn incomplete_files(&self) -> Vec<String> {
        let layout = &self.content.layout;
        let have = self.scheduler.have();
        let files = self.store.target().stored_files().map(|(_, file)| file);
        let lacking = files.filter(|file| {
            let mut pieces = layout.pieces_of(file.span());
            !pieces.all(|piece| have.contains(piece))
        });
        let paths = lacking.map(|file| file.path().as_str().to_owned());
        paths.take(LISTED_MAX).collect()
    }

    /// Ends everything in order and makes the report.
    pub(super) async fn wind_up(
        mut self,
        end: Result<(), Error>,
        mut notes: mpsc::Receiver<Note>,
    ) -> Outcome {
        let now = self.clock.now();
        self.close_scheduler(now);
        self.carry_out();
        let origin = self.scheduler.origin_report(now);
        for cancel in self.jobs.values() {
            cancel.cancel();
        }
        let mut report = self.report(&origin);
        report.arrivals = self.arrivals.take();
        let mut failure = end.err().map(|error| self.failure(error));
        self.phase = Phase::Ended;
        self.look();
        self.tasks.close();
        let tasks = self.tasks.clone();
        let store = Arc::clone(&self.store);
        let swarm = self.swarm;
        let mut late = Vec::new();
        let drained = async {
            tokio::join!(swarm.shutdown(), async {
                // fetches end when their last word is taken
                loop {
                    tokio::select! {
                        () = tasks.wait() => break,
                        note = notes.recv() => match note {
                            Some(note) => late.extend(note.brought()),
                            None => break,
                        },
                    }
                }
            })
        };
        // a read of a dead server hangs in the kernel: it is left behind
        let _ = tokio::time::timeout(WIND_UP, drained).await;
        late.extend(std::iter::from_fn(|| notes.try_recv().ok()).filter_map(|note| note.brought()));
        for (source, bytes) in late {
            self.account.brought(source, bytes);
        }
        report.count(&self.account);
        // what is verified is written down, so that the next start goes on from there
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        if let (None, Ok(Err(error))) = (&failure, closed) {
            failure = Some(Failure::of(error.into()));
        }
        Outcome::new(report, failure)
    }

    /// Why it did not end well, with what is known of sources and files.
    fn failure(&self, error: Error) -> Failure {
        let sources = self.account.sources(self.scheduler.rates());
        let troubled = sources.into_iter().filter(|it| it.state.is_trouble());
        let mut failure = Failure::of(error);
        failure.sources = troubled.collect();
        if failure.files.is_empty() && !self.scheduler.is_complete() {
            failure.files = self.incomplete_files();
        }
        failure
    }

    fn report(&self, origin: &swarmcopy_scheduler::OriginReport) -> Report {
        let links: u64 = self.links.values().map(|link| link.stats().wasted).sum();
        let (from_share, from_mirror) = (
            self.account.total(SourceKind::Share),
            self.account.total(SourceKind::Mirror),
        );
        let origin_bytes = origin.origin_bytes.max(from_share + from_mirror);
        Report {
            complete: self.completed.is_some(),
            elapsed: self
                .completed
                .map_or_else(|| self.clock.elapsed(), |(_, elapsed)| elapsed),
            bytes: self.store.target().bytes(),
            reused: self.reused,
            from_share,
            from_mirror,
            from_peers: self.account.total(SourceKind::Peer),
            origin_bytes,
            uploaded: self.account.uploaded,
            wasted: self.account.wasted + links,
            bad_pieces: self.account.bad_pieces,
            origin_reader: self.account.read_time(),
            slots_held: origin.slots_ever.clone(),
            swarm_origin_bytes: origin.swarm_bytes.max(origin_bytes),
            guard: self.guard_state,
            reasons: self.account.reasons(),
            undone: self.applied.undone.clone(),
            removed: self.applied.removed,
            callers: self.account.callers,
            called: self.account.called,
            arrivals: Vec::new(),
            damaged: self.damaged.clone(),
        }
    }
}

/// Closes the copy, with all that belongs to its tree, and writes down that it is complete.
fn finish(store: &Store, content: &Content, job: &tree::Job) -> Result<tree::Applied, Error> {
    let mut applied = tree::Applied::default();
    store.finish_with(|place| {
        applied = tree::apply(place, job)?;
        Ok::<(), Error>(())
    })?;
    tree::clear(&content.beside_target(ASIDE_SUFFIX))?;
    let target = store.target();
    record::write(content, &content.target_path(), &|file| target.stores(file));
    Ok(applied)
}

impl Report {
    /// Takes what sources brought: their last words may come after the last piece was verified.
    fn count(&mut self, account: &Account) {
        self.from_share = account.total(SourceKind::Share);
        self.from_mirror = account.total(SourceKind::Mirror);
        self.from_peers = account.total(SourceKind::Peer);
        self.origin_bytes = self.origin_bytes.max(self.from_share + self.from_mirror);
    }
}
