//! Deploys trees that lie in an object store: `deploy BUCKET-URL TARGET TORRENT..`; `pause`, `resume` and `stop` on stdin.
use std::{error::Error, sync::Arc, time::Duration};
use swarmcopy::layout::FileEntry;
use swarmcopy::source::{RangeError, RangeSource, async_trait};
use swarmcopy::{Content, CopyOptions, Session, Stay};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[derive(Debug)]
struct Objects(reqwest::Client, String);
#[async_trait]
impl RangeSource for Objects {
    fn name(&self) -> String {
        self.1.clone()
    }
    async fn read(&self, file: &FileEntry, at: u64, to: &mut [u8]) -> Result<(), RangeError> {
        let broken = |error: reqwest::Error| RangeError::Broken(error.to_string());
        let range = format!("bytes={at}-{}", at + to.len() as u64 - 1);
        let asked = self.0.get(format!("{}/{}", self.1, file.path())).header("range", range);
        let answer = asked.send().await.map_err(broken)?;
        let (code, what) = (answer.status().as_u16(), answer.status().to_string());
        let bytes = answer.bytes().await.map_err(broken)?;
        match code {
            206 if bytes.len() == to.len() => Ok(to.copy_from_slice(&bytes)),
            401 | 403 => Err(RangeError::Refused(what)),
            404 => Err(RangeError::Absent(what)),
            _ => Err(RangeError::Broken(what)),
        }
    }
}
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (bucket, target) = args.next().zip(args.next()).ok_or("deploy BUCKET-URL TARGET TORRENT..")?;
    let (session, mut copies, mut ended) = (Session::builder().lsd(false).build().await?, Vec::new(), Ok(()));
    for torrent in args {
        let content = Content::torrent(std::fs::read(torrent)?)?;
        let objects = Objects(reqwest::Client::new(), format!("{bucket}/{}", content.name()));
        let options = CopyOptions::new(&target).stay(Stay::For(Duration::ZERO));
        copies.push(session.add(content.source(Arc::new(objects)), options).await?);
    }
    let (steered, mut lines) = (copies.clone(), BufReader::new(stdin()).lines());
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            for copy in &steered {
                match line.as_str() {
                    "pause" => copy.pause().await,
                    "resume" => drop(copy.resume().await),
                    _ => copy.cancel(),
                }
            }
        }
    });
    for copy in copies {
        let outcome = copy.finished().await;
        println!("{}: {} of {} bytes from the store", copy.name(), outcome.report.from_mirror, outcome.report.bytes);
        ended = ended.and(outcome.into_result().map(drop)); // the kind of the first failure ends the program
    }
    session.shutdown(Duration::from_secs(5)).await;
    Ok(ended?)
}
