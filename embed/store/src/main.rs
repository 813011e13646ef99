//! A client of its own over the piece store: takes a file from another folder piece by piece, with a stop between.
//! `store FROM-FILE TO-FOLDER`.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, mpsc};

use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, RelPath, Span};
use swarmcopy_piece_store::{Options, Shape, Store, StoreEvent, Target};

const PIECE_LEN: usize = 64 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = args.as_slice() else { return Err("usage: store FROM-FILE TO-FOLDER".into()) };
    let bytes = std::fs::read(from)?;
    let name = Path::new(from).file_name().and_then(|name| name.to_str()).ok_or("no name")?;
    let layout = Layout::builder(PIECE_LEN as u64).file(RelPath::parse(name)?, bytes.len() as u64);
    let layout = Arc::new(layout.build()?);
    let digests = bytes.chunks(PIECE_LEN).map(|piece| PieceDigest::Sha1(swarmcopy_digest::sha1(piece)));
    let digests = Arc::new(PieceDigests::new(digests.collect()));
    let target = Target::new(RelPath::parse(name)?, Shape::File, layout, digests, [7; 32])?;
    // half of it, then the other half as if after a restart
    let half = Span::new(0, bytes.len() as u64 / 2 / PIECE_LEN as u64 * PIECE_LEN as u64);
    println!("{} pieces first", copy(from.as_ref(), to.as_ref(), &target, half)?);
    println!("{} pieces then", copy(from.as_ref(), to.as_ref(), &target, Span::new(0, bytes.len() as u64))?);
    Ok(())
}

/// Copies what is missing of a span; how many pieces came.
fn copy(from: &Path, to: &Path, target: &Target, span: Span) -> Result<u32, Box<dyn Error>> {
    let (tell, told) = mpsc::channel();
    let listen = Box::new(move |event: StoreEvent| tell.send(event).unwrap_or(()));
    let (store, resume) = Store::open(to, target.clone(), &Options::default(), listen)?;
    let mut have = resume.have;
    have.union_with(&store.recheck(&resume.recheck, &|_, _| ())?);
    let (mut file, mut came) = (File::open(from)?, 0);
    for piece in target.layout().pieces_of(span).filter(|piece| !have.contains(*piece)) {
        while let Some((span, mut buffer)) = store.reserve(target.layout().piece_span(piece), 1) {
            file.seek(SeekFrom::Start(span.start()))?;
            file.read_exact(&mut buffer)?;
            store.commit(span, 1, buffer);
        }
        match told.recv()? {
            StoreEvent::PieceOk { .. } => came += 1,
            other => return Err(format!("{other:?}").into()),
        }
    }
    if have.len() + came == target.layout().pieces() {
        store.finish()?
    } else {
        store.close()?
    }
    Ok(came)
}
