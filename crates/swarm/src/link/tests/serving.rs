//! Serving a scripted peer, and telling it what we have.

use swarmcopy_bt_wire::peer::Message;

use super::content_of;
use crate::SwarmEvent;
use crate::testing::{BLOCK, Options, PIECE_LEN, Rig, soon, variant};

#[tokio::test]
async fn requests_that_can_not_be_end_the_link() {
    let too_long = Message::Request {
        index: 0,
        begin: 0,
        len: BLOCK + 1,
    };
    let no_piece = Message::Request {
        index: 5,
        begin: 0,
        len: BLOCK,
    };
    let behind = Message::Request {
        index: 0,
        begin: 65_536 - 100,
        len: 101,
    };
    let wraps = Message::Request {
        index: 0,
        begin: u32::MAX,
        len: BLOCK,
    };
    for message in [too_long, no_piece, behind, wraps] {
        let mut rig = Rig::new(Options {
            have: true,
            ..Options::default()
        })
        .await;
        rig.peer.say(message.clone()).await;
        assert!(rig.end().await.is_malicious(), "{message:?}");
    }
}

#[tokio::test]
async fn an_unchoked_peer_is_served_in_order() {
    let mut rig = Rig::new(Options {
        have: true,
        ..Options::default()
    })
    .await;
    let bytes = content_of(&rig);
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    let wanted = [
        (0, 0, BLOCK),
        (0, BLOCK, BLOCK),
        (2, 100, 7),
        (4, 0, 100),
        (1, 0, BLOCK),
    ];
    for (index, begin, len) in wanted {
        rig.peer.say(Message::Request { index, begin, len }).await;
    }
    for (index, begin, len) in wanted {
        let start = usize::try_from(u64::from(index) * PIECE_LEN + u64::from(begin)).unwrap();
        let data = bytes.slice(start..start + usize::try_from(len).unwrap());
        assert_eq!(rig.peer.hear().await, Message::Piece { index, begin, data });
    }
    assert!(matches!(rig.event().await, SwarmEvent::LinkUp { .. }));
    let mut told = 0;
    while told < 3 * u64::from(BLOCK) + 107 {
        match rig.event().await {
            SwarmEvent::Uploaded { bytes, .. } => told += bytes,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, rig.link().stats().bytes_up);
}

#[tokio::test]
async fn the_last_block_of_a_piece_is_filled_with_zeros_for_who_asks_for_its_usual_length() {
    let mut rig = Rig::new(Options {
        have: true,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    let (index, begin, len) = (4, 0, BLOCK);
    rig.peer.say(Message::Request { index, begin, len }).await;
    let bytes = content_of(&rig);
    let mut data = bytes[usize::try_from(PIECE_LEN * 4).unwrap()..].to_vec();
    assert_eq!(data.len(), 100);
    data.resize(usize::try_from(BLOCK).unwrap(), 0);
    let data = data.into();
    assert_eq!(rig.peer.hear().await, Message::Piece { index, begin, data });
    // taken back in the same words
    rig.link().choke();
    assert_eq!(rig.peer.hear().await, Message::Choke);
    rig.peer.say(Message::Request { index, begin, len }).await;
    assert_eq!(rig.peer.hear().await, Message::Reject { index, begin, len });
}

#[tokio::test]
async fn a_wrong_piece_is_withdrawn_and_the_others_of_its_run_are_served() {
    let mut rig = Rig::new(Options {
        have: true,
        wrong: Some(1),
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    let last = u32::try_from(PIECE_LEN).unwrap() - BLOCK;
    let wanted = [
        (0, last),
        (1, 0),
        (1, BLOCK),
        (1, 2 * BLOCK),
        (1, last),
        (2, 0),
    ];
    for (index, begin) in wanted {
        let len = BLOCK;
        rig.peer.say(Message::Request { index, begin, len }).await;
    }
    let (mut served, mut refused) = (Vec::new(), 0);
    for _ in wanted {
        match rig.peer.hear().await {
            Message::Piece { index, .. } => served.push(index),
            Message::Reject { index: 1, .. } => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((served, refused), (vec![0, 2], 4));
    assert!(
        !rig.common
            .have
            .contains(rig.common.layout.piece(1).unwrap())
    );
    let told = std::iter::from_fn(|| rig.commands.try_recv().ok());
    let told = told.filter(|it| matches!(it, crate::command::Command::Withdrawn { .. }));
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn a_choked_peer_is_refused_and_so_is_what_we_lack() {
    let mut rig = Rig::new(Options {
        have: true,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.peer
        .say(Message::Request {
            index: 0,
            begin: 0,
            len: BLOCK,
        })
        .await;
    assert_eq!(
        rig.peer.hear().await,
        Message::Reject {
            index: 0,
            begin: 0,
            len: BLOCK
        }
    );

    let mut rig = Rig::new(Options::default()).await;
    assert_eq!(rig.peer.hear().await, Message::HaveNone);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    rig.peer
        .say(Message::Request {
            index: 1,
            begin: 0,
            len: BLOCK,
        })
        .await;
    assert_eq!(
        rig.peer.hear().await,
        Message::Reject {
            index: 1,
            begin: 0,
            len: BLOCK
        }
    );
}

#[tokio::test]
async fn each_request_is_answered_once_even_across_a_choke() {
    let mut rig = Rig::new(Options {
        have: true,
        len: PIECE_LEN * 64,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    for index in 0..64 {
        for part in 0..4 {
            rig.peer
                .say(Message::Request {
                    index,
                    begin: part * BLOCK,
                    len: BLOCK,
                })
                .await;
        }
    }
    // the link has read them all once it tells of what follows
    rig.peer.say(Message::Interested).await;
    while variant(&rig.event().await) != "Interested" {}
    rig.link().choke();
    let mut open: Vec<_> = (0..64)
        .flat_map(|i| (0..4).map(move |part| (i, part * BLOCK)))
        .collect();
    let mut choked = false;
    while !open.is_empty() {
        let (index, begin) = match rig.peer.hear().await {
            Message::Piece { index, begin, .. } => (index, begin),
            Message::Reject { index, begin, .. } => {
                assert!(choked, "refused without a choke");
                (index, begin)
            }
            Message::Choke => {
                choked = true;
                continue;
            }
            other => panic!("{other:?}"),
        };
        let at = open
            .iter()
            .position(|block| *block == (index, begin))
            .expect("answered twice");
        open.swap_remove(at);
    }
}

#[tokio::test]
async fn haves_are_never_lost_under_load() {
    let pieces = 600u32;
    let len = PIECE_LEN * u64::from(pieces);
    let mut rig = Rig::new(Options {
        len,
        have: false,
        ..Options::default()
    })
    .await;
    let common = std::sync::Arc::clone(&rig.common);
    // half of them before and during the first words, the rest while blocks go out
    let all: Vec<_> = common.layout.piece_indexes().collect();
    let (early, late) = all.split_at(300);
    for piece in early {
        common.have.append(*piece);
    }
    rig.link().unchoke();
    let late = late.to_vec();
    let appending = tokio::spawn(async move {
        for piece in late {
            common.have.append(piece);
            tokio::task::yield_now().await;
        }
    });
    let mut heard = std::collections::BTreeMap::new();
    let mut blocks = 0;
    while heard.len() < all.len() || blocks < 400 {
        match rig.peer.hear().await {
            Message::Have(index) => *heard.entry(index).or_insert(0) += 1,
            Message::Bitfield(bits) => {
                for index in 0..pieces {
                    let byte = bits[usize::try_from(index / 8).unwrap()];
                    if byte & (0x80 >> (index % 8)) != 0 {
                        heard.insert(index, 1);
                    }
                }
            }
            Message::HaveNone => {}
            Message::Unchoke => {
                for index in 0..100 {
                    for part in 0..4 {
                        let begin = part * BLOCK;
                        rig.peer
                            .say(Message::Request {
                                index,
                                begin,
                                len: BLOCK,
                            })
                            .await;
                    }
                }
            }
            Message::Piece { .. } => blocks += 1,
            other => panic!("{other:?}"),
        }
        while rig.events.try_recv().is_ok() {}
    }
    soon(appending).await.unwrap();
    assert!(
        heard.values().all(|times| *times == 1),
        "a HAVE was said twice"
    );
}

#[tokio::test]
async fn a_control_message_passes_the_blocks_that_wait() {
    let len = PIECE_LEN * 125;
    let mut rig = Rig::new(Options {
        have: true,
        len,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveAll);
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    for index in 0..125 {
        for part in 0..4 {
            rig.peer
                .say(Message::Request {
                    index,
                    begin: part * BLOCK,
                    len: BLOCK,
                })
                .await;
        }
    }
    // blocks are on their way, and nobody reads them
    while variant(&rig.event().await) != "Uploaded" {}
    rig.link().interested();
    let mut blocks = 0;
    loop {
        match rig.peer.hear().await {
            Message::Piece { .. } => blocks += 1,
            Message::Interested => break,
            other => panic!("{other:?}"),
        }
        while rig.events.try_recv().is_ok() {}
    }
    assert!(blocks < 250, "{blocks} of 500 blocks went first");
}

#[tokio::test]
async fn a_suggestion_goes_out_behind_the_have_of_its_piece() {
    let mut rig = Rig::new(Options {
        have: false,
        ..Options::default()
    })
    .await;
    assert_eq!(rig.peer.hear().await, Message::HaveNone);
    let piece = rig.common.layout.piece_indexes().next().unwrap();
    rig.common.have.append(piece);
    rig.link().suggest(piece);
    assert_eq!(rig.peer.hear().await, Message::Have(0));
    assert_eq!(rig.peer.hear().await, Message::Suggest(0));
}

#[tokio::test]
async fn a_peer_without_the_fast_extension_hears_no_suggestion() {
    let mut rig = Rig::new(Options {
        have: false,
        fast: false,
        ..Options::default()
    })
    .await;
    rig.link().unchoke();
    assert_eq!(rig.peer.hear().await, Message::Unchoke);
    let piece = rig.common.layout.piece_indexes().next().unwrap();
    rig.common.have.append(piece);
    rig.link().suggest(piece);
    assert_eq!(rig.peer.hear().await, Message::Have(0));
    rig.link().choke();
    assert_eq!(rig.peer.hear().await, Message::Choke);
}
