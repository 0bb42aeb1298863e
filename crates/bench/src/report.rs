//! What was measured, as a table.

use std::fmt::Write as _;

/// What a row's median is held to.
#[derive(Clone, Copy, Debug)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A row: a figure for each run.
#[derive(Clone, Debug)]
pub struct Row {
    name: String,
    unit: String,
    runs: Vec<f64>,
    bound: Option<Bound>,
    /// What else is to be known of it.
    pub note: String,
}

impl Row {
    /// A row without figures yet; `unit` is `×` where a figure is a ratio.
    pub fn new(name: &str, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            runs: Vec::new(),
            bound: None,
            note: String::new(),
        }
    }

    /// Holds the median to a least.
    #[must_use]
    pub fn at_least(self, least: f64) -> Self {
        let bound = Some(Bound::AtLeast(least));
        Self { bound, ..self }
    }

    /// Holds the median to a most.
    #[must_use]
    pub fn at_most(self, most: f64) -> Self {
        let bound = Some(Bound::AtMost(most));
        Self { bound, ..self }
    }

    /// Holds it to nothing.
    pub fn unbind(&mut self) {
        self.bound = None;
    }

    /// Adds a run.
    pub fn push(&mut self, figure: f64) {
        self.runs.push(figure);
    }

    /// Whether it is within its bound; `None` without a bound.
    pub fn holds(&self) -> Option<bool> {
        let median = median(&self.runs);
        self.bound.map(|bound| match bound {
            Bound::AtLeast(least) => median >= least,
            Bound::AtMost(most) => median <= most,
        })
    }
}

/// The middle of some figures.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |at: usize| sorted.get(at).copied().unwrap_or(f64::NAN);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        at(half)
    } else {
        f64::midpoint(at(half.wrapping_sub(1)), at(half))
    }
}

/// A figure with three digits that count.
pub fn figure(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// The rows in Markdown: the median of each, and its least and its greatest run.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| row | unit | median | spread | bound | holds |\n| --- | --- | ---: | ---: | ---: | --- |\n",
    );
    for row in rows {
        let least = row.runs.iter().copied().fold(f64::NAN, f64::min);
        let most = row.runs.iter().copied().fold(f64::NAN, f64::max);
        let bound = match row.bound {
            None => "–".to_owned(),
            Some(Bound::AtLeast(least)) => format!("≥ {}", figure(least)),
            Some(Bound::AtMost(most)) => format!("≤ {}", figure(most)),
        };
        let holds = match row.holds() {
            None => "–",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} to {} | {bound} | {holds} |",
            row.name,
            row.unit,
            figure(median(&row.runs)),
            figure(least),
            figure(most),
        );
    }
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        let _ = write!(text, "\n- {}: {}", row.name, row.note);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_median_and_its_spread() {
        let mut row = Row::new("a", "s").at_most(2.0);
        for figure in [1.0, 30.0, 2.0] {
            row.push(figure);
        }
        assert_eq!(row.holds(), Some(true));
        assert_eq!(row.clone().at_least(2.5).holds(), Some(false));
        let table = table(&[row]);
        assert!(
            table.ends_with("| a | s | 2.00 | 1.00 to 30.0 | ≤ 2.00 | yes |\n"),
            "{table}"
        );
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }
}
