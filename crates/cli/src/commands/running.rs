//! A copy or a seed under way: shows it, hears interruptions, tells the end.
//!
//! What must stay true: the report of a copy that ended well is the last line of JSON, what kept it from being all
//! right is told before it; of one that failed, the error is the last line.

use std::pin::pin;
use std::time::Duration;

use swarmcopy::{
    Config, Content, Copy, CopyOptions, Error, ErrorKind, Event, Finding, Outcome, Progress,
    Session,
};

use swarmcopy_sys::awake::{Awake, stay_awake};

use super::beside::{Beside, Wishes};
use super::found::{tell_left_out, tell_notes, tell_reading, telling};
use super::runtime::block_on;
use super::signals::Signals;
use crate::exit::{self, Style};
use crate::host::Host;
use crate::render::{self, CopyView};
use crate::what::What;
use crate::words;

/// How long a copy may take to write down what it has.
const GRACE: Duration = Duration::from_mins(1);
/// How long a look at the folder of the .torrent, or of what is served, may take.
const PREPARE_WITHIN: Duration = Duration::from_secs(2);

/// Whether decisions are told as they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Explain {
    /// Each with its reason.
    Yes,
    /// Only their numbers, at the end.
    No,
}

/// Whether the machine may go to sleep by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// At any time.
    Allowed,
    /// Only when the copy is complete.
    Disturbed,
}

/// What makes a content ready.
pub(super) type Prepare = Box<dyn FnOnce(Content) -> Content + Send>;

/// What to run and how to show it.
pub(super) struct Running<'a> {
    pub(super) host: &'a Host,
    pub(super) config: Config,
    pub(super) what: &'a What,
    pub(super) options: CopyOptions,
    pub(super) rest: Rest,
    /// What is still to be done once it is known what the content is; it may hang with a server.
    pub(super) prepare: Prepare,
    /// What becomes of the content where that takes too long.
    pub(super) unprepared: &'a dyn Fn(Content) -> Result<Content, Error>,
    pub(super) style: Style,
    pub(super) explain: Explain,
    /// Time between two lines of progress.
    pub(super) every: Option<Duration>,
    /// What runs beside the copy.
    pub(super) wishes: Wishes,
}

/// Runs a copy until it ends or is stopped; gives the exit code.
pub(super) fn run(running: Running<'_>) -> Result<u8, Error> {
    let host = running.host.clone();
    block_on(host.watched(copying(running)))
}

async fn copying(running: Running<'_>) -> Result<u8, Error> {
    let (host, style) = (running.host, running.style);
    tell_reading(running.what, style);
    let mut signals = Signals::listen(host)?;
    let beside = Beside::prepare(running.wishes, style).await?;
    let session = Session::builder().config(running.config).build().await;
    let session = session.map_err(words::of_build)?;
    // looking for the content may take longer than a system waits for a service to begin
    host.ready();
    let finding = Finding::default();
    let found = session.find_watched(&running.what.0, &running.options, &finding);
    let content = tokio::select! {
        content = telling(&finding, style, found) => content?,
        () = signals.interrupted() => return Err(interrupted()),
    };
    tell_notes(&content);
    let left_out = tell_left_out(&content);
    let content = tokio::select! {
        ready = prepared(running.prepare, content.clone()) => match ready {
            Some(content) => content,
            None => (running.unprepared)(content)?,
        },
        () = signals.interrupted() => return Err(interrupted()),
    };
    let adding = session.add(content, running.options);
    let copy = tokio::select! {
        copy = adding => copy?,
        () = signals.interrupted() => return Err(interrupted()),
    };
    host.status(&format!("copying {}", copy.name()));
    let mut showing = Showing {
        view: render::copy_view(style, running.every),
        host,
        beside,
        awake: match running.rest {
            Rest::Allowed => None,
            Rest::Disturbed => stay_awake("swarmcopy copies"),
        },
    };
    showing.view.started(&copy.started());
    showing.beside.begin(&copy);
    let ended = watch(&copy, &mut showing, &mut signals, running.explain).await;
    showing.beside.end(ended.failure.as_ref()).await;
    session.shutdown(GRACE).await;
    let interrupted = signals.was_interrupted().then(interrupted);
    let but = interrupted.or(left_out);
    Ok(tell(ended, showing.view.as_mut(), style, but))
}

/// What a copy is shown by, and what lasts until it is complete.
struct Showing<'a> {
    view: Box<dyn CopyView>,
    host: &'a Host,
    beside: Beside,
    awake: Option<Awake>,
}

impl Showing<'_> {
    fn complete(&mut self, elapsed: Duration) {
        self.view.complete(elapsed);
        self.beside.complete(elapsed);
        self.host.status("complete");
        self.awake = None;
    }
}

/// The content made ready; `None` where that takes too long.
async fn prepared(prepare: Prepare, content: Content) -> Option<Content> {
    let preparing = tokio::task::spawn_blocking(move || prepare(content));
    let prepared = tokio::time::timeout(PREPARE_WITHIN, preparing).await;
    prepared.ok()?.ok()
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted").with_hint("the same command goes on")
}

/// What can happen next.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack of the loop that takes it"
)]
enum Happening {
    Looked(Option<Progress>),
    Told(Option<Event>),
    Completed(Result<Duration, Error>),
    Interrupted,
}

/// Shows the copy until it ends.
async fn watch(
    copy: &Copy,
    showing: &mut Showing<'_>,
    signals: &mut Signals,
    explain: Explain,
) -> Outcome {
    let mut looks = copy.looks();
    let mut events = (explain == Explain::Yes).then(|| copy.events());
    let mut completing = pin!(copy.complete());
    let (mut completed, mut stopped) = (false, false);
    loop {
        let told = async {
            match &mut events {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        let happening = tokio::select! {
            biased;
            () = signals.interrupted(), if !stopped => Happening::Interrupted,
            event = told => Happening::Told(event),
            elapsed = &mut completing, if !completed => Happening::Completed(elapsed),
            look = looks.next() => Happening::Looked(look),
        };
        match happening {
            Happening::Looked(None) => break,
            Happening::Looked(Some(progress)) => showing.view.progress(&progress),
            Happening::Told(Some(Event::Decision(decision))) => showing.view.explain(&decision),
            Happening::Told(Some(_)) => {}
            Happening::Told(None) => events = None,
            Happening::Completed(elapsed) => {
                completed = true;
                if let Ok(elapsed) = elapsed {
                    showing.complete(elapsed);
                }
            }
            Happening::Interrupted => {
                stopped = true;
                copy.cancel();
            }
        }
    }
    if !completed && let Ok(elapsed) = completing.await {
        showing.complete(elapsed);
    }
    copy.finished().await
}

/// What was served is not the content.
fn differs(damaged: &[String]) -> Error {
    let first = damaged.first().map_or("", String::as_str);
    let more = match damaged.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("the copy differs from the torrent: {first}{more}");
    Error::new(ErrorKind::Mismatch, message)
        .with_hint("what was right of it was served; repair it by get")
}

/// Tells the end; gives the exit code. `but` is what keeps a copy that ended well from being all right.
fn tell(ended: Outcome, view: &mut dyn CopyView, style: Style, but: Option<Error>) -> u8 {
    let but_not = but
        .as_ref()
        .filter(|error| error.kind() != ErrorKind::Interrupted);
    let Outcome {
        report, failure, ..
    } = ended;
    view.end();
    if let Some(failure) = failure {
        view.report(&report);
        return exit::fail(&words::of_failure(failure), style);
    }
    let error = match but {
        _ if report.complete => but_not.cloned(),
        _ if !report.damaged.is_empty() => Some(differs(&report.damaged)),
        Some(but) => Some(but),
        None => {
            let error = Error::new(ErrorKind::Incomplete, "the copy is not complete");
            Some(error.with_hint("what was verified is kept; the same command goes on"))
        }
    };
    let code = error.map_or(exit::DONE, |error| exit::fail(&error, style));
    view.report(&report);
    code
}
