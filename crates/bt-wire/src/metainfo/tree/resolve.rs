//! Where a symbolic link leads, by its text alone.
//!
//! What must stay true: a target that passes stays below the top folder after each of its steps, and
//! no step but the last is a link, so that the text means the same to every system that follows it.

use super::columns::is_plain_name;
use super::table::TARGET_LEN_MAX;

/// Why the target of a symbolic link is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkFault {
    /// It is empty, too long, absolute, or has a name that is not plain.
    Malformed,
    /// It leaves the tree at some step.
    Leaves,
    /// A step before its last is a link itself.
    ThroughLink,
}

impl LinkFault {
    /// The fault as a person would say it.
    pub const fn problem(self) -> &'static str {
        match self {
            Self::Malformed => "is absolute, or no path of plain names",
            Self::Leaves => "leaves the tree",
            Self::ThroughLink => "leads through another link",
        }
    }
}

/// Resolves the text `target` of the link at `path`; gives the path below the top folder that it leads to,
/// empty for the top folder itself. `is_link` says whether a path is a symbolic link of the tree.
///
/// ```
/// use swarmcopy_bt_wire::metainfo::{LinkFault, resolve};
///
/// let none = |_: &str| false;
/// assert_eq!(resolve("lib/a.so", "../share/./a", &none).as_deref(), Ok("share/a"));
/// assert_eq!(resolve("lib/a.so", "../../etc", &none), Err(LinkFault::Leaves));
/// ```
pub fn resolve(
    path: &str,
    target: &str,
    is_link: &dyn Fn(&str) -> bool,
) -> Result<String, LinkFault> {
    if target.is_empty() || target.len() > TARGET_LEN_MAX || target.starts_with('/') {
        return Err(LinkFault::Malformed);
    }
    let mut at = path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .to_owned();
    let steps = target.split('/').filter(|step| !matches!(*step, "" | "."));
    let mut last_is_link = false;
    for step in steps {
        if last_is_link {
            return Err(LinkFault::ThroughLink);
        }
        if step == ".." {
            let up = match at.rfind('/') {
                Some(slash) => slash,
                None if at.is_empty() => return Err(LinkFault::Leaves),
                None => 0,
            };
            at.truncate(up);
            continue;
        }
        if !is_plain_name(step) {
            return Err(LinkFault::Malformed);
        }
        if !at.is_empty() {
            at.push('/');
        }
        at.push_str(step);
        last_is_link = is_link(&at);
    }
    Ok(at)
}
