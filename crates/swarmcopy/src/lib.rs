#![doc = include_str!("../README.md")]
//! Copies large trees to many machines from shares, mirrors and peers at once: the facade that tools embed.
//!
//! A [`Session`] holds what all copies of a process share; [`Session::add`] starts a copy of a [`Content`] and gives a
//! [`Copy`](struct@Copy) to watch and to steer it.
//!
//! ```
//! use std::time::Duration;
//! use swarmcopy::{Content, CopyOptions, MakeOptions, Session, make};
//!
//! # let dir = tempfile::tempdir()?;
//! # let (share, target) = (dir.path().join("share"), dir.path().join("target"));
//! # std::fs::create_dir_all(share.join("CS5/bin"))?;
//! # std::fs::write(share.join("CS5/bin/setup.exe"), vec![7; 100_000])?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let made = make(&MakeOptions::new(share.join("CS5")), &|_| {})?;
//! let listen = ([127, 0, 0, 1], 0).into();
//! let session = Session::builder().listen(listen).lsd(false).build().await?;
//! let content = Content::torrent(std::fs::read(made.torrent)?)?;
//! let copy = session.add(content, CopyOptions::new(&target).share(&share)).await?;
//! let report = copy.finished().await.into_result()?;
//! session.shutdown(Duration::from_secs(5)).await;
//! assert!(report.complete && report.from_share == 100_000);
//! assert_eq!(std::fs::read(target.join("CS5/bin/setup.exe"))?, vec![7; 100_000]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod checking;
mod config;
mod content;
mod copy;
mod description;
mod discovery;
mod disk;
mod engine;
mod error;
mod errors;
mod event;
mod examine;
mod facts;
mod fits;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guard;
mod holder;
mod hours;
mod id;
mod inner;
mod limits;
mod look;
mod make;
mod metalink;
mod mirrors;
mod opening;
mod origins;
mod outcome;
mod pattern;
mod policy;
mod provenance;
mod quick;
mod reach;
mod record;
mod recorded;
mod registry;
mod report;
mod reuse;
mod room;
mod running;
mod select;
mod session;
mod shares;
mod show;
mod start;
mod status;
mod tree;
mod verify;
mod web;
mod what;

pub use config::{
    Config, CopyOptions, Encryption, GROUP_LEN_MAX, GuardUse, Isolated, Limits,
    MACHINE_NAME_LEN_MAX, MachineClass, OriginMode, Record, RecordNames, Replace, StatusUse, Stay,
};
pub use content::Content;
pub use copy::{AddError, Copy, Looks, NoUse, StopOnDrop};
pub use description::{Description, DescriptionKind, FileDescription};
pub use discovery::Discovery;
pub use error::{Error, ErrorKind};
pub use errors::{BuildError, OptionError, OptionName};
pub use event::{Event, Events};
pub use examine::ShareLook;
pub use facts::digest_lanes;
pub use hours::Hours;
pub use id::{ContentId, ContentIdError};
pub use make::{Format, Links, Made, MakeOptions, MakeProgress, Names, Overwrite, PieceLen, make};
pub use outcome::{Failure, Outcome};
pub use quick::verify_quick;
pub use report::{
    Arrival, Explanation, GuardState, Phase, Progress, Report, SourceKind, SourceProgress,
    SourceState, Started,
};
pub use room::{DecisionStatus, MachineStatus, Room, Sighting, SourceStatus, StatusQuestion};
pub use session::{Session, SessionBuilder};
pub use swarmcopy_piece_store::StoreError;
pub use swarmcopy_sources::Network;
pub use swarmcopy_swarm::TrackerNote;
pub use swarmcopy_sys::host::name as host_name;
pub use tree::Preview;
pub use verify::{Evidence, Verified, VerifyProgress, differences, verify};
pub use what::{Asked, DOCUMENT_LEN_MAX, Finding, What};

/// Files, pieces and digests of a content: what [`Content::of`] takes and [`RangeSource`](source::RangeSource) is given.
pub mod layout {
    pub use swarmcopy_layout::{
        Attributes, FileDigest, FileEntry, FileIndex, FileSlice, Layout, LayoutBuilder,
        LayoutError, PathError, PieceDigest, PieceDigests, PieceIndex, Platform, RelPath, Span,
    };
}

/// What an origin of the embedder's own is made of.
pub mod source {
    pub use async_trait::async_trait;
    pub use swarmcopy_scheduler::{OriginKind, OriginPermit, OriginTag};
    #[cfg(feature = "contract")]
    pub use swarmcopy_sources::contract;
    pub use swarmcopy_sources::{
        Blame, Chunk, Finding, Lack, OriginSource, PieceSource, RangeError, RangeSource,
        SinkTarget, SourceError, SpanSink,
    };
}
