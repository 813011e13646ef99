//! Events, written short and read with care.
//!
//! What must stay true: an event that is read is one that a scheduler may be told: its pieces lie in the layout.

use swarmcopy_layout::{Layout, PieceIndex, PieceSet, Span, Spans};
use swarmcopy_scheduler::origin::{Hours, SlotMessage};
use swarmcopy_scheduler::{
    Discovery, Down, Event, Has, Hello, JobId, LockWord, NodeId, OriginKind, OriginTag, Outcome,
    Preference, SourceId, SourceInfo,
};

use crate::Broken;
use crate::bytes::{Reader, Writer};
use crate::head::{class_code, class_of};

/// Most entries of a list in an event.
const LIST_MAX: usize = 1 << 16;

/// Writes an event; false if it is one that recordings do not know.
pub(crate) fn write(event: &Event, to: &mut Writer) -> bool {
    match event {
        Event::SourceUp { source, info } => {
            write_source(to, 1, *source);
            write_info(info, to);
        }
        Event::SourceHas { source, has } => {
            write_source(to, 2, *source);
            write_has(has, to);
        }
        Event::SourceDown { source, how } => {
            write_source(to, 3, *source);
            to.flag(*how == Down::Reset);
        }
        Event::Dead { node } => {
            to.byte(4);
            to.fixed(&node.0);
        }
        Event::Unchoked { source } => write_source(to, 5, *source),
        Event::Choked { source } => write_source(to, 6, *source),
        Event::Suggested { source, piece } => {
            write_source(to, 7, *source);
            to.number(piece.value().into());
        }
        Event::Interested { source } => write_source(to, 8, *source),
        Event::NotInterested { source } => write_source(to, 9, *source),
        Event::Progress { job, bytes } => {
            to.byte(10);
            to.number(job.0);
            to.number(*bytes);
        }
        Event::JobEnd { .. } => write_end(event, to),
        Event::PieceOk { piece } => {
            to.byte(12);
            to.number(piece.value().into());
        }
        Event::PieceBad { piece, senders } => {
            to.byte(13);
            to.number(piece.value().into());
            to.number(u64::try_from(senders.len()).unwrap_or(u64::MAX));
            for sender in senders {
                to.number(sender.0.into());
            }
        }
        _ => return write_rest(event, to),
    }
    true
}

fn write_rest(event: &Event, to: &mut Writer) -> bool {
    match event {
        Event::Liar { source, piece } => {
            write_source(to, 14, *source);
            to.number(piece.value().into());
        }
        Event::Uploaded {
            source,
            piece,
            bytes,
        } => {
            write_source(to, 15, *source);
            to.number(piece.value().into());
            to.number(*bytes);
        }
        Event::Slots { source, message } => {
            write_source(to, 16, *source);
            return write_slots(message, to);
        }
        Event::Discovery(discovery) => {
            to.byte(17);
            to.byte(discovery_code(*discovery));
        }
        Event::Hours(hours) => {
            to.byte(18);
            to.flag(*hours == Hours::Open);
        }
        Event::Guarded => to.byte(19),
        Event::Guard { slot, lock } => {
            to.byte(20);
            to.number((*slot).into());
            to.byte(match lock {
                LockWord::Held => 0,
                LockWord::InUse => 1,
                _ => 2,
            });
        }
        Event::Preferred { source, preference } => {
            write_source(to, 22, *source);
            to.number(preference.tier.into());
            to.number(preference.place.into());
        }
        Event::PieceProven { piece } => {
            to.byte(21);
            to.number(piece.value().into());
        }
        _ => return false,
    }
    true
}

fn write_source(to: &mut Writer, code: u8, source: SourceId) {
    to.byte(code);
    to.number(source.0.into());
}

/// Reads an event.
pub(crate) fn read(from: &mut Reader<'_>, layout: &Layout) -> Result<Event, Broken> {
    let code = from.byte()?;
    let piece = |from: &mut Reader<'_>| read_piece(from, layout);
    Ok(match code {
        1 => Event::SourceUp {
            source: read_source(from)?,
            info: read_info(from)?,
        },
        2 => Event::SourceHas {
            source: read_source(from)?,
            has: read_has(from, layout)?,
        },
        3 => Event::SourceDown {
            source: read_source(from)?,
            how: if from.flag()? {
                Down::Reset
            } else {
                Down::Closed
            },
        },
        4 => Event::Dead {
            node: NodeId(from.fixed()?),
        },
        5 => Event::Unchoked {
            source: read_source(from)?,
        },
        6 => Event::Choked {
            source: read_source(from)?,
        },
        7 => Event::Suggested {
            source: read_source(from)?,
            piece: piece(from)?,
        },
        8 => Event::Interested {
            source: read_source(from)?,
        },
        9 => Event::NotInterested {
            source: read_source(from)?,
        },
        10 => Event::Progress {
            job: JobId(from.number()?),
            bytes: from.number()?,
        },
        11 => read_end(from, layout)?,
        12 => Event::PieceOk {
            piece: piece(from)?,
        },
        13 => {
            let piece = piece(from)?;
            let count = from.count(LIST_MAX)?;
            let senders = (0..count).map(|_| read_source(from));
            let senders = senders.collect::<Result<_, _>>()?;
            Event::PieceBad { piece, senders }
        }
        _ => return read_rest(code, from, layout),
    })
}

fn read_rest(code: u8, from: &mut Reader<'_>, layout: &Layout) -> Result<Event, Broken> {
    Ok(match code {
        14 => Event::Liar {
            source: read_source(from)?,
            piece: read_piece(from, layout)?,
        },
        22 => Event::Preferred {
            source: read_source(from)?,
            preference: Preference {
                tier: from.small()?,
                place: from.small()?,
            },
        },
        15 => Event::Uploaded {
            source: read_source(from)?,
            piece: read_piece(from, layout)?,
            bytes: from.number()?,
        },
        16 => Event::Slots {
            source: read_source(from)?,
            message: SlotMessage::from_payload(from.bytes()?).ok_or(Broken::Field("slots"))?,
        },
        17 => Event::Discovery(discovery_of(from.byte()?)?),
        18 => Event::Hours(if from.flag()? {
            Hours::Open
        } else {
            Hours::Closed
        }),
        19 => Event::Guarded,
        20 => Event::Guard {
            slot: from.small()?,
            lock: match from.byte()? {
                0 => LockWord::Held,
                1 => LockWord::InUse,
                2 => LockWord::Refused,
                _ => return Err(Broken::Field("lock")),
            },
        },
        21 => Event::PieceProven {
            piece: read_piece(from, layout)?,
        },
        _ => return Err(Broken::Field("event")),
    })
}

fn read_source(from: &mut Reader<'_>) -> Result<SourceId, Broken> {
    from.small().map(SourceId)
}

fn read_piece(from: &mut Reader<'_>, layout: &Layout) -> Result<PieceIndex, Broken> {
    let index = from.small()?;
    layout.piece(index).ok_or(Broken::Field("piece"))
}

fn write_info(info: &SourceInfo, to: &mut Writer) {
    match info {
        SourceInfo::Origin {
            kind,
            tag,
            streams_max,
        } => {
            to.byte(u8::from(*kind != OriginKind::Share));
            to.fixed(&tag.0);
            to.number((*streams_max).into());
        }
        SourceInfo::Peer { hello: None } => to.byte(2),
        SourceInfo::Peer { hello: Some(hello) } => {
            to.byte(3);
            to.fixed(&hello.node.0);
            to.number(u64::try_from(hello.origins.len()).unwrap_or(u64::MAX));
            hello.origins.iter().for_each(|tag| to.fixed(&tag.0));
            to.number(hello.readers_max.into());
            to.flag(hello.group.is_some());
            if let Some(group) = &hello.group {
                to.text(group);
            }
            to.byte(class_code(hello.class));
            to.flag(hello.starving);
        }
        _ => to.byte(4),
    }
}

fn read_info(from: &mut Reader<'_>) -> Result<SourceInfo, Broken> {
    Ok(match from.byte()? {
        kind @ (0 | 1) => SourceInfo::Origin {
            kind: if kind == 0 {
                OriginKind::Share
            } else {
                OriginKind::Mirror
            },
            tag: OriginTag(from.fixed()?),
            streams_max: from.small()?,
        },
        2 => SourceInfo::Peer { hello: None },
        3 => {
            let node = NodeId(from.fixed()?);
            let count = from.count(LIST_MAX)?;
            let origins = (0..count).map(|_| from.fixed().map(OriginTag));
            let origins = origins.collect::<Result<_, _>>()?;
            let readers_max = from.small()?;
            let group = if from.flag()? {
                Some(from.text()?)
            } else {
                None
            };
            let hello = Hello {
                node,
                origins,
                readers_max,
                group,
                class: class_of(from.byte()?)?,
                starving: from.flag()?,
            };
            SourceInfo::Peer { hello: Some(hello) }
        }
        _ => return Err(Broken::Field("source")),
    })
}

fn write_has(has: &Has, to: &mut Writer) {
    match has {
        Has::Piece(piece) => {
            to.byte(1);
            to.number(piece.value().into());
        }
        Has::Set(set) => {
            to.byte(2);
            to.bytes(&set.to_bitfield());
        }
        _ => to.byte(0),
    }
}

fn read_has(from: &mut Reader<'_>, layout: &Layout) -> Result<Has, Broken> {
    Ok(match from.byte()? {
        0 => Has::All,
        1 => Has::Piece(read_piece(from, layout)?),
        2 => {
            let set = PieceSet::from_bitfield(layout.pieces(), from.bytes()?);
            Has::Set(set.map_err(|_| Broken::Field("pieces"))?)
        }
        _ => return Err(Broken::Field("has")),
    })
}

fn write_end(event: &Event, to: &mut Writer) {
    let Event::JobEnd {
        job,
        outcome,
        bytes,
        missing,
    } = event
    else {
        return;
    };
    to.byte(11);
    to.number(job.0);
    to.number(*bytes);
    match outcome {
        Outcome::Done => to.byte(0),
        Outcome::Cancelled => to.byte(1),
        Outcome::Busy { retry_after_ms } => {
            to.byte(2);
            to.maybe(*retry_after_ms);
        }
        Outcome::Lacks(span) => {
            to.byte(3);
            write_span(*span, to);
        }
        _ => to.byte(4),
    }
    to.number(u64::try_from(missing.iter().count()).unwrap_or(u64::MAX));
    missing.iter().for_each(|span| write_span(span, to));
}

fn read_end(from: &mut Reader<'_>, layout: &Layout) -> Result<Event, Broken> {
    let (job, bytes) = (JobId(from.number()?), from.number()?);
    let outcome = match from.byte()? {
        0 => Outcome::Done,
        1 => Outcome::Cancelled,
        2 => Outcome::Busy {
            retry_after_ms: from.maybe()?,
        },
        3 => Outcome::Lacks(read_span(from, layout)?),
        4 => Outcome::Broken,
        _ => return Err(Broken::Field("outcome")),
    };
    let mut missing = Spans::default();
    for _ in 0..from.count(LIST_MAX)? {
        missing.insert(read_span(from, layout)?);
    }
    Ok(Event::JobEnd {
        job,
        outcome,
        bytes,
        missing,
    })
}

fn write_span(span: Span, to: &mut Writer) {
    to.number(span.start());
    to.number(span.len());
}

fn read_span(from: &mut Reader<'_>, layout: &Layout) -> Result<Span, Broken> {
    let (start, len) = (from.number()?, from.number()?);
    let end = start.checked_add(len).filter(|end| *end <= layout.len());
    end.map(|_| Span::new(start, len))
        .ok_or(Broken::Field("span"))
}

fn write_slots(message: &SlotMessage, to: &mut Writer) -> bool {
    let payloads = message.to_payloads();
    let [payload] = payloads.as_slice() else {
        return false;
    };
    to.bytes(payload);
    // what came by the wire goes through it again unchanged
    SlotMessage::from_payload(payload).as_ref() == Some(message)
}

fn discovery_code(discovery: Discovery) -> u8 {
    match discovery {
        Discovery::Off => 0,
        Discovery::Announced => 1,
        Discovery::Named => 2,
        Discovery::Met => 3,
        Discovery::Nobody => 4,
        _ => 5,
    }
}

fn discovery_of(code: u8) -> Result<Discovery, Broken> {
    Ok(match code {
        0 => Discovery::Off,
        1 => Discovery::Announced,
        2 => Discovery::Named,
        3 => Discovery::Met,
        4 => Discovery::Nobody,
        5 => Discovery::Waiting,
        _ => return Err(Broken::Field("discovery")),
    })
}
