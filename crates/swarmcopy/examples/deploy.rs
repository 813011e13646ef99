//! A deployment tool in a few lines: `deploy TORRENT SHARE TARGET` copies, shows how far it is, and
//! leaves when nobody needs this machine any more.
#![expect(clippy::print_stdout, reason = "it is what the tool is for")]

use std::error::Error;
use std::path::PathBuf;

use swarmcopy::{Config, Content, Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(torrent), Some(share), Some(target)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: deploy TORRENT SHARE TARGET".into());
    };
    let session = Session::builder().config(Config::default()).build().await?;
    let content = Content::torrent(std::fs::read(torrent)?)?
        .share(share)
        .into_dir(target);
    let mut copy = session.add(content).await?;
    println!(
        "copying {}: {} bytes",
        copy.started().name,
        copy.started().bytes
    );
    while let Some(look) = copy.progress().await {
        println!(
            "{} of {} bytes, {} peers",
            look.verified, look.bytes, look.peers
        );
    }
    let report = copy.finished().await?;
    println!(
        "done in {:?}: {} bytes from the share",
        report.elapsed, report.from_share
    );
    session.shutdown().await;
    Ok(())
}
