//! The columns: numbers of variable length, runs of equal values, paths without what they share.
//!
//! What must stay true: a reader never takes more from a column than it holds, and never makes more
//! values than its caller allows, whatever counts the column claims.

use super::table::PATHS_LEN_MAX;
use crate::metainfo::limits::PATH_DEPTH_MAX;
use crate::metainfo::path::plain_name;

/// Writes numbers of seven bits to a byte.
pub(super) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Writes times as differences to the one before.
pub(super) fn push_times(out: &mut Vec<u8>, times: impl Iterator<Item = i64>) {
    let mut before = 0_i64;
    for time in times {
        let step = time.wrapping_sub(before);
        push_number(out, ((step << 1) ^ (step >> 63)).cast_unsigned());
        before = time;
    }
}

/// Writes equal neighbours as one run.
pub(super) fn push_runs(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    let mut run: Option<(u64, u64)> = None;
    for value in values {
        match &mut run {
            Some((len, same)) if *same == value => *len += 1,
            _ => {
                push_run(out, run);
                run = Some((1, value));
            }
        }
    }
    push_run(out, run);
}

fn push_run(out: &mut Vec<u8>, run: Option<(u64, u64)>) {
    if let Some((len, value)) = run {
        push_number(out, len);
        push_number(out, value);
    }
}

/// Writes `path` as what differs from the path `before`.
pub(super) fn push_path(out: &mut Vec<u8>, before: &str, path: &str) {
    let same = before.bytes().zip(path.bytes());
    let same = same.take_while(|(a, b)| a == b).count();
    let shared = path.floor_char_boundary(same);
    push_number(out, number_of(shared));
    push_text(out, path.get(shared..).unwrap_or_default());
}

/// Writes a text with its length before it.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    push_number(out, number_of(text.len()));
    out.extend_from_slice(text.as_bytes());
}

fn number_of(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// What is wrong with a column.
pub(super) type Problem = &'static str;

const SHORT: Problem = "ends too early";

/// Reads a column from its front.
#[derive(Debug, Clone)]
pub(super) struct Column<'d> {
    rest: &'d [u8],
    /// The path that was read last.
    before: String,
    /// Bytes of all paths read so far.
    paths_len: usize,
}

impl<'d> Column<'d> {
    pub(super) fn new(bytes: &'d [u8]) -> Self {
        Self {
            rest: bytes,
            before: String::new(),
            paths_len: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses bytes behind the last value.
    pub(super) fn end(self) -> Result<(), Problem> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err("holds more values than there are entries")
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, Problem> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(SHORT)?;
            self.rest = rest;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("holds a number of more than 64 bits")
    }

    fn index(&mut self) -> Result<usize, Problem> {
        usize::try_from(self.number()?).map_err(|_| "holds a number that is too large")
    }

    /// Reads `count` times.
    pub(super) fn times(&mut self, count: usize) -> Result<Vec<i64>, Problem> {
        // each takes a byte at least
        let mut times = Vec::with_capacity(count.min(self.rest.len()));
        let mut before = 0_i64;
        for _ in 0..count {
            let step = self.number()?;
            let step = (step >> 1).cast_signed() ^ -(step & 1).cast_signed();
            before = before.wrapping_add(step);
            times.push(before);
        }
        Ok(times)
    }

    /// Reads `count` values that stand in runs; hands each run to `take`.
    pub(super) fn runs(
        &mut self,
        count: usize,
        mut take: impl FnMut(usize, u64) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut left = count;
        while left > 0 {
            let len = self.index()?;
            if len == 0 || len > left {
                return Err("holds a run that does not fit");
            }
            left -= len;
            let value = self.number()?;
            take(len, value)?;
        }
        Ok(())
    }

    /// Reads a text of at most `len_max` bytes.
    pub(super) fn text(&mut self, len_max: usize) -> Result<&'d str, Problem> {
        let len = self.index()?;
        if len > len_max {
            return Err("holds a text that is too long");
        }
        let (text, rest) = self.rest.split_at_checked(len).ok_or(SHORT)?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| "holds a text that is not UTF-8")
    }

    /// Reads a path of plain names.
    pub(super) fn path(&mut self) -> Result<String, Problem> {
        let shared = self.index()?;
        let head = self.before.get(..shared);
        let mut path = head
            .ok_or("holds a path that shares more than there is")?
            .to_owned();
        path.push_str(self.text(PATHS_LEN_MAX)?);
        self.paths_len = self.paths_len.saturating_add(path.len());
        if self.paths_len > PATHS_LEN_MAX {
            return Err("holds paths that are too long together");
        }
        check_path(&path)?;
        self.before.clone_from(&path);
        Ok(path)
    }
}

/// Refuses a path that is not made of plain names.
fn check_path(path: &str) -> Result<(), Problem> {
    for (depth, name) in path.split('/').enumerate() {
        if depth >= PATH_DEPTH_MAX {
            return Err("holds a path of too many folders");
        }
        if !is_plain_name(name) {
            return Err("holds a path that is not made of plain names");
        }
    }
    Ok(())
}

/// The path under which every reader keeps what somebody called `path`: each name made plain. `None` if
/// nothing is left of a name.
pub fn plain_path(path: &str) -> Option<String> {
    let names: Option<Vec<String>> = path
        .split('/')
        .map(|name| plain_name(name.as_bytes()))
        .collect();
    Some(names?.join("/"))
}

/// Whether every reader takes the name as it is.
pub(super) fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && plain_name(name.as_bytes()).as_deref() == Some(name)
}
