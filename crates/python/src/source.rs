//! A source written in Python: an object with `name` and `read(path, at, length)`.

use async_trait::async_trait;
use pyo3::exceptions::{PyFileNotFoundError, PyPermissionError};
use pyo3::prelude::*;
use swarmcopy::layout::FileEntry;
use swarmcopy::source::{RangeError, RangeSource};

/// Reads by calls of a Python object, each on a thread of its own.
#[derive(Debug)]
pub(crate) struct PythonSource {
    object: Py<PyAny>,
    name: String,
    streams_max: u32,
}

impl PythonSource {
    /// Takes an object; its attributes `name` and `streams_max` are read once.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let streams_max = match object.getattr_opt("streams_max")? {
            Some(streams_max) => streams_max.extract()?,
            None => 8,
        };
        Ok(Self {
            name: object.getattr("name")?.str()?.to_string(),
            streams_max,
            object: object.clone().unbind(),
        })
    }

    fn call(object: &Py<PyAny>, path: &str, at: u64, len: usize) -> Result<Vec<u8>, RangeError> {
        Python::attach(|py| {
            let read = object.call_method1(py, "read", (path, at, len));
            let bytes = read.and_then(|bytes| {
                let bytes: &[u8] = bytes.bind(py).extract()?;
                Ok(bytes.to_vec())
            });
            bytes.map_err(|error| error_of(py, &error))
        })
    }
}

fn error_of(py: Python<'_>, error: &PyErr) -> RangeError {
    let text = error.to_string();
    if error.is_instance_of::<PyFileNotFoundError>(py) {
        RangeError::Absent(text)
    } else if error.is_instance_of::<PyPermissionError>(py) {
        RangeError::Refused(text)
    } else {
        RangeError::Broken(text)
    }
}

#[async_trait]
impl RangeSource for PythonSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn streams_max(&self) -> u32 {
        self.streams_max
    }

    async fn read(&self, file: &FileEntry, at: u64, to: &mut [u8]) -> Result<(), RangeError> {
        let object = Python::attach(|py| self.object.clone_ref(py));
        let (path, len) = (file.path().as_str().to_owned(), to.len());
        let reading = tokio::task::spawn_blocking(move || Self::call(&object, &path, at, len));
        let bytes = reading
            .await
            .map_err(|error| RangeError::Broken(error.to_string()))??;
        if bytes.len() != to.len() {
            let text = format!("read gave {} bytes, not {}", bytes.len(), to.len());
            return Err(RangeError::Broken(text));
        }
        to.copy_from_slice(&bytes);
        Ok(())
    }
}
