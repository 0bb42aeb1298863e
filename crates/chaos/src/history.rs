//! What happened to each AOR lately, for when it turns out wrong.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Instant,
};

const PER_AOR: usize = 24;

/// The last happenings of each AOR.
#[derive(Debug)]
pub struct History {
    begun: Instant,
    by_aor: Mutex<HashMap<String, VecDeque<String>>>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            by_aor: Mutex::default(),
        }
    }
}

impl History {
    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Notes something.
    pub fn note(&self, aor: &str, what: &str) {
        let line = format!("{:8.2}  {what}", self.seconds());
        let mut by_aor = self.by_aor.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = by_aor.entry(aor.to_owned()).or_default();
        if lines.len() == PER_AOR {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// What is still known of an AOR.
    pub fn of(&self, aor: &str) -> Vec<String> {
        let by_aor = self.by_aor.lock().unwrap_or_else(PoisonError::into_inner);
        by_aor
            .get(aor)
            .map(|lines| lines.iter().cloned().collect())
            .unwrap_or_default()
    }
}
