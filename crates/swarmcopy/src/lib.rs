//! Copies large trees to many machines from shares, mirrors and peers at once: the facade that tools embed.

mod config;
mod content;
mod engine;
mod error;
mod make;
pub mod rehearsal;
mod report;
mod session;
mod start;
mod show;
pub mod tracker;
mod verify;

pub use config::{Config, CopyOptions, Isolated, OriginMode, Stay};
pub use content::Content;
pub use error::{Error, ErrorKind};
pub use make::{Format, Made, MakeOptions, MakeProgress, Overwrite, PieceLen, make};
pub use report::{Explanation, Phase, Progress, Report, SourceKind, SourceProgress, Started};
pub use session::{Explanations, Looks, RunningCopy, Session, SessionBuilder};
pub use show::{Description, FileDescription};
pub use verify::{Verified, VerifyProgress, verify};
