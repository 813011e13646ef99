//! Failures as exceptions: one class for each kind, below `Error`.

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use swarmcopy::{AddError, ErrorKind};

create_exception!(swarmcopy, Error, PyException, "A failure of swarmcopy.");
create_exception!(
    swarmcopy,
    UsageError,
    Error,
    "What was asked for makes no sense."
);
create_exception!(
    swarmcopy,
    IncompleteError,
    Error,
    "No source has what is missing."
);
create_exception!(
    swarmcopy,
    MismatchError,
    Error,
    "Bytes do not match the hashes."
);
create_exception!(swarmcopy, DiskError, Error, "The local disk fails.");
create_exception!(
    swarmcopy,
    InterruptedCopyError,
    Error,
    "The copy was stopped."
);
create_exception!(
    swarmcopy,
    RunningError,
    Error,
    "The content is copied already."
);

/// Adds the classes to the module.
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("Error", py.get_type::<Error>())?;
    module.add("UsageError", py.get_type::<UsageError>())?;
    module.add("IncompleteError", py.get_type::<IncompleteError>())?;
    module.add("MismatchError", py.get_type::<MismatchError>())?;
    module.add("DiskError", py.get_type::<DiskError>())?;
    module.add(
        "InterruptedCopyError",
        py.get_type::<InterruptedCopyError>(),
    )?;
    module.add("RunningError", py.get_type::<RunningError>())
}

/// An exception without a kind of its own.
pub(crate) fn failed(text: &str) -> PyErr {
    Error::new_err(text.to_owned())
}

/// The exception of an error of the library.
pub(crate) fn of(error: impl Into<swarmcopy::Error>) -> PyErr {
    let error = error.into();
    let text = match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    };
    match error.kind() {
        ErrorKind::Usage => UsageError::new_err(text),
        ErrorKind::Incomplete => IncompleteError::new_err(text),
        ErrorKind::Mismatch => MismatchError::new_err(text),
        ErrorKind::Disk => DiskError::new_err(text),
        ErrorKind::Interrupted => InterruptedCopyError::new_err(text),
        _ => Error::new_err(text),
    }
}

/// The exception of a copy that could not be added.
pub(crate) fn of_add(error: AddError) -> PyErr {
    match error {
        AddError::Running(_) => RunningError::new_err(error.to_string()),
        other => of(other),
    }
}

/// An argument that can't be read.
pub(crate) fn bad_value(text: &str) -> PyErr {
    PyValueError::new_err(text.to_owned())
}
