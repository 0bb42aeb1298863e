//! Compares the table with the truth.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// Contacts by AOR.
pub type Bindings = BTreeMap<String, String>;

/// How the table and the truth differ about an AOR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Registered, but not in the table.
    Missing {
        /// Whose.
        aor: String,
        /// Contact at the proxy.
        truth: String,
    },
    /// In the table with another contact.
    Stale {
        /// Whose.
        aor: String,
        /// Contact at the proxy.
        truth: String,
        /// Contact in the table.
        table: String,
    },
    /// In the table, but not registered.
    Extra {
        /// Whose.
        aor: String,
        /// Contact in the table.
        table: String,
    },
}

impl Difference {
    /// Whose.
    pub fn aor(&self) -> &str {
        match self {
            Self::Missing { aor, .. } | Self::Stale { aor, .. } | Self::Extra { aor, .. } => aor,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { aor, truth } => write!(f, "missing {aor}: truth {truth}"),
            Self::Stale { aor, truth, table } => {
                write!(f, "stale {aor}: truth {truth}, table {table}")
            }
            Self::Extra { aor, table } => write!(f, "extra {aor}: table {table}"),
        }
    }
}

/// Every difference but those about `spared` AORs, in order of AOR.
pub fn compare(truth: &Bindings, table: &Bindings, spared: &BTreeSet<String>) -> Vec<Difference> {
    let aors: BTreeSet<&String> = truth.keys().chain(table.keys()).collect();
    let judged = aors.into_iter().filter(|aor| !spared.contains(*aor));
    judged
        .filter_map(|aor| match (truth.get(aor), table.get(aor)) {
            (Some(truth), Some(table)) if truth != table => Some(Difference::Stale {
                aor: aor.clone(),
                truth: truth.clone(),
                table: table.clone(),
            }),
            (Some(truth), None) => Some(Difference::Missing {
                aor: aor.clone(),
                truth: truth.clone(),
            }),
            (None, Some(table)) => Some(Difference::Extra {
                aor: aor.clone(),
                table: table.clone(),
            }),
            _ => None,
        })
        .collect()
}

/// How long the table may take to equal the truth.
pub const SETTLE: Duration = Duration::from_secs(90);
/// Not equal only by chance, between two rounds.
const STEADY: Duration = Duration::from_secs(12);

/// What became of table and truth.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// How long it took until both were equal; nothing if they did not come to be.
    pub after: Option<Duration>,
    /// How many are registered.
    pub registered: usize,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Compares until nothing has differed for a while. `compare` tells how many are registered, and
/// what differs.
pub(crate) async fn until_equal(
    mut compare: impl AsyncFnMut() -> anyhow::Result<(usize, Vec<Difference>)>,
) -> Settled {
    let begun = Instant::now();
    let (mut settled, mut equal_since) = (Settled::default(), None);
    while begun.elapsed() < SETTLE {
        let compared = compare().await;
        let equal = matches!(&compared, Ok((_, differences)) if differences.is_empty());
        if let Ok((registered, differences)) = compared {
            settled.registered = registered;
            settled.differences = differences;
        }
        let now = begun.elapsed();
        equal_since = equal.then(|| equal_since.unwrap_or(now));
        if let Some(since) = equal_since
            && now > since + STEADY
        {
            settled.after = Some(since);
            break;
        }
        sleep(Duration::from_millis(250)).await;
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(pairs: &[(&str, &str)]) -> Bindings {
        let owned = |(aor, contact): &(&str, &str)| ((*aor).to_owned(), (*contact).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn what_differs_is_told_and_what_is_spared_is_not() {
        let truth = bindings(&[("a", "1"), ("b", "1"), ("c", "1"), ("x", "1")]);
        let table = bindings(&[("a", "1"), ("b", "2"), ("d", "3"), ("y", "1")]);
        let spared = BTreeSet::from(["x".to_owned(), "y".to_owned()]);
        let told: Vec<_> = compare(&truth, &table, &spared)
            .iter()
            .map(ToString::to_string)
            .collect();
        let wanted = [
            "stale b: truth 1, table 2",
            "missing c: truth 1",
            "extra d: table 3",
        ];
        assert_eq!(told, wanted);
        assert!(compare(&truth, &truth, &BTreeSet::new()).is_empty());
    }
}
