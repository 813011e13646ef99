//! Copies large trees to many machines from shares, mirrors and peers at once: the facade that tools embed.

mod config;
mod error;
mod make;
mod report;

pub use config::{Config, CopyOptions, Isolated, OriginMode, Stay};
pub use error::{Error, ErrorKind};
pub use make::{Format, Made, MakeOptions, MakeProgress, Overwrite, PieceLen, make};
pub use report::{Phase, Progress, Report, SourceKind, SourceProgress, Started};
