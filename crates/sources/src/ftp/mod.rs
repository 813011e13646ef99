//! A mirror that is an FTP or FTPS server (RFC 959, RFC 3659, RFC 4217).
//!
//! One control connection per slot, one file per data connection, passive mode alone. Servers without `REST` send
//! files from their beginning alone: long ones are read once for all who want a part. What must stay true:
//! nothing is asked without a permit, data comes from the address of the control connection whatever the
//! server names, and no address with a password is ever told.

mod coming;
#[cfg(all(any(test, fuzzing), feature = "contract", feature = "ftp"))]
pub(crate) mod fuzzing;
mod passive;
mod reader;
mod server;
mod session;
mod sessions;
mod turns;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use passive::passive_port;

use async_trait::async_trait;
use swarmcopy_layout::{FileIndex, Layout, RelPath, Span};
use swarmcopy_scheduler::{OriginKind, OriginPermit};

use crate::gate::Gate;
use crate::http::MirrorError;
use crate::http::notes::Notes;
use crate::http::target::{Schemes, Target};
use crate::whole::Sequences;
use crate::{MirrorOptions, OriginSource, PieceSource, Shape, SourceError};
use server::Server;
pub use sessions::FTP_STREAMS_MAX;
use sessions::Sessions;

/// An FTP server that holds a content.
#[derive(Debug)]
pub struct FtpSource {
    server: Arc<Server>,
}

impl FtpSource {
    /// Takes the server at `url`, `ftp:` or `ftps:`. Files lie where they would on a web server (see
    /// [`MirrorSource::new`](crate::MirrorSource::new)), below the folder that the login leads to. `ftps:`
    /// means TLS from the first byte on port 990, and `AUTH TLS` on any other. Proxies are not used.
    pub fn new(
        url: &str,
        name: &RelPath,
        shape: Shape,
        layout: Arc<Layout>,
        options: MirrorOptions,
    ) -> Result<Self, MirrorError> {
        let target = Target::new(url, Schemes::Ftp, name, shape, &options)?;
        Ok(Self::at(target, layout, options))
    }

    /// Takes a server that has just these files of the content, each at its own URL.
    pub fn of_files(
        files: &[(FileIndex, String)],
        layout: Arc<Layout>,
        options: MirrorOptions,
    ) -> Result<Self, MirrorError> {
        let target = Target::of_files(files, Schemes::Ftp, &options)?;
        Ok(Self::at(target, layout, options))
    }

    fn at(target: Target, layout: Arc<Layout>, options: MirrorOptions) -> Self {
        let sessions = Arc::new(Sessions::new(&target, &options));
        Self {
            server: Arc::new(Server {
                target,
                layout,
                options,
                notes: Notes::default(),
                sessions,
                sequences: Sequences::default(),
                knows_no_rest: AtomicBool::new(false),
            }),
        }
    }

    /// Looks up where a server of others is, as [`MirrorSource::find_home`](crate::MirrorSource::find_home)
    /// does.
    pub async fn find_home(&self) {
        self.server.sessions.find_home(&self.server.options).await;
    }
}

#[async_trait]
impl OriginSource for FtpSource {
    fn kind(&self) -> OriginKind {
        OriginKind::Mirror
    }

    fn name(&self) -> String {
        self.server.target.shown().to_owned()
    }

    fn identity(&self) -> String {
        self.server.target.identity()
    }

    fn streams_max(&self) -> u32 {
        self.server.sessions.count()
    }

    fn lacks(&self) -> Vec<Span> {
        self.server.target.lacked(&self.server.layout)
    }

    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
        let server = Arc::clone(&self.server);
        Ok(Arc::new(reader::FtpReader::new(server, Gate::new(permit))))
    }
}
