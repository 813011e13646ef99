//! `Copy`, and its events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use swarmcopy::{Event, Phase, Progress, Report, SourceProgress};

use crate::errors;
use crate::runtime::{wait, wait_long};
use crate::source::PythonSource;

/// A copy under way, or over.
#[pyclass(module = "swarmcopy", frozen)]
pub(crate) struct Copy(swarmcopy::Copy);

impl Copy {
    pub(crate) fn new(copy: swarmcopy::Copy) -> Self {
        Self(copy)
    }
}

#[pymethods]
impl Copy {
    /// The name of the content in its swarm, as hexadecimal digits.
    #[getter]
    fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// The file or folder that the content becomes.
    #[getter]
    fn name(&self) -> String {
        self.0.name()
    }

    /// Where peers reach this machine.
    #[getter]
    fn listen(&self) -> String {
        self.0.started().listen.to_string()
    }

    /// How the copy does.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        status(py, &self.0.status())
    }

    /// What happens: an iterator of dictionaries that ends with the copy.
    fn events(&self) -> Events {
        Events(Mutex::new(Some(self.0.events())))
    }

    /// Waits for the end: the report, or an exception that has it as `report`. `None` if that takes longer.
    #[pyo3(signature = (timeout=None))]
    fn wait<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<Duration>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let outcome = match timeout {
            Some(_) => wait(py, timeout, self.0.finished())?,
            None => Some(wait_long(py, self.0.finished())?),
        };
        let Some(outcome) = outcome else {
            return Ok(None);
        };
        let report = report(py, &outcome.report)?;
        let Some(failure) = outcome.failure else {
            return Ok(Some(report));
        };
        let (files, sources) = (failure.files.clone(), sources(py, &failure.sources)?);
        let error = errors::of(failure);
        let value = error.value(py);
        value.setattr("report", report)?;
        value.setattr("files", files)?;
        value.setattr("sources", sources)?;
        Err(error)
    }

    /// Stops to fetch and to serve until `resume`.
    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        wait_long(py, self.0.pause())
    }

    /// Goes on after `pause`.
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        wait_long(py, self.0.resume())?.map_err(errors::of_add)
    }

    /// Copies the files that match one of these patterns from now on.
    fn select(&self, py: Python<'_>, patterns: Vec<String>) -> PyResult<()> {
        wait_long(py, self.0.select(patterns))?.map_err(errors::of_add)
    }

    /// Adds a peer to connect to, as HOST:PORT.
    fn add_peer(&self, py: Python<'_>, addr: &str) -> PyResult<()> {
        wait_long(py, self.0.add_peer(addr))?.map_err(errors::of_add)
    }

    /// Adds a mirror.
    fn add_mirror(&self, py: Python<'_>, url: &str) -> PyResult<()> {
        wait_long(py, self.0.add_mirror(url))?.map_err(errors::of_add)
    }

    /// Adds a source that is written in Python.
    fn add_source(&self, py: Python<'_>, source: &Bound<'_, PyAny>) -> PyResult<()> {
        let source = Arc::new(PythonSource::new(source)?);
        wait_long(py, self.0.add_origin(source))?.map_err(errors::of_add)
    }

    /// Ends the copy; what is verified is kept.
    fn stop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let outcome = wait_long(py, self.0.stop())?;
        report(py, &outcome.report)
    }

    fn __repr__(&self) -> String {
        format!(
            "<Copy of {}: {}>",
            self.0.name(),
            phase(self.0.status().phase)
        )
    }
}

/// The events of a copy.
#[pyclass(module = "swarmcopy", frozen)]
pub(crate) struct Events(Mutex<Option<swarmcopy::Events>>);

#[pymethods]
impl Events {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut events) = taken else {
            return Ok(None);
        };
        // given back also where a signal ends the wait
        let next = wait_long(py, events.next());
        let is_over = matches!(next, Ok(None));
        if !is_over {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(events);
        }
        next?.map(|told| event(py, told)).transpose()
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Checking => "checking",
        Phase::Copying => "copying",
        Phase::Serving => "serving",
        Phase::Paused => "paused",
        Phase::Ended => "ended",
        _ => "other",
    }
}

fn event(py: Python<'_>, told: Event) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let kind = match told {
        Event::Phase(now) => {
            dict.set_item("phase", phase(now))?;
            "phase"
        }
        Event::FileDone(path) => {
            dict.set_item("path", path)?;
            "file"
        }
        Event::SourceLost { kind, name, why } => {
            dict.set_item("source", kind.as_str())?;
            dict.set_item("name", name)?;
            dict.set_item("why", why)?;
            "lost"
        }
        Event::Decision(decision) => {
            dict.set_item("reason", decision.reason)?;
            dict.set_item("source", decision.source)?;
            dict.set_item("piece", decision.piece)?;
            "decision"
        }
        Event::Waiting(what) => {
            dict.set_item("what", what)?;
            "waiting"
        }
        Event::Complete(elapsed) => {
            dict.set_item("seconds", elapsed.as_secs_f64())?;
            "complete"
        }
        Event::Missed(count) => {
            dict.set_item("count", count)?;
            "missed"
        }
        _ => "other",
    };
    dict.set_item("event", kind)?;
    Ok(dict)
}

fn sources<'py>(py: Python<'py>, all: &[SourceProgress]) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let one = |source: &SourceProgress| {
        let dict = PyDict::new(py);
        dict.set_item("kind", source.kind.as_str())?;
        dict.set_item("name", &source.name)?;
        dict.set_item("state", source.state.as_str())?;
        dict.set_item("why", source.why.as_deref())?;
        dict.set_item("bytes", source.bytes)?;
        dict.set_item("rate", source.rate)?;
        Ok(dict)
    };
    all.iter().map(one).collect()
}

fn status<'py>(py: Python<'py>, look: &Progress) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("phase", phase(look.phase))?;
    dict.set_item("verified", look.verified)?;
    dict.set_item("bytes", look.bytes)?;
    dict.set_item("rate", look.rate)?;
    dict.set_item("peers", look.peers)?;
    dict.set_item("uploaded", look.uploaded)?;
    dict.set_item("waiting_for", look.waiting_for.as_deref())?;
    dict.set_item("sources", sources(py, &look.sources)?)?;
    Ok(dict)
}

fn report<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("complete", report.complete)?;
    dict.set_item("seconds", report.elapsed.as_secs_f64())?;
    dict.set_item("bytes", report.bytes)?;
    dict.set_item("reused", report.reused)?;
    dict.set_item("from_share", report.from_share)?;
    dict.set_item("from_mirror", report.from_mirror)?;
    dict.set_item("from_peers", report.from_peers)?;
    dict.set_item("origin_bytes", report.origin_bytes)?;
    dict.set_item("uploaded", report.uploaded)?;
    dict.set_item("wasted", report.wasted)?;
    dict.set_item("bad_pieces", report.bad_pieces)?;
    Ok(dict)
}
