//! The state of the table, beside what the registrar counts itself.

use std::{fmt, sync::Arc};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use registrar::Registrar;

use super::{gauge, signed};

/// Reads a registrar.
pub(super) struct Table(pub(super) Arc<Registrar>);

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Collector for Table {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        gauge(
            &mut encoder,
            "rollcall_table_size",
            "Registrations that the table holds",
            signed(self.0.cache().held()),
        )?;
        gauge(
            &mut encoder,
            "rollcall_table_limit",
            "The most that it takes (cache.max_registrations)",
            signed(self.0.capacity().registrations),
        )?;
        let round = self.0.health().last_round();
        let ended = round.map_or(0, |round| round.ended.seconds().0);
        gauge(
            &mut encoder,
            "rollcall_reconciliation_last_timestamp_seconds",
            "When the last round of asking the proxies ended; 0 for none yet",
            signed(ended),
        )
    }
}
