//! Reads ahead what the peer has asked for: whole runs, while earlier ones are being sent.

use std::sync::Arc;

use swarmcopy_layout::Span;

use super::Shared;
use crate::LinkEnd;

/// Keeps blocks ready until the link ends.
pub(crate) async fn run(shared: &Arc<Shared>) -> LinkEnd {
    loop {
        let run = shared.state().upload.run();
        match run {
            Some(run) => {
                if let Err(end) = read(shared, run).await {
                    return end;
                }
            }
            None => shared.feeder.notified().await,
        }
    }
}

async fn read(shared: &Shared, run: Span) -> Result<(), LinkEnd> {
    match shared.common.blocks.read(run).await {
        Ok(parts) => shared.state().upload.fill(run, parts),
        Err(error) => {
            tracing::warn!(%error, %run, "cannot read back for uploading");
            let refused = shared.state().upload.fail();
            for block in refused.into_iter().filter(|_| shared.fast) {
                shared.reply(block.reject())?;
            }
        }
    }
    shared.wake_writers();
    Ok(())
}
