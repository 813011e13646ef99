//! All looks, one after another.

#[cfg(windows)]
use crate::windows;
use crate::{Finding, Patient, local, network, origins, port, processes, radio};

/// Looks at everything; takes some seconds. Must be called in a tokio runtime.
pub async fn examine(patient: Patient) -> Vec<Finding> {
    let mut findings = Vec::new();
    examine_each(patient, |finding| findings.push(finding)).await;
    findings
}

/// The same, where each finding is told as soon as it is there.
pub async fn examine_each(patient: Patient, mut tell: impl FnMut(Finding)) {
    let local = patient.clone();
    // a disk or a table of the system may hang: each look has a thread of its own
    let looks: [(&'static str, Look); 5] = [
        ("port", Box::new(port::look)),
        ("disk", Box::new(local::disk)),
        ("paths", Box::new(local::paths)),
        ("files", Box::new(|_| local::open_files())),
        ("processes", Box::new(|_| processes::look())),
    ];
    let mut all = |findings: Vec<Finding>| findings.into_iter().for_each(&mut tell);
    for (check, look) in looks {
        all(aside(check, &local, look).await);
    }
    #[cfg(windows)]
    all(aside("firewall", &local, Box::new(|_| windows::firewall())).await);
    all(aside("wifi", &local, Box::new(|_| radio::look())).await);
    all(aside("multicast", &local, Box::new(|_| network::multicast())).await);
    if let Some((content, options)) = &patient.content {
        all(origins::shares(content, options).await);
        all(origins::room((content, options), patient.listens).await);
    }
}

/// A look that blocks.
type Look = Box<dyn FnOnce(&Patient) -> Vec<Finding> + Send>;

/// Looks on a thread that may hang.
async fn aside(check: &'static str, patient: &Patient, look: Look) -> Vec<Finding> {
    let patient = patient.clone();
    let looking = tokio::task::spawn_blocking(move || look(&patient));
    match tokio::time::timeout(LOOK_TIME, looking).await {
        Ok(Ok(findings)) => findings,
        _ => vec![Finding::ill(
            check,
            "the system does not answer",
            "look at the disk or the network that it waits for",
        )],
    }
}

/// Longest look.
const LOOK_TIME: std::time::Duration = std::time::Duration::from_secs(8);
