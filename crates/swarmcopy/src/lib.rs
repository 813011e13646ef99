//! Copies large trees to many machines from shares, mirrors and peers at once: the facade that tools embed.
//!
//! A [`Session`] holds what all copies of a process share; [`Session::add`] starts a copy of a
//! [`Content`] and gives a [`RunningCopy`] to watch and to stop it.
//!
//! ```
//! use swarmcopy::{Config, Content, MakeOptions, Session, make};
//!
//! # let dir = tempfile::tempdir()?;
//! # let (share, target) = (dir.path().join("share"), dir.path().join("target"));
//! # std::fs::create_dir_all(share.join("CS5/bin"))?;
//! # std::fs::write(share.join("CS5/bin/setup.exe"), vec![7; 100_000])?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let made = make(&MakeOptions::new(share.join("CS5")), &|_| {})?;
//! let mut config = Config::default();
//! config.listen = Some(([127, 0, 0, 1], 0).into());
//! config.lsd = false; // no word to the local network
//! let session = Session::builder().config(config).build().await?;
//! let content = Content::torrent(std::fs::read(made.torrent)?)?.share(&share).into_dir(&target);
//! let copy = session.add(content).await?;
//! let report = copy.finished().await?;
//! session.shutdown().await;
//! assert!(report.complete && report.from_share == 100_000);
//! assert_eq!(std::fs::read(target.join("CS5/bin/setup.exe"))?, vec![7; 100_000]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod content;
mod description;
mod engine;
mod error;
mod guard;
mod holder;
mod hours;
mod inner;
mod limits;
mod look;
mod make;
mod metalink;
mod mirrors;
mod origins;
mod policy;
mod provenance;
mod report;
mod reuse;
mod select;
mod session;
mod shares;
mod show;
mod start;
mod tree;
mod verify;
mod web;
mod what;

pub use config::{
    Config, CopyOptions, Encryption, GuardUse, Isolated, MachineClass, OriginMode, Replace, Stay,
    group_len_max,
};
pub use content::Content;
pub use description::{Description, DescriptionKind, FileDescription};
pub use error::{Error, ErrorKind};
pub use hours::Hours;
pub use make::{Format, Links, Made, MakeOptions, MakeProgress, Names, Overwrite, PieceLen, make};
pub use report::{
    Arrival, Explanation, GuardState, Phase, Progress, Report, SourceKind, SourceProgress,
    SourceState, Started,
};
pub use session::{Explanations, Looks, RunningCopy, Session, SessionBuilder};
pub use swarmcopy_sources::Network;
pub use tree::Preview;
pub use verify::{Verified, VerifyProgress, differences, verify};
pub use what::{What, document_len_max};
