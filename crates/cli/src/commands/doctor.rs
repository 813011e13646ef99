//! `doctor`: what on this machine stops a copy, and what to do.

use std::path::{Path, PathBuf};

use serde::Serialize;
use swarmcopy::{CopyOptions, Error};
use swarmcopy_doctor::{Finding, Patient, Verdict, examine_each};

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
    #[serde(flatten)]
    counts: Counts,
}

/// How many findings are how.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Counts {
    well: usize,
    unclear: usize,
    ill: usize,
}

/// Runs the command: exit code 1 if something stops a copy.
pub(super) fn run(args: &DoctorArgs) -> Result<u8, Error> {
    let style = Style::of(args.json);
    let patient = patient(args, style)?;
    let mut counts = Counts::default();
    block_on(async {
        // some looks take seconds: what is found is told at once
        let each = |finding: Finding| {
            counts.count(finding.verdict);
            match style {
                Style::Json => output::json(&FindingEvent {
                    event: "finding",
                    finding: &finding,
                }),
                Style::Human => tell(&finding),
            }
        };
        examine_each(patient, each).await;
        Ok(())
    })?;
    if style == Style::Json {
        output::json(&DoctorEvent {
            event: "doctor",
            counts,
        });
    }
    Ok(if counts.ill == 0 {
        exit::DONE
    } else {
        exit::FAILED
    })
}

/// What is looked at.
fn patient(args: &DoctorArgs, style: Style) -> Result<Patient, Error> {
    let mut patient = Patient::new(args.to.clone().unwrap_or_else(|| PathBuf::from(".")));
    patient.listens = args.listen;
    let Some(what) = &args.what else {
        return Ok(patient);
    };
    // a share beside a .torrent is no place to copy to, and nobody named one
    let nowhere = || std::env::temp_dir().join("swarmcopy-doctor");
    let mut options = CopyOptions::new(args.to.clone().unwrap_or_else(nowhere));
    options.shares.clone_from(&args.share);
    options.trackers.clone_from(&args.tracker);
    let content = super::found::find(what, style)?;
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
    Ok(patient)
}

impl Counts {
    fn count(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Well => &mut self.well,
            Verdict::Unclear => &mut self.unclear,
            Verdict::Ill => &mut self.ill,
        } += 1;
    }
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
