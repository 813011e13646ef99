//! Runs of bytes: one `Span`, and `Spans`, a sorted set of disjoint ones.
//!
//! Positions are byte offsets in the content. A `Span` never wraps: its end fits a `u64`.

use std::fmt;

/// A run of bytes of a content: `start..end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    start: u64,
    end: u64,
}

impl Span {
    /// Makes the span of `len` bytes at `start`; one that would pass the end of `u64` is cut there.
    pub const fn new(start: u64, len: u64) -> Self {
        Self {
            start,
            end: start.saturating_add(len),
        }
    }

    /// Makes the span `start..end`; empty if `end` lies before `start`.
    pub const fn between(start: u64, end: u64) -> Self {
        Self {
            start,
            end: if end < start { start } else { end },
        }
    }

    /// The first byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// One past the last byte.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// How many bytes.
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether it covers no byte.
    pub const fn is_empty(self) -> bool {
        self.end == self.start
    }

    /// Whether `other` lies wholly inside.
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The bytes that both cover (possibly none: an empty span).
    pub fn intersection(self, other: Self) -> Self {
        Self::between(self.start.max(other.start), self.end.min(other.end))
    }

    /// The first `len` bytes, or all if there are fewer.
    pub fn head(self, len: u64) -> Self {
        Self::between(self.start, self.start.saturating_add(len).min(self.end))
    }

    /// What is left after the first `len` bytes.
    pub fn after(self, len: u64) -> Self {
        Self::between(self.start.saturating_add(len).min(self.end), self.end)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A set of bytes as sorted spans that neither touch nor overlap.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Spans {
    runs: Vec<Span>,
}

impl Spans {
    /// An empty set.
    pub const fn new() -> Self {
        Self { runs: Vec::new() }
    }

    /// The set of one span's bytes.
    pub fn of(span: Span) -> Self {
        let mut spans = Self::new();
        spans.insert(span);
        spans
    }

    /// The runs, in order.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.runs.iter().copied()
    }

    /// The first run, if any.
    pub fn first(&self) -> Option<Span> {
        self.runs.first().copied()
    }

    /// How many bytes in all.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(|run| run.len()).sum()
    }

    /// Whether it holds no byte.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether every byte of `span` is in the set.
    pub fn covers(&self, span: Span) -> bool {
        span.is_empty() || self.runs.iter().any(|run| run.contains(span))
    }

    /// Adds the bytes of `span`.
    pub fn insert(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        let from = self.runs.partition_point(|run| run.end < span.start);
        let to = self.runs.partition_point(|run| run.start <= span.end);
        let merged = self
            .runs
            .get(from..to)
            .into_iter()
            .flatten()
            .fold(span, |all, run| {
                Span::between(all.start.min(run.start), all.end.max(run.end))
            });
        self.runs.splice(from..to, [merged]);
    }

    /// Takes the bytes of `span` out.
    pub fn remove(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        let from = self.runs.partition_point(|run| run.end <= span.start);
        let to = self.runs.partition_point(|run| run.start < span.end);
        let rest: Vec<Span> = self
            .runs
            .get(from..to)
            .into_iter()
            .flatten()
            .flat_map(|run| {
                [
                    Span::between(run.start, span.start),
                    Span::between(span.end, run.end),
                ]
            })
            .filter(|run| !run.is_empty())
            .collect();
        self.runs.splice(from..to, rest);
    }

    /// The bytes of `span` that are not in the set, in order.
    pub fn gaps(&self, span: Span) -> Self {
        let mut gaps = Self::of(span);
        for run in &self.runs {
            gaps.remove(*run);
        }
        gaps
    }
}

impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut set = Self::new();
        for span in spans {
            set.insert(span);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn spans_behave_as_a_set_of_bytes(
            steps in prop::collection::vec((any::<bool>(), 0u64..64, 0u64..16), 0..40)
        ) {
            let mut spans = Spans::new();
            let mut model = [false; 96];
            for (add, start, len) in steps {
                let span = Span::new(start, len);
                if add { spans.insert(span) } else { spans.remove(span) }
                for at in start..start + len {
                    model[usize::try_from(at).unwrap()] = add;
                }
                let bytes: Vec<u64> = spans.iter().flat_map(|run| run.start()..run.end()).collect();
                let expected: Vec<u64> = (0u64..).zip(model).filter(|at| at.1).map(|at| at.0).collect();
                prop_assert_eq!(bytes, expected);
                prop_assert!(spans.runs.windows(2).all(|pair| pair[0].end < pair[1].start));
                let whole = Span::new(0, 96);
                prop_assert_eq!(spans.gaps(whole).len() + spans.len(), 96);
            }
        }
    }

    #[test]
    fn a_span_past_the_end_is_cut() {
        assert_eq!(Span::new(u64::MAX - 1, 10).len(), 1);
        assert_eq!(Span::new(10, 5).head(9), Span::new(10, 5));
        assert!(Span::new(10, 5).after(9).is_empty());
    }
}
