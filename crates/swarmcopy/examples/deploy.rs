//! A deployment tool in a few lines: `deploy TORRENT SHARE TARGET` copies, shows how far it is, and
//! leaves when nobody needs this machine any more.
#![expect(clippy::print_stdout, reason = "it is what the tool is for")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use swarmcopy::{Content, CopyOptions, Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(torrent), Some(share), Some(target)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: deploy TORRENT SHARE TARGET".into());
    };
    let session = Session::builder().build().await?;
    let content = Content::torrent(std::fs::read(torrent)?)?;
    let copy = session
        .add(content, CopyOptions::new(target).share(share))
        .await?;
    let started = copy.started();
    println!("copying {}: {} bytes", started.name, started.bytes);
    let mut looks = copy.looks();
    while let Some(look) = looks.next().await {
        println!(
            "{} of {} bytes, {} peers",
            look.verified, look.bytes, look.peers
        );
    }
    let report = copy.finished().await.into_result()?;
    println!(
        "done in {:?}: {} bytes from the share",
        report.elapsed, report.from_share
    );
    session.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
