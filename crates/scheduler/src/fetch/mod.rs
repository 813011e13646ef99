//! What is asked of whom.
//!
//! Peers stand in a line (`queue`, `line`) and are asked one fetch at a time (`peers`, `pick`) while the credit lasts
//! (`credit`). Origins are read behind their permits (`permits`, `origins`), the best of many first (`spares`), by as
//! many streams as pay (`streams`). Work changes hands where that gains much (`takeover`); silent sources are left
//! (`silence`), and peers that are far too slow do not keep origins closed (`thin`).

pub(crate) mod credit;
pub(crate) mod interest;
pub(crate) mod line;
pub(crate) mod origins;
pub(crate) mod peers;
pub(crate) mod permits;
pub(crate) mod pick;
pub(crate) mod queue;
pub(crate) mod silence;
pub(crate) mod spares;
pub(crate) mod streams;
pub(crate) mod takeover;
pub(crate) mod thefts;
pub(crate) mod thin;
pub(crate) mod view;
pub(crate) mod weighing;
