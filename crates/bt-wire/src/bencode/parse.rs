//! The reader's scanner: bytes in, a flat table of nodes out.
//!
//! What must stay true: no recursion, no allocation by a claimed length (only by values really
//! seen), and with [`Form::Canonical`] exactly one byte sequence is accepted for each value.

use thiserror::Error;

use super::int::parse_int;
use super::value::{Document, Kind, Node};

/// Says why bytes are not acceptable bencode, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BencodeError {
    /// The input is longer than [`Limits::len_max`].
    #[error("cannot read {len} bytes of bencode: the limit is {max}")]
    TooLong {
        /// Length of the input.
        len: usize,
        /// The limit that applied.
        max: usize,
    },
    /// The input ends inside a value.
    #[error("cannot read bencode: the input ends inside a value")]
    Truncated,
    /// Bytes follow the value.
    #[error("cannot read bencode: bytes follow the value at offset {at}")]
    Trailing {
        /// Offset of the first byte after the value.
        at: usize,
    },
    /// A byte that can't stand at this place.
    #[error("cannot read bencode: unexpected byte at offset {at}")]
    Unexpected {
        /// Offset of the byte.
        at: usize,
    },
    /// An integer or length that is empty or doesn't fit.
    #[error("cannot read bencode: bad number at offset {at}")]
    Number {
        /// Offset of the number.
        at: usize,
    },
    /// Lists and dictionaries nested deeper than [`Limits::depth_max`].
    #[error("cannot read bencode: nested deeper than {max} levels at offset {at}")]
    Depth {
        /// Offset of the value that is too deep.
        at: usize,
        /// The limit that applied.
        max: usize,
    },
    /// More values than [`Limits::node_max`].
    #[error("cannot read bencode: more than {max} values")]
    Nodes {
        /// The limit that applied.
        max: usize,
    },
    /// A dictionary key without a value.
    #[error("cannot read bencode: a key without a value at offset {at}")]
    MissingValue {
        /// Offset of the end of the dictionary.
        at: usize,
    },
    /// Keys out of order, a key twice, or a number with needless digits (canonical form only).
    #[error("cannot read bencode: not in canonical form at offset {at}")]
    NotCanonical {
        /// Offset of the offending value.
        at: usize,
    },
}

/// How strictly the reader takes the one-form-per-value rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Keys sorted and unique, no leading zeros, no `-0`.
    Canonical,
    /// What real files contain: keys in any order (the first of equal keys is found) and numbers
    /// with leading zeros.
    Lenient,
}

/// What the reader accepts at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest input in bytes; never above 4 GiB.
    pub len_max: usize,
    /// Deepest nesting of lists and dictionaries.
    pub depth_max: usize,
    /// Largest number of values, keys included.
    pub node_max: usize,
    /// Strictness.
    pub form: Form,
}

impl Limits {
    /// Limits for a message of at most `len_max` bytes: depth 64, one value per two bytes at most
    /// 65,536, lenient form.
    pub fn message(len_max: usize) -> Self {
        Self {
            len_max,
            depth_max: 64,
            node_max: (len_max / 2).clamp(16, 65_536),
            form: Form::Lenient,
        }
    }

    /// The same limits with another number of values.
    #[must_use]
    pub fn with_node_max(self, node_max: usize) -> Self {
        Self { node_max, ..self }
    }

    /// The same limits with another form.
    #[must_use]
    pub fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }
}

/// Reads exactly one value that fills `bytes`.
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Document<'a>, BencodeError> {
    let (document, used) = parse_prefix(bytes, limits)?;
    if used < bytes.len() {
        return Err(BencodeError::Trailing { at: used });
    }
    Ok(document)
}

/// Reads the value at the start of `bytes` and says how many bytes it takes (BEP 9 puts raw bytes
/// behind a dictionary).
pub fn parse_prefix<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<(Document<'a>, usize), BencodeError> {
    let max = limits
        .len_max
        .min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
    if bytes.len() > max {
        return Err(BencodeError::TooLong {
            len: bytes.len(),
            max,
        });
    }
    let mut scan = Scan {
        bytes,
        limits,
        at: 0,
        nodes: Vec::new(),
        open: Vec::new(),
    };
    scan.run()?;
    let used = scan.at;
    Ok((Document::new(bytes, scan.nodes), used))
}

/// One list or dictionary whose end has not been seen.
struct Open<'a> {
    node: usize,
    kind: Kind,
    last_key: Option<&'a [u8]>,
    awaits_value: bool,
}

struct Scan<'a, 'l> {
    bytes: &'a [u8],
    limits: &'l Limits,
    at: usize,
    nodes: Vec<Node>,
    open: Vec<Open<'a>>,
}

impl<'a> Scan<'a, '_> {
    fn run(&mut self) -> Result<(), BencodeError> {
        loop {
            let byte = self.peek()?;
            if byte == b'e' {
                self.close()?;
            } else if self.at_key() {
                self.key(byte)?;
                continue;
            } else {
                self.value(byte)?;
            }
            if self.open.is_empty() {
                return Ok(());
            }
        }
    }

    fn peek(&self) -> Result<u8, BencodeError> {
        self.bytes
            .get(self.at)
            .copied()
            .ok_or(BencodeError::Truncated)
    }

    fn at_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.kind == Kind::Dict && !open.awaits_value)
    }

    fn key(&mut self, byte: u8) -> Result<(), BencodeError> {
        let at = self.at;
        if !byte.is_ascii_digit() {
            return Err(BencodeError::Unexpected { at });
        }
        let key = self.string()?;
        let canonical = self.limits.form == Form::Canonical;
        if let Some(open) = self.open.last_mut() {
            if canonical && open.last_key.is_some_and(|last| last >= key) {
                return Err(BencodeError::NotCanonical { at });
            }
            open.last_key = Some(key);
            open.awaits_value = true;
        }
        Ok(())
    }

    fn value(&mut self, byte: u8) -> Result<(), BencodeError> {
        if let Some(open) = self.open.last_mut() {
            open.awaits_value = false;
        }
        match byte {
            b'i' => self.integer(),
            b'l' => self.descend(Kind::List),
            b'd' => self.descend(Kind::Dict),
            b'0'..=b'9' => self.string().map(drop),
            _ => Err(BencodeError::Unexpected { at: self.at }),
        }
    }

    fn descend(&mut self, kind: Kind) -> Result<(), BencodeError> {
        let max = self.limits.depth_max;
        if self.open.len() >= max {
            return Err(BencodeError::Depth { at: self.at, max });
        }
        let node = self.push(kind, self.at, 1, self.at.saturating_add(1))?;
        self.open.push(Open {
            node,
            kind,
            last_key: None,
            awaits_value: false,
        });
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn close(&mut self) -> Result<(), BencodeError> {
        let at = self.at;
        let open = self.open.pop().ok_or(BencodeError::Unexpected { at })?;
        if open.awaits_value {
            return Err(BencodeError::MissingValue { at });
        }
        self.at = at.saturating_add(1);
        let next = narrow(self.nodes.len())?;
        let end = narrow(self.at)?;
        if let Some(node) = self.nodes.get_mut(open.node) {
            node.next = next;
            node.end = end;
        }
        Ok(())
    }

    fn integer(&mut self) -> Result<(), BencodeError> {
        let at = self.at;
        let rest = self.bytes.get(at.saturating_add(1)..).unwrap_or_default();
        // an i64 has 19 digits; lenient input may pad with zeros, but not for ever
        let window = rest.get(..32).unwrap_or(rest);
        let Some(len) = window.iter().position(|byte| *byte == b'e') else {
            let error = BencodeError::Number { at };
            return Err(if window.len() < 32 {
                BencodeError::Truncated
            } else {
                error
            });
        };
        let text = window.get(..len).unwrap_or_default();
        parse_int(text).ok_or(BencodeError::Number { at })?;
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let padded = digits.len() > 1 && digits.first() == Some(&b'0');
        if self.limits.form == Form::Canonical && (padded || text == b"-0") {
            return Err(BencodeError::NotCanonical { at });
        }
        self.at = at.saturating_add(len).saturating_add(2);
        self.push(Kind::Int, at, 1, self.at).map(drop)
    }

    fn string(&mut self) -> Result<&'a [u8], BencodeError> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        let window = rest.get(..12).unwrap_or(rest);
        let Some(digits) = window.iter().position(|byte| *byte == b':') else {
            let clean = window.len() < 12 && window.iter().all(u8::is_ascii_digit);
            return Err(if clean {
                BencodeError::Truncated
            } else {
                BencodeError::Number { at }
            });
        };
        let text = window.get(..digits).unwrap_or_default();
        let len = parse_int(text).and_then(|len| usize::try_from(len).ok());
        let len = len.ok_or(BencodeError::Number { at })?;
        if self.limits.form == Form::Canonical && digits > 1 && text.first() == Some(&b'0') {
            return Err(BencodeError::NotCanonical { at });
        }
        let head = digits.saturating_add(1);
        let start = at.saturating_add(head);
        let end = start.checked_add(len).ok_or(BencodeError::Number { at })?;
        let body = self.bytes.get(start..end).ok_or(BencodeError::Truncated)?;
        self.push(Kind::Bytes, at, head, end)?;
        self.at = end;
        Ok(body)
    }

    fn push(
        &mut self,
        kind: Kind,
        start: usize,
        head: usize,
        end: usize,
    ) -> Result<usize, BencodeError> {
        let index = self.nodes.len();
        if index >= self.limits.node_max {
            return Err(BencodeError::Nodes {
                max: self.limits.node_max,
            });
        }
        let head = u8::try_from(head).map_err(|_| BencodeError::Number { at: start })?;
        self.nodes.push(Node {
            start: narrow(start)?,
            end: narrow(end)?,
            next: narrow(index.saturating_add(1))?,
            head,
            kind,
        });
        Ok(index)
    }
}

fn narrow(value: usize) -> Result<u32, BencodeError> {
    u32::try_from(value).map_err(|_| BencodeError::TooLong {
        len: value,
        max: usize::MAX,
    })
}
