//! Bytes that came before anybody wanted them, in a temporary file that has no name.
//!
//! What must stay true: the file goes away with the last who holds it, and reading and writing happen on
//! threads that may block.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use swarmcopy_layout::Span;

/// One file's spool; its bytes stand at the offsets that they have in the content's file.
#[derive(Debug, Clone)]
pub(super) struct Spool(Arc<File>);

impl Spool {
    /// Makes an empty one in `folder`, or where the system keeps temporary files.
    pub(super) async fn create(folder: Option<PathBuf>) -> io::Result<Self> {
        let create = move || {
            let folder = folder.unwrap_or_else(std::env::temp_dir);
            swarmcopy_sys::unnamed::create(&folder)
        };
        Ok(Self(Arc::new(blocking(create).await?)))
    }

    /// Writes `bytes` at `offset`. A write that is not waited for goes on, and is done again by the next.
    pub(super) async fn write(&self, offset: u64, bytes: Bytes) -> io::Result<()> {
        let file = Arc::clone(&self.0);
        blocking(move || swarmcopy_sys::io::write_all_at(&file, &bytes, offset)).await
    }

    /// Reads `span`, which was written; no more than a few hundred KiB at a time.
    pub(super) async fn read(&self, span: Span) -> io::Result<Vec<u8>> {
        let file = Arc::clone(&self.0);
        let read = move || {
            let len = usize::try_from(span.len()).map_err(io::Error::other)?;
            let mut bytes = vec![0; len];
            swarmcopy_sys::io::read_exact_at(&file, &mut bytes, span.start())?;
            Ok(bytes)
        };
        blocking(read).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
