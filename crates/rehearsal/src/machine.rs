//! One machine of a rehearsal: a session with an address of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use swarmcopy::{Config, Content, Copy, CopyOptions, Error, ErrorKind, Report, Session, Stay};
use swarmcopy_sources::{OriginSource, Shape, ShareSource};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::counted::CountedShare;
use crate::flow::Flow;
use crate::stage::Stage;
use crate::{Came, MachineProgress, RehearsalOrigin};

/// How long a machine may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// How a machine ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) started_at: Instant,
    pub(crate) completed_at: Instant,
    pub(crate) took: Duration,
    pub(crate) report: Report,
    pub(crate) came: Vec<Came>,
}

/// A machine under way.
#[derive(Debug)]
pub(crate) struct Machine {
    session: Session,
    copy: Copy,
    started_at: Instant,
    looks: JoinHandle<Flow>,
}

impl Machine {
    /// Starts machine `number` of the stage.
    pub(crate) async fn start(
        stage: &Stage,
        number: u16,
        look: mpsc::Sender<MachineProgress>,
    ) -> Result<Self, Error> {
        let started_at = Instant::now();
        let mut config = Config::default();
        config.listen = Some(SocketAddr::new(address(number), 0));
        // found by the tracker alone: nothing of a rehearsal goes out to the network
        config.lsd = false;
        config.limit_down = stage.link_rate;
        config.limit_up = stage.link_rate;
        let session = Session::builder().config(config).build().await?;
        stage.note_session(&session);
        let (content, options) = content_for(stage, number).await?;
        let copy = session.add(content, options).await?;
        if let Some(started) = &stage.options.started {
            // who does not listen finds it by the tracker
            let _ = started.try_send(copy.started().listen);
        }
        let mut watch = copy.looks();
        let kept = stage.options.keep_arrivals;
        let looks = tokio::spawn(async move {
            let mut flow = Flow::default();
            while let Some(progress) = watch.next().await {
                if kept {
                    flow.look(&progress);
                }
                let machine = usize::from(number);
                // whoever looks may be slow or gone: the next look comes soon
                let _ = look.try_send(MachineProgress { machine, progress });
            }
            flow
        });
        Ok(Self {
            session,
            copy,
            started_at,
            looks,
        })
    }

    /// Waits until the copy is complete: when that was, and how long after the start.
    pub(crate) async fn complete(&self) -> Result<(Instant, Duration), Error> {
        let took = self.copy.complete().await?;
        Ok((self.started_at + took, took))
    }

    /// Ends the machine, which served the others until now.
    pub(crate) async fn end(self, completed: (Instant, Duration)) -> Result<End, Error> {
        let report = self.copy.stop().await.into_result()?;
        self.session.shutdown(GRACE).await;
        // it ends with the copy
        let flow = self.looks.await.unwrap_or_default();
        let (completed_at, took) = completed;
        Ok(End {
            started_at: self.started_at,
            completed_at,
            took,
            report,
            came: flow.end(),
        })
    }
}

/// 127.0.0.2 and on.
fn address(number: u16) -> IpAddr {
    let [high, low] = (number + 2).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 0, high, low))
}

async fn content_for(stage: &Stage, number: u16) -> Result<(Content, CopyOptions), Error> {
    let mut options = CopyOptions::new(stage.machine_folder(number));
    options.trackers = vec![stage.tracker.clone()];
    options.readers_max = stage.options.readers_max;
    options.stay = Stay::Always;
    options.machine_name = Some(format!("machine {}", number.saturating_add(1)));
    options.keep_arrivals = stage.options.keep_arrivals;
    if let Some(mirror) = &stage.mirror {
        options.mirrors = vec![format!("{mirror}/m{number}/")];
    }
    let content = Content::torrent(&stage.torrent)?;
    if stage.options.origin == RehearsalOrigin::Mirror {
        return Ok((content, options));
    }
    let shape = if stage.original.is_dir() {
        Shape::Tree
    } else {
        Shape::File
    };
    let (name, layout) = (
        content.file_name().clone(),
        Arc::new(content.layout().clone()),
    );
    let original = stage.original.clone();
    let failed = |what: String| Error::new(ErrorKind::Failed, what);
    let looking = move || ShareSource::find(&original, &name, shape, layout);
    let share = tokio::task::spawn_blocking(looking).await;
    let share = share.map_err(|error| failed(error.to_string()))?;
    let share = share.map_err(|error| failed(error.to_string()))?;
    let share: Arc<dyn OriginSource> =
        Arc::new(share.with_limits(vec![Arc::clone(&stage.origin_limit)]));
    let meter = stage
        .meters
        .get(usize::from(number))
        .map(Arc::clone)
        .unwrap_or_default();
    let content = content.origin(Arc::new(CountedShare::new(share, meter)));
    Ok((content, options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RehearsalOptions;
    use tokio_util::sync::CancellationToken;

    #[tokio::test]
    async fn machines_are_told_how_many_may_read() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("it");
        std::fs::write(&source, [7; 1000]).unwrap();
        let mut options = RehearsalOptions::new(&source);
        options.readers_max = 2;
        let stop = CancellationToken::new();
        let stage = Stage::set(options, dir.path(), &stop).await.unwrap();
        let (_, told) = content_for(&stage, 0).await.unwrap();
        assert_eq!(told.readers_max, 2);
        stop.cancel();
    }

    #[tokio::test]
    async fn who_listens_hears_of_the_hashing_and_where_machines_listen() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("it");
        std::fs::write(&source, [7; 1000]).unwrap();
        let mut options = RehearsalOptions::new(&source);
        let (hashing, mut hashed) = mpsc::channel(1);
        let (started, mut machines) = mpsc::channel(1);
        (options.hashing, options.started) = (Some(hashing), Some(started));
        let stop = CancellationToken::new();
        let stage = Stage::set(options, dir.path(), &stop).await.unwrap();
        let told = hashed.try_recv().expect("a word of the hashing");
        assert_eq!(told.bytes, 1000);
        let (look, _looks) = mpsc::channel(1);
        let machine = Machine::start(&stage, 3, look).await.unwrap();
        let addr = machines.try_recv().expect("a machine's address");
        assert_eq!(addr, machine.copy.started().listen);
        assert_eq!(addr.ip(), address(3));
        stage.end_machines().await;
        stop.cancel();
    }
}
