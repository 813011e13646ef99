//! Rows at the foot of a terminal, drawn anew each time; what is printed goes above them.
//!
//! What must stay true: each row is a line of its own and the cursor rests below the last, so that a
//! window that became narrower wraps each row by itself, and it can be told how far up they begin.

use std::io;

use console::Term;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    /// A bar as long as what stands beside it leaves room for.
    Bar {
        /// What stands before the bar.
        name: String,
        /// How much of the whole is there.
        part: u64,
        /// The whole.
        whole: u64,
        /// What stands behind the bar.
        words: String,
    },
    /// A bar of so many columns, with as many words behind it as there is room for.
    ShortBar {
        /// What stands before the bar.
        name: String,
        /// How much of the whole is there.
        part: u64,
        /// The whole.
        whole: u64,
        /// Columns of the bar.
        columns: usize,
        /// What stands behind the bar.
        words: String,
    },
    /// Words, as many as there is room for.
    Words(String),
}

impl Row {
    /// The row in so many columns.
    fn text(&self, columns: usize) -> String {
        let text = match self {
            Self::Bar {
                name,
                part,
                whole,
                words,
            } => {
                let beside = console::measure_text_width(name) + console::measure_text_width(words);
                let room = columns.saturating_sub(beside + 2);
                let name = console::style(name).for_stderr().bold();
                format!("{name} {} {words}", bar(*part, *whole, room))
            }
            Self::ShortBar {
                name,
                part,
                whole,
                columns,
                words,
            } => format!("{name} {} {words}", bar(*part, *whole, *columns)),
            Self::Words(words) => format!("  {words}"),
        };
        console::truncate_str(text.trim_end(), columns, "").into_owned()
    }
}

/// The foot of the terminal that stderr leads to.
#[derive(Debug)]
pub(super) struct Screen {
    term: Term,
    rows: Vec<Row>,
    /// What stands there, and the columns for which it was drawn.
    drawn: Vec<String>,
    columns: usize,
    folds: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self {
            term: Term::buffered_stderr(),
            rows: Vec::new(),
            drawn: Vec::new(),
            columns: 0,
            folds: folds(|name| std::env::var(name).ok()),
        }
    }

    /// Draws these rows in place of those that stand there.
    pub(super) fn draw(&mut self, rows: Vec<Row>) {
        self.rows = rows;
        self.paint(None);
    }

    /// Writes a line above the rows.
    pub(super) fn print(&mut self, line: &str) {
        self.paint(Some(line));
    }

    /// Removes the rows.
    pub(super) fn clear(&mut self) {
        self.draw(Vec::new());
    }

    /// Nobody may be there to read it: that is no error.
    fn paint(&mut self, above: Option<&str>) {
        let _nobody_reads = self.try_paint(above);
    }

    fn try_paint(&mut self, above: Option<&str>) -> io::Result<()> {
        let (height, columns) = self.term.size();
        let (height, columns) = (usize::from(height), usize::from(columns));
        self.wipe(self.taken(columns).min(height))?;
        if let Some(line) = above {
            self.term.write_line(line)?;
        }
        // the last column stays free: there terminals differ; and so does the last row, for the cursor
        let rows = self.rows.iter().take(height.saturating_sub(1));
        let texts = rows.map(|row| row.text(columns.saturating_sub(1)));
        self.drawn = texts.collect();
        self.columns = columns;
        for text in &self.drawn {
            self.term.write_line(text)?;
        }
        self.term.flush()
    }

    /// Empties so many rows above the cursor, which then stands in the first of them. Row by row: a terminal that is
    /// told to empty all it shows may keep that above.
    fn wipe(&self, rows: usize) -> io::Result<()> {
        self.term.move_cursor_up(rows)?;
        for _ in 0..rows {
            self.term.clear_line()?;
            self.term.move_cursor_down(1)?;
        }
        self.term.move_cursor_up(rows)
    }

    /// The rows of the window that are taken by what was drawn, now that it has so many columns.
    fn taken(&self, columns: usize) -> usize {
        if !self.folds || columns >= self.columns {
            return self.drawn.len();
        }
        let drawn = self.drawn.iter().map(|text| folded(text, columns));
        drawn.sum()
    }
}

/// How many rows of so many columns a line takes.
fn folded(line: &str, columns: usize) -> usize {
    let (mut rows, mut filled) = (1, 0);
    for c in console::strip_ansi_codes(line).chars() {
        let width = console::measure_text_width(c.encode_utf8(&mut [0; 4]));
        if filled + width > columns {
            rows += 1;
            filled = 0;
        }
        filled += width;
    }
    rows
}

/// Whether the terminal folds lines anew when it becomes narrower, as nearly all do. Those that are known to cut them
/// are not taken for one: rows above would be overwritten.
fn folds(variable: impl Fn(&str) -> Option<String>) -> bool {
    if variable("TMUX").is_some() {
        return true;
    }
    let term = variable("TERM").unwrap_or_default();
    let cuts = ["linux", "screen", "rxvt"];
    variable("XTERM_VERSION").is_none() && !cuts.iter().any(|name| term.starts_with(name))
}

/// A bar of so many columns.
fn bar(part: u64, whole: u64, columns: usize) -> String {
    let (part, whole) = (part.min(whole), whole.max(1));
    let wide = u128::try_from(columns).unwrap_or_default();
    let full = u128::from(part) * wide / u128::from(whole);
    let full = usize::try_from(full).unwrap_or(columns);
    let head = usize::from(part > 0 && full < columns);
    let rest = columns - full - head;
    ["━".repeat(full), "╸".repeat(head), "─".repeat(rest)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_there_is_room_and_as_full_as_what_is_there() {
        assert_eq!(bar(0, 8, 4), "────");
        assert_eq!(bar(1, 8, 4), "╸───");
        assert_eq!(bar(6, 8, 4), "━━━╸");
        assert_eq!(bar(8, 8, 4), "━━━━");
        assert_eq!(bar(9, 8, 4), "━━━━");
        assert_eq!(bar(0, 0, 2), "──");
        assert_eq!(bar(u64::MAX, u64::MAX, 3), "━━━");
        assert_eq!(bar(3, 4, 0), "");
    }

    #[test]
    fn a_row_fills_its_columns_and_no_more() {
        let (name, words) = ("CS5".to_owned(), "5 %".to_owned());
        let row = Row::Bar {
            name,
            part: 1,
            whole: 2,
            words,
        };
        let wide = console::strip_ansi_codes(&row.text(20)).into_owned();
        assert_eq!(wide, "CS5 ━━━━━━╸───── 5 %");
        for columns in [0, 1, 7, 9, 40] {
            assert!(console::measure_text_width(&row.text(columns)) <= columns);
        }
        let row = Row::Words("from a share".to_owned());
        assert_eq!(row.text(8), "  from a");
    }

    #[test]
    fn a_line_takes_as_many_rows_as_it_folds_into() {
        assert_eq!(folded("", 10), 1);
        assert_eq!(folded(&"x".repeat(10), 10), 1);
        assert_eq!(folded(&"x".repeat(11), 10), 2);
        assert_eq!(folded("\u{1b}[1mCS5\u{1b}[0m", 3), 1);
        // a wide letter is not cut in two
        assert_eq!(folded(&"日".repeat(5), 3), 5);
    }

    #[test]
    fn a_window_that_became_narrower_holds_more_rows_where_its_terminal_folds_lines() {
        let mut screen = Screen::new();
        screen.columns = 100;
        screen.drawn = vec!["x".repeat(99), "x".repeat(20)];
        screen.folds = true;
        assert_eq!(
            [100, 120, 99, 40, 10].map(|it| screen.taken(it)),
            [2, 2, 2, 4, 12]
        );
        screen.folds = false;
        assert_eq!(screen.taken(40), 2);
    }

    #[test]
    fn terminals_that_cut_their_lines_are_known() {
        let folds_with = |known: &[(&str, &str)]| {
            folds(|name| {
                let found = known.iter().find(|(it, _)| *it == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(folds_with(&[("TERM", "xterm-256color")]));
        assert!(folds_with(&[]));
        assert!(!folds_with(&[
            ("TERM", "xterm"),
            ("XTERM_VERSION", "XTerm(390)")
        ]));
        assert!(!folds_with(&[("TERM", "screen.xterm-256color")]));
        assert!(folds_with(&[("TERM", "screen"), ("TMUX", "/tmp/tmux")]));
        assert!(!folds_with(&[("TERM", "linux")]));
    }
}
