//! The page is whole and safe whatever it is about.

use std::time::Duration;

use swarmcopy::SourceKind;

use super::{DRAWN_MAX, drawn, page};
use crate::rollout::{Arrival, Came, MachineRow, RollOut};

fn rollout(machines: u64, pieces: u32) -> RollOut {
    let machine = |number: u64| MachineRow {
        took: Some(Duration::from_secs(number + 1)),
        from_share: 10,
        from_mirror: 0,
        from_peers: 20,
        held: None,
        reasons: std::collections::BTreeMap::from([("origin:slot-held", 7)]),
        arrivals: (0..pieces)
            .map(|piece| Arrival {
                piece,
                at: Duration::from_millis(u64::from(piece) * 10 + number),
                kind: if piece % 3 == 0 {
                    SourceKind::Share
                } else {
                    SourceKind::Peer
                },
            })
            .collect(),
        came: Vec::new(),
    };
    RollOut {
        name: "<b>&\"tree".to_owned(),
        bytes: 3000,
        pieces,
        seed: None,
        elapsed: Duration::from_secs(machines),
        bound: Some(Duration::from_secs(1)),
        origin_bytes: 3000,
        readers_peak: 3,
        readers_over_cap: Duration::ZERO,
        identical: true,
        reasons: std::collections::BTreeMap::new(),
        machines: (0..machines).map(machine).collect(),
        facts: vec![("command".to_owned(), "rehearse <x>".to_owned())],
    }
}

#[test]
fn names_are_escaped() {
    let page = page(&rollout(1, 3));
    assert!(page.contains("&lt;b&gt;&amp;&quot;tree") && !page.contains("<b>&\"tree"));
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = page(&rollout(3, 9));
    for word in ["http:", "https:", "<script", "<link", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn every_tag_is_closed() {
    for pieces in [0, 1, 10_000] {
        let page = page(&rollout(2, pieces));
        for tag in ["html", "main", "svg", "div", "table", "h3"] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(
                opened,
                page.matches(&format!("</{tag}>")).count(),
                "{tag}, {pieces}"
            );
        }
        assert!(!page.contains("NaN") && !page.contains("inf"), "{pieces}");
    }
}

#[test]
fn a_large_room_is_drawn_in_part_with_its_slowest_machine() {
    let drawn = drawn(&rollout(1000, 1));
    assert!(
        drawn.len() <= DRAWN_MAX && drawn.contains(&999),
        "{drawn:?}"
    );
}

#[test]
fn no_machine_at_all_makes_a_page() {
    assert!(page(&rollout(0, 0)).ends_with("</html>\n"));
}

#[test]
fn a_peak_is_what_the_line_brought_whatever_was_verified_at_once() {
    // a line of 10,000 bytes a second, looked at each quarter of a second; all pieces prove right at the end
    let mut rollout = rollout(1, 200);
    rollout.bytes = 200_000;
    let machine = &mut rollout.machines[0];
    for arrival in &mut machine.arrivals {
        arrival.at = Duration::from_secs(20);
    }
    machine.came = (0..80)
        .map(|look| Came {
            from: Duration::from_millis(look * 250),
            until: Duration::from_millis((look + 1) * 250),
            kind: SourceKind::Peer,
            bytes: 2500,
        })
        .collect();
    let scale = super::chart::scale(&rollout, &[0]);
    assert!(
        (9_900.0..=10_100.0).contains(&scale),
        "{scale} bytes a second on a line of 10,000"
    );
}

#[test]
fn the_page_says_how_it_was_made_and_why_machines_read() {
    let page = page(&rollout(2, 3));
    assert!(page.contains("rehearse &lt;x&gt;") && page.contains("7 origin:slot-held"));
    assert!(page.contains("<title>") && page.contains("all on one scale"));
    assert!(page.contains("<th>slots</th>"));
}

#[test]
fn what_no_machine_tells_has_no_column() {
    let mut rollout = rollout(2, 3);
    rollout
        .machines
        .iter_mut()
        .for_each(|it| it.reasons.clear());
    assert!(!page(&rollout).contains("<th>slots</th>"));
}

#[test]
fn who_points_at_a_moment_of_the_room_is_told_its_figures() {
    let page = page(&rollout(3, 300));
    assert!(page.contains("the middle machine has 100 %, the slowest 100 %, the fastest 100 %; the origin has sent 1.00 copies"));
    assert!(page.contains("<title>0.0 s: the middle machine has 0 %"));
}
