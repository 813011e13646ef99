//! A copy from its beginning to its end, with pauses: runs engines one after another.
//!
//! What must stay true: a paused copy holds nothing; its report counts what all its engines did.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_piece_store::Tenure;
use tokio::sync::{mpsc, oneshot, watch};

use crate::content::Content;
use crate::copy::{AddError, Order, Way};
use crate::engine::{Clock, Note, Outlets, interrupted};
use crate::inner::Inner;
use crate::outcome::Outcome;
use crate::report::{Phase, Progress, Report, Started};
use crate::start::Prepared;

/// How often is looked whether a store is free.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a copy needs to run.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) session: Arc<Inner>,
    pub(crate) content: Content,
    pub(crate) clock: Clock,
    pub(crate) outlets: Outlets,
    pub(crate) started: watch::Sender<Started>,
    pub(crate) orders: mpsc::Receiver<Order>,
    /// What engines did that ended in a pause.
    pub(crate) past: Option<Report>,
    /// That of the last engine's store, which a check that was begun may prolong.
    pub(crate) tenure: Tenure,
}

/// Where a copy stands.
enum Turn {
    Run(Box<Prepared>),
    Pause,
}

/// Who waits for what of an engine that is told to end.
#[derive(Default)]
struct Waiting {
    paused: Vec<oneshot::Sender<()>>,
    resumed: Vec<oneshot::Sender<Result<(), AddError>>>,
    /// Whether the engine ends for a pause.
    ends: bool,
    /// Whether another follows it at once.
    goes_on: bool,
    /// What was selected before, should nothing match what is now.
    former: Option<Vec<String>>,
}

impl Running {
    /// Runs to the end.
    pub(crate) async fn run(mut self, first: Prepared) -> Outcome {
        let mut turn = Turn::Run(Box::new(first));
        loop {
            turn = match turn {
                Turn::Run(prepared) => match self.run_engine(*prepared).await {
                    Ok(turn) => turn,
                    Err(outcome) => return self.ended(*outcome),
                },
                Turn::Pause => {
                    let Some(prepared) = self.wait().await else {
                        let report = self.past.take().unwrap_or_default();
                        return Outcome::of(report, interrupted());
                    };
                    Turn::Run(Box::new(prepared))
                }
            };
        }
    }

    /// Runs one engine: what comes after it, or the end.
    async fn run_engine(&mut self, prepared: Prepared) -> Result<Turn, Box<Outcome>> {
        let stop = self.outlets.stop.child_token();
        let notes = prepared.notes();
        self.tenure = prepared.tenure();
        let mut outlets = self.outlets.clone();
        outlets.stop = stop.clone();
        let mut engine = Box::pin(prepared.run(self.clock, outlets));
        let mut waiting = Waiting::default();
        let outcome = loop {
            tokio::select! {
                outcome = &mut engine => break outcome,
                Some(order) = self.orders.recv() => {
                    self.take_order(order, &mut waiting, &notes);
                    if waiting.ends {
                        stop.cancel();
                    }
                }
            }
        };
        drop(engine);
        let is_pause = waiting.ends && !self.outlets.stop.is_cancelled();
        let failed = outcome.failure.as_ref();
        let fails = failed.is_some_and(|it| it.kind != crate::ErrorKind::Interrupted);
        if !is_pause || fails {
            return Err(Box::new(outcome));
        }
        self.past = Some(outcome.report.after(self.past.take()));
        self.show_pause();
        Ok(self.after_pause(waiting).await)
    }

    /// Answers those who asked for a pause; goes on if somebody asked for that.
    async fn after_pause(&mut self, waiting: Waiting) -> Turn {
        for reply in waiting.paused {
            // who asked may have gone
            let _ = reply.send(());
        }
        if !waiting.goes_on {
            return Turn::Pause;
        }
        let mut opened = self.open().await;
        let answer = opened.as_ref().map(|_| ()).map_err(Clone::clone);
        if let (Err(_), Some(former)) = (&opened, waiting.former) {
            self.content.options.select = former;
            opened = self.open().await;
        }
        for reply in waiting.resumed {
            let _ = reply.send(answer.clone());
        }
        opened.map_or(Turn::Pause, |prepared| Turn::Run(Box::new(prepared)))
    }

    fn take_order(&mut self, order: Order, waiting: &mut Waiting, notes: &mpsc::Sender<Note>) {
        match order {
            Order::Pause(reply) => {
                waiting.paused.push(reply);
                (waiting.ends, waiting.goes_on) = (true, false);
            }
            Order::Resume(reply) if waiting.ends => {
                waiting.resumed.push(reply);
                waiting.goes_on = true;
            }
            Order::Resume(reply) => {
                let _ = reply.send(Ok(()));
            }
            Order::Select(patterns, reply) => {
                let former = std::mem::replace(&mut self.content.options.select, patterns);
                waiting.former.get_or_insert(former);
                waiting.resumed.push(reply);
                (waiting.ends, waiting.goes_on) = (true, true);
            }
            Order::Add(way, reply) => {
                if self.keep(&way, reply) {
                    let notes = notes.clone();
                    // waits for room; the engine has just ended where nobody listens, and the next begins with it
                    tokio::spawn(async move { notes.send(Note::Way(way)).await });
                }
            }
        }
    }

    /// Waits in a pause: the next beginning, or `None` for the end.
    async fn wait(&mut self) -> Option<Prepared> {
        loop {
            let order = tokio::select! {
                () = self.outlets.stop.cancelled() => return None,
                // handles may all be gone, the session stops the copy then
                Some(order) = self.orders.recv() => order,
            };
            match order {
                Order::Pause(reply) => {
                    let _ = reply.send(());
                }
                Order::Resume(reply) => {
                    let opened = self.open().await;
                    let answer = opened.as_ref().map(|_| ()).map_err(Clone::clone);
                    let _ = reply.send(answer);
                    if let Ok(prepared) = opened {
                        return Some(prepared);
                    }
                }
                Order::Select(patterns, reply) => {
                    let checked = crate::select::wanted(&self.content.layout, &patterns);
                    if checked.is_ok() {
                        self.content.options.select = patterns;
                    }
                    let _ = reply.send(checked.map(|_| ()).map_err(AddError::Start));
                }
                Order::Add(way, reply) => {
                    self.keep(&way, reply);
                }
            }
        }
    }

    /// The next engine is to know of it, too; whether the copy has a use for it.
    fn keep(&mut self, way: &Way, reply: oneshot::Sender<Result<(), AddError>>) -> bool {
        let checked = way.check(&self.content);
        // who asked may have gone
        let _ = reply.send(checked.map_err(AddError::NoUse));
        if checked.is_err() {
            return false;
        }
        let options = &mut self.content.options;
        match way {
            Way::Peer(peer) => options.peers.push(peer.to_string()),
            Way::Mirror(url) => options.mirrors.push(url.clone()),
            Way::Range(source) => self.content.ranges.push(Arc::clone(source)),
        }
        true
    }

    async fn open(&self) -> Result<Prepared, AddError> {
        let mut look = tokio::time::interval(LOOK_EVERY);
        while !self.tenure.is_over() {
            tokio::select! {
                _ = look.tick() => {}
                () = self.outlets.stop.cancelled() => return Err(AddError::Over),
            }
        }
        let prepared = Prepared::open(Arc::clone(&self.session), self.content.clone()).await?;
        let started = prepared.started();
        self.outlets
            .progress
            .send_replace(Progress::new(started.bytes));
        self.started.send_replace(started);
        Ok(prepared)
    }

    fn show_pause(&self) {
        self.outlets.progress.send_modify(|look| {
            look.phase = Phase::Paused;
            look.peers = 0;
            look.rate = 0;
            look.slots.clear();
            look.sources.clear();
            look.waiting_for = None;
        });
        self.outlets
            .events
            .tell(crate::event::Event::Phase(Phase::Paused));
    }

    fn ended(&mut self, mut outcome: Outcome) -> Outcome {
        outcome.report = outcome.report.after(self.past.take());
        outcome
    }
}
