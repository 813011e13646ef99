//! Which files of a content are wanted: those that a pattern matches.
//!
//! A pattern is tried on the path, on each folder above it and on each name, as `make` does with what
//! it leaves out. What must stay true: a pattern that matches nothing is an error, never an empty copy.

use swarmcopy_layout::{Layout, RelPath};

use crate::pattern::Pattern;
use crate::{Error, ErrorKind};

/// Reads patterns.
///
/// # Errors
/// [`ErrorKind::Usage`] naming one that can't be read.
pub(crate) fn patterns(patterns: &[String]) -> Result<Vec<Pattern>, Error> {
    let read = |pattern: &String| {
        Pattern::parse(pattern.trim_end_matches('/'))
            .map_err(|what| Error::new(ErrorKind::Usage, format!("pattern {pattern:?} has {what}")))
    };
    patterns.iter().map(read).collect()
}

/// What is wanted of a tree, by paths of any kind.
#[derive(Debug)]
pub(crate) struct Selection(Option<Vec<Pattern>>);

impl Selection {
    /// Takes patterns; none of them means all.
    pub(crate) fn new(selected: &[String]) -> Result<Self, Error> {
        let set = (!selected.is_empty()).then(|| patterns(selected));
        Ok(Self(set.transpose()?))
    }

    /// Whether `path` is wanted.
    pub(crate) fn has(&self, path: &RelPath) -> bool {
        self.0
            .as_ref()
            .is_none_or(|set| !matches(set, path).is_empty())
    }
}

/// By file of `layout`: whether one of the patterns matches; `None` if there are no patterns, so that
/// all are wanted.
///
/// # Errors
/// [`ErrorKind::Usage`] when a pattern can't be read, or matches no file.
pub(crate) fn wanted(layout: &Layout, selected: &[String]) -> Result<Option<Vec<bool>>, Error> {
    if selected.is_empty() {
        return Ok(None);
    }
    let set = patterns(selected)?;
    let mut used = vec![false; selected.len()];
    let mut wanted = Vec::with_capacity(layout.files().len());
    for (_, file) in layout.files() {
        let matches = if file.attributes().pad {
            Vec::new()
        } else {
            matches(&set, file.path())
        };
        wanted.push(!matches.is_empty());
        for at in matches {
            if let Some(used) = used.get_mut(at) {
                *used = true;
            }
        }
    }
    match used.iter().zip(selected).find(|(used, _)| !**used) {
        Some((_, pattern)) => Err(Error::new(
            ErrorKind::Usage,
            format!("no file of the content matches {pattern}"),
        )
        .with_hint("`show` lists the files")),
        None => Ok(Some(wanted)),
    }
}

/// Which patterns match the path, a folder above it or one of its names.
fn matches(set: &[Pattern], path: &RelPath) -> Vec<usize> {
    let joined = path.as_str();
    let ends = joined.match_indices('/').map(|(at, _)| at);
    let above = ends.filter_map(|end| joined.get(..end));
    let tried = above.chain([joined]).chain(path.names());
    let tried: Vec<&str> = tried.collect();
    let meant = |pattern: &Pattern| tried.iter().any(|text| pattern.is_match(text));
    let all = set.iter().enumerate();
    all.filter(|(_, pattern)| meant(pattern))
        .map(|(at, _)| at)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let mut builder = Layout::builder(16 << 10);
        for path in ["docs/a.txt", "docs/img/b.png", "bin/tool", "c.txt"] {
            builder = builder.file(RelPath::parse(path).unwrap(), 100);
        }
        builder.build().unwrap()
    }

    fn chosen(selected: &[&str]) -> Result<Vec<bool>, Error> {
        let selected: Vec<String> = selected.iter().map(|one| (*one).to_owned()).collect();
        wanted(&layout(), &selected).map(Option::unwrap)
    }

    #[test]
    fn a_pattern_matches_a_path_a_folder_or_a_name() {
        assert_eq!(chosen(&["docs/"]).unwrap(), [true, true, false, false]);
        assert_eq!(chosen(&["*.txt"]).unwrap(), [true, false, false, true]);
        assert_eq!(
            chosen(&["img", "tool"]).unwrap(),
            [false, true, true, false]
        );
        assert_eq!(
            chosen(&["docs/*.png"]).unwrap(),
            [false, true, false, false]
        );
        assert!(wanted(&layout(), &[]).unwrap().is_none());
    }

    #[test]
    fn a_pattern_that_matches_nothing_or_cannot_be_read_is_named() {
        for selected in [&["*.txt", "*.exe"][..], &["[a"]] {
            let error = chosen(selected).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(
                error.to_string().contains(selected.last().unwrap()),
                "{error}"
            );
        }
    }
}
