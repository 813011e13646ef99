//! What this machine tells onlookers, and to how many.

use std::sync::{Arc, Mutex, PoisonError};

use swarmcopy_bt_wire::extension::{
    DecisionStatus, MachineStatus, SourceStatus, StatusMessage, StatusQuestion,
};

/// The number by which both sides want to receive `sc_status`.
pub(super) const STATUS_ID: u8 = 5;
/// Onlookers that a machine answers at a time.
pub const ONLOOKERS_MAX: usize = 8;

/// What this machine tells onlookers: written by its owner, read by whoever answers them.
#[derive(Debug, Default)]
pub struct StatusBoard(Mutex<Board>);

#[derive(Debug, Default)]
struct Board {
    machine: MachineStatus,
    sources: Vec<SourceStatus>,
    decisions: Vec<DecisionStatus>,
}

impl StatusBoard {
    /// A board with nothing on it.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Replaces all of it.
    pub fn write(
        &self,
        machine: MachineStatus,
        sources: Vec<SourceStatus>,
        decisions: Vec<DecisionStatus>,
    ) {
        let board = Board {
            machine,
            sources,
            decisions,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = board;
    }

    pub(super) fn answer(&self, question: StatusQuestion) -> Vec<u8> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match question {
            StatusQuestion::Machine => StatusMessage::Machine(Box::new(board.machine.clone())),
            StatusQuestion::Sources => StatusMessage::Sources(board.sources.clone()),
            StatusQuestion::Decisions => StatusMessage::Decisions(board.decisions.clone()),
        };
        answer.encode()
    }
}
