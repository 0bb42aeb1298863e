//! What a proxy holds, and what its database says, which is behind.

use std::collections::{BTreeMap, VecDeque};

/// How far the database is behind, in milliseconds: proxies write it every 5 s.
pub const BEHIND: u64 = 5_000;

/// A binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Contact without brackets.
    pub contact: String,
    /// Call-ID of its dialogue.
    pub call_id: String,
    /// When it was last registered, in Unix seconds.
    pub modified: u64,
    /// When it ends, in Unix seconds.
    pub expires: u64,
}

/// A proxy's memory and database. All times are Unix milliseconds.
#[derive(Debug, Default)]
pub struct Truth {
    held: BTreeMap<String, Row>,
    written: BTreeMap<String, Row>,
    unwritten: VecDeque<(u64, String, Option<Row>)>,
    expired: BTreeMap<String, u64>,
}

impl Truth {
    /// Brings it up to `now`.
    fn tick(&mut self, now: u64) {
        let over: Vec<_> = self
            .held
            .iter()
            .filter(|(_, row)| row.expires * 1000 <= now)
            .map(|(aor, row)| (aor.clone(), row.expires))
            .collect();
        for (aor, expires) in over {
            self.held.remove(&aor);
            self.unwritten.push_back((now, aor.clone(), None));
            self.expired.insert(aor, expires);
        }
        while let Some((at, ..)) = self.unwritten.front()
            && at + BEHIND <= now
        {
            match self.unwritten.pop_front() {
                Some((_, aor, Some(row))) => drop(self.written.insert(aor, row)),
                Some((_, aor, None)) => drop(self.written.remove(&aor)),
                None => {}
            }
        }
    }

    /// Registers; a proxy holds one contact per AOR. Returns what was there.
    pub fn register(&mut self, now: u64, aor: &str, row: Row) -> Option<Row> {
        self.tick(now);
        self.expired.remove(aor);
        let change = (now, aor.to_owned(), Some(row.clone()));
        self.unwritten.push_back(change);
        self.held.insert(aor.to_owned(), row)
    }

    /// Unregisters, or loses. Returns what was there.
    pub fn remove(&mut self, now: u64, aor: &str) -> Option<Row> {
        self.tick(now);
        let gone = self.held.remove(aor)?;
        self.unwritten.push_back((now, aor.to_owned(), None));
        Some(gone)
    }

    /// Obeys a flush: drops what it finds written, unless another contact has taken the AOR since.
    /// Returns whom it dropped.
    pub fn flush(&mut self, now: u64, realm: &str, username: Option<&str>) -> Vec<String> {
        self.tick(now);
        let named = |aor: &str| {
            aor.rsplit_once('@').is_some_and(|(user, host)| {
                host.eq_ignore_ascii_case(realm)
                    && username.is_none_or(|name| user.eq_ignore_ascii_case(name))
            })
        };
        let found: Vec<_> = self
            .written
            .iter()
            .filter(|(aor, row)| {
                let held = self.held.get(*aor);
                named(aor) && held.is_some_and(|held| held.contact == row.contact)
            })
            .map(|(aor, _)| aor.clone())
            .collect();
        for aor in &found {
            self.remove(now, aor);
        }
        found
    }

    /// What it holds.
    pub fn held(&mut self, now: u64) -> &BTreeMap<String, Row> {
        self.tick(now);
        &self.held
    }

    /// What its database says.
    pub fn written(&mut self, now: u64) -> &BTreeMap<String, Row> {
        self.tick(now);
        &self.written
    }

    /// What expired and has not come back, and when, in Unix seconds.
    pub fn expired(&mut self, now: u64) -> &BTreeMap<String, u64> {
        self.tick(now);
        &self.expired
    }
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;
