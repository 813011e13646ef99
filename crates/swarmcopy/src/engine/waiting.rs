//! What a copy to which nothing comes waits for, in words: the true cause, what is tried next, and when.
//!
//! Pure functions of what is known. What must stay true: other machines are named as the cause only where there are
//! some, and a source that is in trouble is named with its last answer.

use std::time::Duration;

use swarmcopy_scheduler::{Outlook, Reason};

use crate::{SourceKind, SourceProgress, SourceState};

/// Nothing of use for so long is told, also while fetches are under way.
pub(crate) const QUIET: Duration = Duration::from_secs(3);
/// Sources in trouble that are named in one sentence.
const TROUBLES_MAX: usize = 3;

/// What is known of a copy.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) outlook: Outlook,
    /// Why origins that are in no trouble are not read.
    pub(super) denied: &'a [Reason],
    pub(super) sources: &'a [SourceProgress],
    /// Connected peers.
    pub(super) peers: u32,
    /// Since the last bytes of use.
    pub(super) quiet: Duration,
}

/// A cause, as a code and in words.
type Cause = (&'static str, String);

/// What is waited for, as a code and behind "waiting for"; `None` while something comes.
pub(super) fn waiting_for(facts: &Facts<'_>) -> Option<Cause> {
    let outlook = facts.outlook;
    if outlook.missing == 0 || (outlook.jobs > 0 && facts.quiet < QUIET) {
        return None;
    }
    let troubles = troubles(facts.sources);
    let (code, cause) = cause(facts);
    Some(if troubles.is_empty() {
        (code, cause)
    } else {
        (code, format!("{cause}: {}", troubles.join("; ")))
    })
}

fn cause(facts: &Facts<'_>) -> Cause {
    let told = |code, words: &str| (code, words.to_owned());
    let Outlook {
        missing, nowhere, ..
    } = facts.outlook;
    let origins = || facts.sources.iter().filter(|source| is_origin(source.kind));
    let ready = origins().any(|source| !source.state.is_trouble());
    if let Some((code, words)) = facts.denied.iter().find_map(|reason| denied(*reason)) {
        return told(code, words);
    }
    if nowhere == missing {
        return ("no-source", format!("a source for {missing} pieces"));
    }
    if nowhere > 0 {
        let words = format!("a source for {nowhere} of {missing} pieces");
        return ("no-source", words);
    }
    let others = facts.denied.iter().any(|reason| is_others(*reason));
    match (facts.peers, ready) {
        // what peers have would be coming
        _ if origins().next().is_some() && !ready => {
            told("origin-trouble", "share or mirror to answer")
        }
        (0, _) if others => {
            let words = "its turn at share and mirrors";
            told("turn", words)
        }
        (0, _) => told("origin-silent", "share and mirrors to answer"),
        (_, false) => ("peers", format!("peers to bring {missing} pieces")),
        (_, true) => {
            let words = format!("other machines to bring {missing} pieces");
            ("others", words)
        }
    }
}

/// A cause that holds whoever is there.
fn denied(reason: Reason) -> Option<(&'static str, &'static str)> {
    Some(match reason {
        Reason::DeniedHours => ("hours", "the hours in which share and mirrors may be read"),
        Reason::DeniedGuard => ("guard", "a lock of the share, which other machines hold"),
        Reason::DeniedHoldOff => (
            "hold-off",
            "word of other machines before share and mirrors are read",
        ),
        Reason::DeniedBadData => ("bad-data", "right bytes: share or mirror has wrong ones"),
        _ => return None,
    })
}

fn is_others(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::DeniedNotHolder | Reason::DeniedClaimed | Reason::DeniedAvailable
    )
}

fn is_origin(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::Share | SourceKind::Mirror)
}

/// The sources that are in trouble, each with its last answer and its next try.
pub(super) fn troubles(sources: &[SourceProgress]) -> Vec<String> {
    let troubled = || sources.iter().filter(|source| source.state.is_trouble());
    let mut told: Vec<String> = troubled().take(TROUBLES_MAX).map(trouble).collect();
    let more = troubled().count().saturating_sub(TROUBLES_MAX);
    if more > 0 {
        told.push(format!("and {more} more sources in trouble"));
    }
    told
}

fn trouble(source: &SourceProgress) -> String {
    let (kind, name) = (source.kind.as_str(), &source.name);
    let why = source.why.as_deref().unwrap_or(source.state.as_str());
    let state = match source.state {
        SourceState::Busy => "is busy: ",
        SourceState::Lacks => "lacks ",
        SourceState::Refused => "refuses: ",
        _ => "",
    };
    let next = source.next_try.map_or_else(String::new, |after| {
        format!(
            ", next try in {} s",
            after.as_secs() + u64::from(after.subsec_nanos() > 0)
        )
    });
    match state {
        "" => format!("{kind} {name}: {why}{next}"),
        _ => format!("{kind} {name} {state}{why}{next}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: SourceKind, state: SourceState, why: Option<&str>) -> SourceProgress {
        let mut source = SourceProgress::new(kind, "x");
        source.state = state;
        source.why = why.map(str::to_owned);
        source
    }

    fn outlook(missing: u32, nowhere: u32, jobs: u32) -> Outlook {
        let mut outlook = Outlook::default();
        outlook.missing = missing;
        outlook.nowhere = nowhere;
        outlook.jobs = jobs;
        outlook
    }

    fn said(outlook: Outlook, denied: &[Reason], sources: &[SourceProgress], peers: u32) -> String {
        let quiet = QUIET;
        let facts = Facts {
            outlook,
            denied,
            sources,
            peers,
            quiet,
        };
        waiting_for(&facts).map_or_else(String::new, |(_, words)| words)
    }

    #[test]
    fn other_machines_are_waited_for_only_where_there_are_some() {
        let up = [source(SourceKind::Mirror, SourceState::Up, None)];
        let down = [source(
            SourceKind::Mirror,
            SourceState::Down,
            Some("refused"),
        )];
        for denied in [
            &[][..],
            &[Reason::DeniedNotHolder],
            &[Reason::DeniedAvailable],
        ] {
            for sources in [&up[..], &down[..], &[]] {
                let alone = said(outlook(7, 0, 0), denied, sources, 0);
                assert!(
                    !alone.is_empty() && !alone.contains("other machines"),
                    "{alone}"
                );
            }
            let room = said(outlook(7, 0, 0), denied, &down, 2);
            assert!(room.starts_with("share or mirror to answer: "), "{room}");
            let room = said(outlook(7, 0, 0), denied, &up, 2);
            assert_eq!(room, "other machines to bring 7 pieces");
        }
    }

    #[test]
    fn a_source_in_trouble_is_named_with_its_answer_and_its_next_try() {
        let mut busy = source(SourceKind::Mirror, SourceState::Busy, Some("503"));
        busy.next_try = Some(Duration::from_millis(1200));
        let all = [
            busy,
            source(SourceKind::Share, SourceState::Down, Some("not there")),
            source(SourceKind::Peer, SourceState::Up, None),
        ];
        let told = said(outlook(7, 0, 0), &[], &all, 0);
        assert_eq!(
            told,
            "share or mirror to answer: mirror x is busy: 503, next try in 2 s; share x: not there"
        );
    }

    #[test]
    fn a_fetch_that_brings_nothing_is_no_reason_to_keep_silent() {
        let facts = |quiet| Facts {
            outlook: outlook(7, 0, 2),
            denied: &[],
            sources: &[],
            peers: 1,
            quiet,
        };
        assert_eq!(waiting_for(&facts(Duration::ZERO)), None);
        assert!(waiting_for(&facts(QUIET)).is_some());
    }

    #[test]
    fn the_policy_is_named_before_anything_else() {
        let up = [source(SourceKind::Mirror, SourceState::Up, None)];
        let told = said(outlook(7, 7, 0), &[Reason::DeniedHours], &up, 3);
        assert!(told.starts_with("the hours"), "{told}");
    }
}
