//! `Session`, and `make`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use swarmcopy::{Content, CopyOptions, Limits, MakeOptions, Overwrite, Stay};

use crate::copy::Copy;
use crate::errors;
use crate::runtime::wait_long;
use crate::source::PythonSource;

/// What all copies of one process share: a listener, local discovery, limits.
#[pyclass(module = "swarmcopy", frozen)]
pub(crate) struct Session(swarmcopy::Session);

fn limits(down: Option<u64>, up: Option<u64>) -> Limits {
    let mut limits = Limits::none();
    (limits.down, limits.up) = (down, up);
    limits
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (*, listen=None, lsd=true, limit_down=None, limit_up=None))]
    fn new(
        py: Python<'_>,
        listen: Option<&str>,
        lsd: bool,
        limit_down: Option<u64>,
        limit_up: Option<u64>,
    ) -> PyResult<Self> {
        let mut builder = swarmcopy::Session::builder().lsd(lsd);
        if let Some(listen) = listen {
            let addr = listen.parse();
            builder =
                builder.listen(addr.map_err(|_| errors::bad_value("listen is no ADDR:PORT"))?);
        }
        let builder = builder.limits(limits(limit_down, limit_up));
        let session = wait_long(py, builder.build())?;
        session.map(Self).map_err(errors::of)
    }

    /// Starts a copy of a .torrent into a folder.
    #[pyo3(signature = (torrent, into, **options))]
    fn add(
        &self,
        py: Python<'_>,
        torrent: &[u8],
        into: PathBuf,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Copy> {
        let mut content = Content::torrent(torrent).map_err(errors::of)?;
        let mut copy = CopyOptions::new(into);
        for (name, value) in options.into_iter().flatten() {
            let name: String = name.extract()?;
            match name.as_str() {
                "shares" => copy.shares = value.extract()?,
                "mirrors" => copy.mirrors = value.extract()?,
                "peers" => copy.peers = value.extract()?,
                "trackers" => copy.trackers = value.extract()?,
                "select" => copy.select = value.extract()?,
                "timeout" => copy.timeout = value.extract()?,
                "deadline" => copy.deadline = value.extract()?,
                "refused_for" => copy.refused_for = value.extract()?,
                "origin_rate" => copy.origin_rate = value.extract()?,
                "readers_max" => copy.readers_max = value.extract()?,
                "stay" => copy.stay = stay(&value)?,
                "seed_from" => content = content.seed_from(value.extract::<PathBuf>()?),
                "sources" => {
                    for source in value.try_iter()? {
                        content = content.source(Arc::new(PythonSource::new(&source?)?));
                    }
                }
                _ => return Err(errors::bad_value(&format!("there is no option {name:?}"))),
            }
        }
        let added = wait_long(py, self.0.add(content, copy))?;
        added.map(Copy::new).map_err(errors::of_add)
    }

    /// The copies that run or are paused.
    fn copies(&self) -> Vec<Copy> {
        self.0.copies().into_iter().map(Copy::new).collect()
    }

    /// Changes the limits, in bytes a second; `None` is no limit.
    #[pyo3(signature = (*, down=None, up=None))]
    fn set_limits(&self, down: Option<u64>, up: Option<u64>) -> PyResult<()> {
        self.0.set_limits(limits(down, up)).map_err(errors::of)
    }

    /// Stops all copies and waits until their state is saved.
    #[pyo3(signature = (grace=10.0))]
    fn shutdown(&self, py: Python<'_>, grace: f64) -> PyResult<()> {
        let grace = Duration::try_from_secs_f64(grace);
        let grace = grace.map_err(|error| errors::bad_value(&error.to_string()))?;
        wait_long(py, self.0.clone().shutdown(grace))
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.shutdown(py, 10.0)
    }
}

fn stay(value: &Bound<'_, PyAny>) -> PyResult<Stay> {
    if let Ok(word) = value.extract::<String>() {
        return match word.as_str() {
            "always" => Ok(Stay::Always),
            _ => Err(errors::bad_value("stay is \"always\" or a time")),
        };
    }
    Ok(Stay::For(value.extract()?))
}

/// Makes a .torrent of a file or folder: its path.
#[pyfunction]
#[pyo3(signature = (source, out=None, *, force=false))]
pub(crate) fn make(
    py: Python<'_>,
    source: PathBuf,
    out: Option<PathBuf>,
    force: bool,
) -> PyResult<PathBuf> {
    let mut options = MakeOptions::new(source);
    options.torrent = out;
    if force {
        options.overwrite = Overwrite::Replace;
    }
    let made = py.detach(|| swarmcopy::make(&options, &|_| ()));
    made.map(|made| made.torrent).map_err(errors::of)
}
