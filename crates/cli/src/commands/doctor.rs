//! `doctor`: what on this machine stops a copy, and what to do.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use swarmcopy::{Content, CopyOptions, Error, ErrorKind};
use swarmcopy_doctor::{Finding, Patient, Verdict, examine_each};

use super::found::MAGNET_TIME;
use super::runtime::block_on;
use crate::args::DoctorArgs;
use crate::exit::{self, Style};
use crate::what::What;
use crate::{output, words};

/// How long a place may take to say what is to be copied, beside what peers may take.
const READ_WITHIN: Duration = Duration::from_secs(10);

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
    let mut patient = Patient::new(args.to.clone().unwrap_or_else(|| PathBuf::from(".")));
    patient.listens = args.listen;
    let mut counts = Counts::default();
    // some looks take seconds: what is found is told at once
    let mut each = |finding: Finding| {
        counts.count(finding.verdict);
        match style {
            Style::Json => output::json(&FindingEvent {
                event: "finding",
                finding: &finding,
            }),
            Style::Human => tell(&finding),
        }
    };
    if let Some(what) = &args.what {
        match read(what, args, style) {
            Ok(read) => {
                patient.content = Some(read);
                each(finding(
                    "what",
                    Verdict::Well,
                    format!("{} can be read", name(what)),
                ));
            }
            Err(error) if error.kind() == ErrorKind::Usage => return Err(error),
            // what else is to be found here may be the reason
            Err(error) => {
                let hint = error.hint().map(|hint| words::of(hint).into_owned());
                each(Finding {
                    todo: Some(hint.unwrap_or_else(|| UNREAD.to_owned())),
                    ..finding("what", Verdict::Ill, error.to_string())
                });
            }
        }
    }
    block_on(async {
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

/// What to do about a content that can't be read.
const UNREAD: &str =
    "look whether its server is there and lets you in, and whether the name is right";

fn finding(check: &'static str, verdict: Verdict, told: String) -> Finding {
    Finding {
        check,
        verdict,
        told,
        todo: None,
    }
}

/// What is to be copied, read on a thread of its own: the place where it lies may hang.
fn read(what: &What, args: &DoctorArgs, style: Style) -> Result<(Content, CopyOptions), Error> {
    let within = match what.path() {
        Some(_) => READ_WITHIN,
        // an address may lead to a magnet link
        None => READ_WITHIN + MAGNET_TIME,
    };
    let (told, hears) = mpsc::channel();
    let (reads, named) = (args.clone(), what.clone());
    let builder = thread::Builder::new().name("what".to_owned());
    let spawned = builder.spawn(move || {
        let _nobody_waits = told.send(content(&named, &reads, style));
    });
    spawned.map_err(|error| Error::new(ErrorKind::Failed, format!("cannot start: {error}")))?;
    hears.recv_timeout(within).unwrap_or_else(|_| {
        let waited = format!("{} does not answer", name(what));
        Err(Error::new(ErrorKind::Failed, waited))
    })
}

fn name(what: &What) -> String {
    match &what.0 {
        swarmcopy::What::Path(path) => path.display().to_string(),
        swarmcopy::What::Url(url) => url.clone(),
        _ => "the magnet link".to_owned(),
    }
}

/// What is to be copied, with its shares and trackers as a copy would take them.
fn content(what: &What, args: &DoctorArgs, style: Style) -> Result<(Content, CopyOptions), Error> {
    // a share beside a .torrent is no place to copy to, and nobody named one
    let nowhere = || std::env::temp_dir().join("swarmcopy-doctor");
    let mut options = CopyOptions::new(args.to.clone().unwrap_or_else(nowhere));
    options.shares.clone_from(&args.share);
    options.trackers.clone_from(&args.tracker);
    let content = super::found::find(what, style)?;
    // what stands beside a .torrent is its share
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
    Ok((content, options))
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
