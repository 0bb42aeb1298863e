//! What was measured, as a table and as JSON.

use std::{fmt::Write as _, fs, path::Path};

use serde::Serialize;

/// What a row is held to.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The measured figure, at least.
    AtLeast(f64),
    /// The measured figure, at most.
    AtMost(f64),
    /// The measured figure by the baseline's, at least.
    RatioAtLeast(f64),
    /// The measured figure by the baseline's, at most.
    RatioAtMost(f64),
}

/// One side of a row: a figure for each run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Side {
    /// What it is.
    pub what: String,
    /// One figure a run.
    pub runs: Vec<f64>,
}

impl Side {
    /// A side without figures yet.
    pub fn new(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            runs: Vec::new(),
        }
    }

    /// The middle of its runs.
    pub fn median(&self) -> f64 {
        median(&self.runs)
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

/// A row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Group and name, `memory/1000000x20`.
    pub name: String,
    /// Of both sides' figures.
    pub unit: &'static str,
    /// Ours.
    pub measured: Side,
    /// What it is compared with, measured in turns with it.
    pub baseline: Side,
    /// What it is held to.
    pub bound: Option<Bound>,
    /// What else is to be known of it.
    pub note: String,
}

impl Row {
    /// A row without figures yet.
    pub fn new(name: &str, unit: &'static str, measured: &str, baseline: &str) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            measured: Side::new(measured),
            baseline: Side::new(baseline),
            bound: None,
            note: String::new(),
        }
    }

    /// The same, held to something.
    #[must_use]
    pub fn held_to(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Adds a run.
    pub fn push(&mut self, measured: f64, baseline: f64) {
        self.measured.runs.push(measured);
        self.baseline.runs.push(baseline);
    }

    /// The middle of the runs' ratios: what drifts during a measurement drifts for both sides.
    pub fn ratio(&self) -> f64 {
        let pairs = self.measured.runs.iter().zip(&self.baseline.runs);
        let ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        median(&ratios)
    }

    /// Whether it is within its bound; `None` without a bound.
    pub fn holds(&self) -> Option<bool> {
        self.bound.map(|bound| match bound {
            Bound::AtLeast(least) => self.measured.median() >= least,
            Bound::AtMost(most) => self.measured.median() <= most,
            Bound::RatioAtLeast(least) => self.ratio() >= least,
            Bound::RatioAtMost(most) => self.ratio() <= most,
        })
    }
}

/// All rows.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The processor.
    pub machine: String,
    /// How it was called.
    pub command: String,
    /// Runs behind each figure.
    pub runs: usize,
    /// Small sizes: bounds do not count.
    pub quick: bool,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A figure with three or four digits that count.
pub fn figure(figure: f64) -> String {
    let size = figure.abs();
    if !figure.is_finite() {
        "–".to_owned()
    } else if size >= 1000.0 {
        let whole = format!("{figure:.0}");
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) && grouped != "-" {
                grouped.push(' ');
            }
            grouped.push(digit);
        }
        grouped
    } else if size >= 100.0 {
        format!("{figure:.0}")
    } else if size >= 10.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}

fn bound(row: &Row) -> String {
    match row.bound {
        None => "–".to_owned(),
        Some(Bound::AtLeast(least)) => format!("≥ {}", figure(least)),
        Some(Bound::AtMost(most)) => format!("≤ {}", figure(most)),
        Some(Bound::RatioAtLeast(least)) => format!("≥ {} ×", figure(least)),
        Some(Bound::RatioAtMost(most)) => format!("≤ {} ×", figure(most)),
    }
}

impl Report {
    /// The rows as a table.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| row | unit | measured | baseline | ratio | bound | holds |\n| --- | --- | ---: | ---: | ---: | --- | --- |\n",
        );
        for row in &self.rows {
            let holds = match row.holds() {
                _ if self.quick => "–",
                None => "–",
                Some(true) => "yes",
                Some(false) => "**no**",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} ({}) | {} | {} | {holds} |",
                row.name,
                row.unit,
                figure(row.measured.median()),
                figure(row.baseline.median()),
                row.baseline.what,
                figure(row.ratio()),
                bound(row),
            );
        }
        let notes = self.rows.iter().filter(|row| !row.note.is_empty());
        for (at, row) in notes.enumerate() {
            let gap = if at == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{gap}- {}: {}", row.name, row.note);
        }
        text
    }

    /// Writes `results.md` and `results.json`.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let head = format!(
            "`{}` on {}: medians of {} runs\n\n",
            self.command, self.machine, self.runs
        );
        fs::write(folder.join("results.md"), head + &self.markdown())?;
        let json = serde_json::to_vec_pretty(self)?;
        fs::write(folder.join("results.json"), json)?;
        Ok(())
    }

    /// Whether every row is within its bound.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.holds() != Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_runs() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_ratio_is_of_runs_that_belong_together() {
        let mut row = Row::new("a", "s", "ours", "theirs").held_to(Bound::RatioAtMost(1.1));
        row.push(1.0, 1.0);
        row.push(10.0, 10.0);
        row.push(2.0, 1.0);
        assert!((row.ratio() - 1.0).abs() < 1e-9);
        assert_eq!(row.holds(), Some(true));
    }

    #[test]
    fn figures_are_short() {
        let texts = [1_234_567.8, 1000.0, 123.4, 12.34, 1.234, f64::NAN].map(figure);
        assert_eq!(texts, ["1 234 568", "1 000", "123", "12.3", "1.23", "–"]);
    }
}
