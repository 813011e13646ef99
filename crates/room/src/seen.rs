//! The room as it is seen: every machine, whoever was expected, and the sums.

mod csv;
mod expected;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use expected::{EXPECTED_MAX, expected_names};
pub use state::{About, Key, MACHINES_MAX, Seen};
pub use view::{
    DecisionView, MachineView, OriginView, RoomView, SourceView, Totals, TrackerView, Update,
};
