//! What is examined, and what is found.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;
use swarmcopy::{Content, CopyOptions};

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands in the way.
    Well,
    /// It can't be told from here, or it does no harm by itself.
    Unclear,
    /// It stops a copy, or makes it slow.
    Ill,
}

/// What one look found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What was looked at: one word for scripts.
    pub check: &'static str,
    /// How it is to be taken.
    pub verdict: Verdict,
    /// What was found.
    pub told: String,
    /// What to do, unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

impl Finding {
    pub(crate) fn well(check: &'static str, told: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Well,
            told: told.into(),
            todo: None,
        }
    }

    pub(crate) fn unclear(
        check: &'static str,
        told: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self {
            check,
            verdict: Verdict::Unclear,
            told: told.into(),
            todo: Some(todo.into()),
        }
    }

    pub(crate) fn ill(
        check: &'static str,
        told: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self {
            check,
            verdict: Verdict::Ill,
            told: told.into(),
            todo: Some(todo.into()),
        }
    }
}

/// What is examined.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Patient {
    /// What is to be copied, if that is said, with its shares and trackers.
    pub content: Option<(Content, CopyOptions)>,
    /// Where to.
    pub into: PathBuf,
    /// Where a copy would listen; `None` for the ports of habit.
    pub listens: Option<SocketAddr>,
}

impl Patient {
    /// A machine that copies into this folder.
    pub fn new(into: impl Into<PathBuf>) -> Self {
        Self {
            content: None,
            into: into.into(),
            listens: None,
        }
    }
}
