//! The state of the registrar, beside what it counts itself.

use std::{fmt, sync::Arc};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use registrar::Registrar;

use super::encode::Encoder;

/// Reads a registrar.
pub(super) struct Table(pub(super) Arc<Registrar>);

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Collector for Table {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Encoder(encoder);
        out.gauge(
            "rollcall_table_size",
            "Registrations that the table holds",
            self.0.cache().held(),
        )?;
        out.gauge(
            "rollcall_table_limit",
            "The most that it takes (cache.max_registrations)",
            self.0.capacity().registrations,
        )?;
        let round = self.0.health().last_round();
        out.gauge(
            "rollcall_reconciliation_last_timestamp_seconds",
            "When the last round of asking the proxies ended; 0 for none yet",
            round.map_or(0, |round| round.ended.seconds().0),
        )
    }
}
