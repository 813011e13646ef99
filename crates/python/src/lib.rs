//! swarmcopy for Python.
//!
//! What must stay true: no call holds the interpreter's lock while it waits, and each wait ends soon after Ctrl-C; what
//! a source written in Python raises is a failure of that source alone.

mod copy;
mod errors;
mod runtime;
mod session;
mod source;

use pyo3::prelude::*;

/// The part of the module `swarmcopy` that is written in Rust.
#[pymodule]
fn _swarmcopy(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<session::Session>()?;
    module.add_class::<copy::Copy>()?;
    module.add_class::<copy::Events>()?;
    module.add_function(wrap_pyfunction!(session::make, module)?)?;
    errors::add(module)
}
