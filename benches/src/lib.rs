//! Benchmarks over the public interfaces of the workspace: see `benches/`.
