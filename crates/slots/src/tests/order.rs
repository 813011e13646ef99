//! In which order a holder reads what there is to read.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceSet, RelPath};

use crate::{
    Discovery, Hello, Instant, NodeId, OriginConfig, OriginGate, OriginKind, OriginTag,
    SlotMessage, SlotRecord, SourceId, View,
};

const PIECES: u32 = 600;
const TAG: OriginTag = OriginTag([1; 8]);
const MIRROR: SourceId = SourceId(0);
const OTHER: NodeId = NodeId([3; 8]);

fn hello() -> Hello {
    Hello {
        node: OTHER,
        origins: vec![TAG],
        readers_max: 3,
        ..Hello::default()
    }
}

/// Another machine says that it holds the first slot.
fn holds_one(heartbeat: u64) -> SlotMessage {
    let record = SlotRecord {
        term: 40,
        holder: OTHER,
        heartbeat,
        ..SlotRecord::default()
    };
    SlotMessage {
        readers_max: 3,
        node: OTHER,
        records: vec![record],
        ..SlotMessage::default()
    }
}

/// What a machine that is alone, or has company, reads within a few seconds if each third piece comes last.
fn read_in_order(company: bool) -> Vec<u32> {
    let path = RelPath::parse("tool.bin").unwrap();
    let layout = Layout::builder(16 * 1024).file(path, u64::from(PIECES) * 16 * 1024);
    let layout = Arc::new(layout.build().unwrap());
    let config = OriginConfig::new(NodeId([1; 8]), [2; 32]);
    let mut gate = OriginGate::new(config, layout, 42, Instant::ZERO);
    gate.origin_up(Instant::ZERO, MIRROR, TAG, OriginKind::Mirror);
    gate.discovery(Instant::ZERO, Discovery::Off);
    let (mut missing, none) = (PieceSet::full(PIECES), PieceSet::empty(PIECES));
    let mut last = none.clone();
    missing.iter().step_by(3).for_each(|piece| {
        last.insert(piece);
    });
    let serving = vec![0; PIECES as usize];
    let mut read = Vec::new();
    for step in 0..500 {
        let now = Instant::ZERO + Duration::from_millis(8) * step;
        let view = View {
            missing: &missing,
            narrowed: false,
            wrong: None,
            available: &none,
            serving: &serving,
            copied: &none,
            pieces_left: PIECES,
            peers: u32::from(company),
            peers_slow: true,
            last: Some(&last),
            way: Duration::ZERO,
            link_goodput: 0,
        };
        if company && step == 20 {
            gate.peer_up(now, SourceId(1), &hello());
        }
        if company && step >= 20 {
            gate.message(now, SourceId(1), &holds_one(step.into()));
        }
        gate.timeout(now, &view);
        while gate.poll_message(now).is_some() {}
        // the company has taken some slots before the first read
        if step >= 60
            && let Some(plan) = gate.next_read(now, MIRROR, &view, 4)
        {
            let first = plan.first().value();
            let run: Vec<_> = missing
                .iter()
                .filter(|it| (first..first + plan.count()).contains(&it.value()))
                .collect();
            for piece in run {
                missing.remove(piece);
                read.push(piece.value());
                gate.have(now, piece);
            }
        }
    }
    read
}

#[test]
fn what_comes_last_is_read_after_all_others() {
    for company in [false, true] {
        let read = read_in_order(company);
        let first_last = read.iter().position(|piece| piece % 3 == 0).unwrap();
        let (first, last) = read.split_at(first_last);
        assert_eq!(read.len() < 500, company, "{company}: {read:?}");
        assert!(first.len() > 50, "{company}: {read:?}");
        assert!(
            last.iter().all(|piece| piece % 3 == 0),
            "{company}: {read:?}"
        );
    }
}
