//! Rows in aligned columns, as wide as the terminal and no wider.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Between two columns.
const GAP: &str = "  ";
/// Below this a column is not made narrower.
const NARROWEST: usize = 8;

/// Columns with their widths.
pub(super) struct Table<const N: usize> {
    widths: [usize; N],
    /// The last column is of numbers, and keeps its width.
    fitted: bool,
}

impl<const N: usize> Table<N> {
    /// As wide as these rows need, and no wider than `limit`, if there is one. What comes later and
    /// is wider is cut where there is a limit.
    pub(super) fn fitting(rows: &[[String; N]], limit: Option<usize>) -> Self {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let Some(limit) = limit else {
            return Self {
                widths,
                fitted: false,
            };
        };
        let gaps = GAP.len() * N.saturating_sub(1);
        // The widest gives way first, the last column never.
        while widths.iter().sum::<usize>() + gaps > limit {
            let (_, others) = widths.split_last_mut().unwrap_or((&mut 0, &mut []));
            match others.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        Self {
            widths,
            fitted: true,
        }
    }

    /// A row as a line.
    pub(super) fn line(&self, row: &[String; N]) -> String {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(self.widths).enumerate() {
            if at > 0 {
                line.push_str(GAP);
            }
            let cell = if self.fitted {
                cut(cell, width)
            } else {
                cell.clone()
            };
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            if at + 1 == N {
                line.push_str(&padding);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&padding);
            }
        }
        line
    }
}

/// Text that is too wide, with a mark where it was cut.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut taken = 0;
    let mut short: String = text
        .chars()
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken < width
        })
        .collect();
    short.push('…');
    short
}

/// How wide standard output is, if it is a terminal; `COLUMNS` goes before it.
pub(super) fn terminal_width() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok();
    let told = told.and_then(|columns| columns.parse().ok());
    told.filter(|columns| *columns > 0).or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
        Some(usize::from(width.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[[&str; 3]]) -> Vec<[String; 3]> {
        rows.iter().map(|row| row.map(str::to_owned)).collect()
    }

    #[test]
    fn columns_are_aligned() {
        let rows = rows(&[["User", "Contact", "Left"], ["müller@a", "sip:x", "7"]]);
        let table = Table::fitting(&rows, None);
        let lines: Vec<_> = rows.iter().map(|row| table.line(row)).collect();
        assert_eq!(
            lines,
            ["User      Contact  Left", "müller@a  sip:x       7"]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_numbers_stay_whole() {
        let long = "x".repeat(300);
        let rows = rows(&[[&long, "日本語日本語日本語日本語日本語", "86400"]]);
        for limit in [30, 40, 80, 200] {
            let line = Table::fitting(&rows, Some(limit)).line(&rows[0]);
            assert!(line.width() <= limit, "{} > {limit}: {line}", line.width());
            assert!(line.ends_with("86400"), "{line}");
            assert!(line.contains('…'), "{line}");
        }
    }

    #[test]
    fn what_comes_later_and_is_wider_is_cut_only_on_a_terminal() {
        let first = rows(&[["a", "b", "1"]]);
        let later = rows(&[["a-long-name", "b", "1"]]);
        let piped = Table::fitting(&first, None).line(&later[0]);
        assert!(piped.starts_with("a-long-name  b"), "{piped}");
        assert!(
            !Table::fitting(&first, Some(80))
                .line(&later[0])
                .contains("long")
        );
    }
}
