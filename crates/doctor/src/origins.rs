//! What a content names: shares with their locks, trackers, and who is in its room.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use swarmcopy::{
    Config, Content, CopyOptions, GuardState, Session, ShareLook, Sighting, TrackerNote,
};
use swarmcopy_sys::fs_kind;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{Finding, Verdict, clock};

/// Time for a share to answer.
const SHARE_TIME: Duration = Duration::from_secs(5);
/// How long the room is looked at.
const ROOM_TIME: Duration = Duration::from_secs(6);
/// Difference of clocks that does no harm.
const CLOCK_MAX: i64 = 120;
/// Trackers that are told of.
const TRACKERS_MAX: usize = 16;

/// The shares.
pub(crate) async fn shares(content: &Content, options: &CopyOptions) -> Vec<Finding> {
    let looks = content.look_at_shares(options, SHARE_TIME).await;
    if looks.is_empty() {
        let told = "the content names no share that may be opened";
        let todo = "no harm if a mirror or other machines bring it; else name one with --share";
        return vec![Finding::unclear("share", told, todo)];
    }
    let mut findings = Vec::new();
    for look in looks {
        let remote = is_remote(&look).await;
        findings.push(share(&look));
        if look.trouble.is_none() {
            findings.push(locks(look.guard, remote));
            findings.extend(share_clock(look.location.clone()).await);
        }
    }
    findings
}

fn share(look: &ShareLook) -> Finding {
    let shown = look.location.display();
    match &look.trouble {
        None => Finding::well("share", format!("{shown} is there")),
        Some(why) => {
            let todo = "mount it, log in to its server, or name another place with --share";
            Finding::ill("share", format!("{shown}: {why}"), todo)
        }
    }
}

async fn is_remote(look: &ShareLook) -> bool {
    let path = look.location.clone();
    let looking = tokio::task::spawn_blocking(move || fs_kind(&path));
    let kind = timeout(SHARE_TIME, looking).await;
    matches!(kind, Ok(Ok(Ok(kind))) if kind.may_be_remote())
}

fn locks(guard: GuardState, remote: bool) -> Finding {
    let todo = "make lock files with: swarmcopy make PATH --slots K, in a folder that machines may write to";
    match guard {
        GuardState::Server => {
            Finding::well("locks", "the server counts the readers of all machines")
        }
        GuardState::Local if !remote => {
            Finding::well("locks", "lock files count the readers on this machine")
        }
        GuardState::Local => {
            let told = "lock files count the readers on this machine alone";
            let todo = "mount the share with locks that reach the server (NFS 4, SMB; not nolock)";
            Finding::unclear("locks", told, todo)
        }
        GuardState::Unavailable => Finding::ill(
            "locks",
            "there are lock files, and their locks do not work",
            todo,
        ),
        _ => {
            let told = "no lock files: machines count readers among themselves, those of a split network twice";
            Finding::unclear("locks", told, todo)
        }
    }
}

/// The share's clock, as far as it can be told without writing: nothing there is from the future.
async fn share_clock(folder: PathBuf) -> Option<Finding> {
    let looking = tokio::task::spawn_blocking(move || newest(&folder));
    let newest = timeout(SHARE_TIME, looking).await.ok()?.ok()??;
    let ahead = newest.saturating_sub(clock::now());
    Some(if ahead > CLOCK_MAX {
        let told = format!("the share has files from {ahead} s in the future");
        Finding::ill(
            "share-clock",
            told,
            "set the clock of this machine, or of the server",
        )
    } else {
        Finding::well("share-clock", "nothing on the share is from the future")
    })
}

/// When the youngest of some entries of a folder was changed, in seconds since 1970.
fn newest(folder: &Path) -> Option<i64> {
    let entries = std::fs::read_dir(folder).ok()?.take(1000).flatten();
    let times = entries.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let newest = times.max()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(newest.as_secs()).ok()
}

/// Trackers and the room.
pub(crate) async fn room(
    (content, options): (&Content, &CopyOptions),
    listens: Option<SocketAddr>,
) -> Vec<Finding> {
    let mut config = Config::default();
    config.looks_on = true;
    let ip = listens.map_or_else(|| [0, 0, 0, 0].into(), |addr| addr.ip());
    config.listen = Some((ip, 0).into());
    let session = match Session::builder().config(config).build().await {
        Ok(session) => session,
        Err(error) => {
            let todo = "look at the network of this machine";
            return vec![Finding::ill("room", error.to_string(), todo)];
        }
    };
    let mut room = match session.look_on(content, options) {
        Ok(room) => room,
        Err(error) => {
            let todo = "no harm: shares and mirrors bring it";
            return vec![Finding::unclear("room", error.to_string(), todo)];
        }
    };
    let (mut findings, mut machines, mut unreached) = (Vec::new(), 0usize, 0usize);
    let mut asked: Vec<String> = Vec::new();
    let end = Instant::now() + ROOM_TIME;
    while let Ok(Some(sighting)) = timeout_at(end, room.next()).await {
        match sighting {
            Sighting::Met { .. } => machines = machines.saturating_add(1),
            Sighting::Known { addresses, linked } => unreached = addresses.saturating_sub(linked),
            Sighting::Tracker { tracker, note, .. }
                if !asked.contains(&tracker) && asked.len() < TRACKERS_MAX =>
            {
                findings.push(tracker_finding(&tracker, &note));
                asked.push(tracker);
            }
            _ => {}
        }
    }
    room.close().await;
    session.shutdown(Duration::ZERO).await;
    for tracker in &asked {
        findings.extend(tracker_clock(tracker).await);
    }
    findings.push(machines_finding(machines, unreached));
    findings
}

fn tracker_finding(tracker: &str, note: &TrackerNote) -> Finding {
    match note {
        TrackerNote::Answered { peers } => Finding::well(
            "tracker",
            format!("{tracker} answers, machines named: {peers}"),
        ),
        TrackerNote::Warning(words) => {
            let todo = "ask who runs the tracker";
            Finding::unclear("tracker", format!("{tracker} warns: {words}"), todo)
        }
        TrackerNote::Failed(why) => {
            let todo = "start the tracker (swarmcopy tracker), let its port through the firewall, or name another";
            Finding::ill("tracker", format!("{tracker}: {why}"), todo)
        }
        _ => Finding::well("tracker", format!("{tracker} answers")),
    }
}

/// A tracker's clock, if it tells the time.
async fn tracker_clock(tracker: &str) -> Option<Finding> {
    let rest = tracker.strip_prefix("http://")?;
    let place = rest.split(['/', '?']).next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (place, 80),
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    let asking = tokio::task::spawn_blocking(move || clock::ahead(&host, port));
    let ahead = timeout(SHARE_TIME, asking).await.ok()?.ok()??;
    Some(Finding {
        verdict: if ahead.abs() > CLOCK_MAX {
            Verdict::Ill
        } else {
            Verdict::Well
        },
        check: "tracker-clock",
        told: format!("the clock of {tracker} is {ahead} s ahead of this one"),
        todo: (ahead.abs() > CLOCK_MAX)
            .then(|| "set the clock: certificates and hours of the policy hang on it".to_owned()),
    })
}

fn machines_finding(machines: usize, unreached: usize) -> Finding {
    match (machines, unreached) {
        (0, 0) => {
            let told = "nobody else copies or serves this now, as far as can be seen";
            let todo =
                "no harm if this machine is the first; else name a tracker or other machines";
            Finding::unclear("room", told, todo)
        }
        (0, unreached) => {
            let told = format!("{unreached} addresses are known, and none answers");
            let todo = "let their ports (6881 to 6889 by habit) through the firewalls on the way";
            Finding::ill("room", told, todo)
        }
        (1, _) => Finding::well("room", "1 machine was met"),
        (machines, _) => Finding::well("room", format!("{machines} machines were met")),
    }
}

#[cfg(test)]
mod tests;
