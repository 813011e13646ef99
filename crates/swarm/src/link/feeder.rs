//! Reads ahead what the peer has asked for: whole runs, while earlier ones are being sent.

use std::io;
use std::sync::Arc;

use swarmcopy_layout::{PieceIndex, Span};

use super::Shared;
use crate::LinkEnd;
use crate::command::Command;

/// Keeps blocks ready until the link ends.
pub(crate) async fn run(shared: &Arc<Shared>) -> LinkEnd {
    loop {
        let run = {
            let upload = &mut shared.state().upload;
            upload.set_read_ahead(shared.common.read_ahead_len());
            upload.run()
        };
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
    let layout = &shared.common.layout;
    match shared.common.blocks.read(run).await {
        Ok(parts) => shared.state().upload.fill(run, parts),
        // some pieces of it may be right
        Err(_) if layout.pieces_of(run).count() > 1 => {
            for piece in layout.pieces_of(run) {
                read_piece(shared, piece, run.intersection(layout.piece_span(piece))).await?;
            }
        }
        Err(error) => give_up(shared, layout.piece_at(run.start()), run, &error)?,
    }
    shared.wake_writers();
    Ok(())
}

async fn read_piece(shared: &Shared, piece: PieceIndex, part: Span) -> Result<(), LinkEnd> {
    match shared.common.blocks.read(part).await {
        Ok(parts) => {
            shared.state().upload.fill(part, parts);
            Ok(())
        }
        Err(error) => give_up(shared, Some(piece), part, &error),
    }
}

/// Refuses what can't be read. A piece that is wrong is given up for all peers: it must not be read and hashed
/// for each block of it that any of them asks for.
fn give_up(
    shared: &Shared,
    piece: Option<PieceIndex>,
    part: Span,
    error: &io::Error,
) -> Result<(), LinkEnd> {
    tracing::warn!(%error, %part, "cannot read back for uploading");
    if error.kind() == io::ErrorKind::InvalidData
        && let Some(piece) = piece
        && shared.common.have.withdraw(piece)
    {
        // a hub that is too busy to tell the peers has refusals tell them
        let _ = shared.common.hub.try_send(Command::Withdrawn { piece });
    }
    let refused = shared.state().upload.fail(part);
    for block in refused.into_iter().filter(|_| shared.fast) {
        shared.reply(block.reject())?;
    }
    Ok(())
}
