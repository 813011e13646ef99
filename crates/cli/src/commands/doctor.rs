//! `doctor`: what on this machine stops a copy, and what to do.

use std::path::{Path, PathBuf};

use serde::Serialize;
use swarmcopy::{CopyOptions, Error};
use swarmcopy_doctor::{Finding, Patient, Verdict, examine};

use super::runtime::block_on;
use crate::args::DoctorArgs;
use crate::exit::{self, Style};
use crate::output;

/// A finding as JSON.
#[derive(Debug, Serialize)]
struct FindingEvent<'a> {
    event: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// The end as JSON.
#[derive(Debug, Serialize)]
struct DoctorEvent {
    event: &'static str,
    well: usize,
    unclear: usize,
    ill: usize,
}

/// Runs the command: exit code 1 if something stops a copy.
pub(super) fn run(args: &DoctorArgs) -> Result<u8, Error> {
    let into = args.to.clone().unwrap_or_else(|| PathBuf::from("."));
    let mut patient = Patient::new(into);
    patient.listens = args.listen;
    if let Some(what) = &args.what {
        // a share beside a .torrent is no place to copy to, and nobody named one
        let nowhere = || std::env::temp_dir().join("swarmcopy-doctor");
        let mut options = CopyOptions::new(args.to.clone().unwrap_or_else(nowhere));
        options.shares.clone_from(&args.share);
        options.trackers.clone_from(&args.tracker);
        let content = super::found::find(what)?;
        // what stands beside a .torrent is its share, as a copy would take it
        let beside = what
            .path()
            .and_then(Path::parent)
            .map(|folder| match folder {
                folder if folder.as_os_str().is_empty() => Path::new(".").to_path_buf(),
                folder => folder.to_path_buf(),
            });
        let beside = beside.filter(|it| content.places_in(it).iter().any(|place| place.exists()));
        let content = match beside.filter(|_| args.share.is_empty()) {
            Some(folder) => content.share(folder),
            None => content,
        };
        patient.content = Some((content, options));
    }
    let findings = block_on(async { Ok(examine(patient).await) })?;
    let count = |verdict| findings.iter().filter(|it| it.verdict == verdict).count();
    let ill = count(Verdict::Ill);
    match Style::of(args.json) {
        Style::Json => {
            for finding in &findings {
                output::json(&FindingEvent {
                    event: "finding",
                    finding,
                });
            }
            output::json(&DoctorEvent {
                event: "doctor",
                well: count(Verdict::Well),
                unclear: count(Verdict::Unclear),
                ill,
            });
        }
        Style::Human => findings.iter().for_each(tell),
    }
    Ok(if ill == 0 { exit::DONE } else { exit::FAILED })
}

fn tell(finding: &Finding) {
    let mark = match finding.verdict {
        Verdict::Well => "ok     ",
        Verdict::Unclear => "unclear",
        Verdict::Ill => "ILL    ",
    };
    output::line(&format!("{mark}  {}: {}", finding.check, finding.told));
    if let Some(todo) = &finding.todo {
        output::line(&format!("         {todo}"));
    }
}
