//! Rows in aligned columns, as wide as the terminal and no wider.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, Width, presets::NOTHING,
};

/// Between two columns.
const GAP: u16 = 2;

/// Renders rows batch by batch. Later batches keep at least the columns' widths of the first.
pub(super) struct Columns {
    /// Where lines are cut, if not where the terminal ends.
    limit: Option<u16>,
    least: Vec<u16>,
}

impl Columns {
    /// As wide as the variable `COLUMNS` says, or else as the terminal, or else as the rows.
    pub(super) fn of_terminal() -> Self {
        let limit = std::env::var("COLUMNS").ok();
        Self::within(limit.and_then(|columns| columns.parse().ok()))
    }

    fn within(limit: Option<u16>) -> Self {
        Self {
            limit: limit.filter(|limit| *limit > 0),
            least: Vec::new(),
        }
    }

    /// The lines of these rows. The last column holds numbers and is never cut.
    pub(super) fn lines<const N: usize>(&mut self, rows: &[[String; N]]) -> String {
        let mut table = Table::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_truncation_indicator("…");
        if let Some(limit) = self.limit {
            table.set_width(limit);
        }
        for row in rows {
            let mut row = Row::from(row);
            row.max_height(1);
            table.add_row(row);
        }
        if self.least.is_empty() {
            self.least = table.column_max_content_widths();
        }
        let is_cut = table.width().is_some();
        for (column, least) in table.column_iter_mut().zip(&self.least) {
            column.set_padding((0, GAP));
            if !is_cut {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + GAP)));
            }
        }
        if let Some(last) = table.column_mut(N.saturating_sub(1)) {
            last.set_padding((0, 0));
            last.set_cell_alignment(CellAlignment::Right);
            last.set_constraint(ColumnConstraint::ContentWidth);
        }
        table.trim_fmt()
            + "
"
    }
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
        assert_eq!(
            Columns::within(None).lines(&rows),
            "User      Contact  Left\nmüller@a  sip:x       7\n"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_numbers_stay_whole() {
        let long = "x".repeat(300);
        let rows = rows(&[[&long, "日本語日本語日本語日本語日本語", "86400"]]);
        for limit in [30, 40, 80, 200] {
            let line = Columns::within(Some(limit)).lines(&rows);
            let width = line
                .trim_end()
                .chars()
                .map(|c| 1 + usize::from(c > '一'))
                .sum::<usize>();
            assert!(width <= usize::from(limit), "{width} > {limit}: {line}");
            assert!(line.ends_with("86400\n"), "{line}");
            assert!(line.contains('…') && line.lines().count() == 1, "{line}");
        }
    }

    #[test]
    fn later_rows_that_are_wider_are_cut_only_on_a_terminal() {
        let first = rows(&[["a-name", "b", "1"]]);
        let short = rows(&[["a", "b", "1"]]);
        let later = rows(&[["a-long-name-that-goes-on", "b", "1"]]);
        let mut piped = Columns::within(None);
        piped.lines(&first);
        assert_eq!(piped.lines(&short), "a       b  1\n");
        assert!(
            piped
                .lines(&later)
                .starts_with("a-long-name-that-goes-on  b")
        );
        assert!(!Columns::within(Some(20)).lines(&later).contains("goes-on"));
    }
}
