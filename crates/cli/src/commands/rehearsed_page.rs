//! The page of a room that is being rehearsed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy::{Config, Content, CopyOptions, Error, ErrorKind, Session};
use swarmcopy_rehearsal::Staged;
use swarmcopy_room::{Server, Watch};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::room;
use crate::args::RehearseArgs;
use crate::exit::Style;
use crate::output;
use crate::render::room::PageEvent;
use crate::words;

/// A page that stands as long as the rehearsal lasts.
pub(super) struct Page {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Page {
    /// Takes the port, and shows the room as soon as it stands, and its machines as they are started.
    pub(super) async fn open(
        args: &RehearseArgs,
        (mut stage, started): (mpsc::Receiver<Staged>, mpsc::Receiver<SocketAddr>),
    ) -> Result<Self, Error> {
        let server = room::bind(args.listen).await?;
        let url = format!("http://{}/", server.addr());
        match Style::of(args.json) {
            Style::Json => output::json(&PageEvent::new(&url, "rehearsal")),
            Style::Human => output::note(&format!("the room at {url}")),
        }
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let Some(staged) = stage.recv().await else {
                return;
            };
            if let Err(error) = show(server, (&staged, started), stopped).await {
                output::note(&format!("warning: no page of the room: {error}"));
            }
        });
        Ok(Self { stop, task })
    }

    /// The rehearsal is over.
    pub(super) async fn close(self) {
        self.stop.cancel();
        // a task that failed has ended, too
        let _ = self.task.await;
    }
}

async fn show(
    server: Server,
    (staged, mut started): (&Staged, mpsc::Receiver<SocketAddr>),
    stop: CancellationToken,
) -> Result<(), Error> {
    let mut config = Config::default();
    config.looks_on = true;
    config.listen = Some(([127, 0, 0, 1], 0).into());
    // found by the tracker alone: nothing of a rehearsal goes out to the network
    config.lsd = false;
    let session = Session::builder().config(config).build().await;
    let session = session.map_err(words::of_build)?;
    let mut options = CopyOptions::new(".");
    options.trackers = vec![staged.tracker.clone()];
    let content = Content::torrent(&staged.torrent)?;
    let watch = Watch::start(&session, (&content, &options), &[], stop.clone())?;
    let meetings = watch.meetings.clone();
    // ends with the rehearsal, which starts them
    tokio::spawn(async move {
        while let Some(addr) = started.recv().await {
            if meetings.send(addr).await.is_err() {
                return;
            }
        }
    });
    let served = server
        .show(Arc::clone(&watch.room), watch.details.clone(), stop)
        .await;
    watch.ended().await;
    session.shutdown(Duration::ZERO).await;
    served.map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))
}
