//! Encodes values that are read when they are scraped.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{TypedMetric, counter::ConstCounter, gauge::ConstGauge},
};

/// Writes metrics by name.
pub(super) struct Encoder<'a>(pub(super) DescriptorEncoder<'a>);

impl Encoder<'_> {
    /// A metric without labels.
    pub(super) fn one<V: EncodeMetric + TypedMetric>(
        &mut self,
        name: &str,
        help: &str,
        value: &V,
    ) -> fmt::Result {
        value.encode(self.0.encode_descriptor(name, help, None, V::TYPE)?)
    }

    /// Metrics of one name, told apart by labels.
    pub(super) fn family<L: EncodeLabelSet, V: EncodeMetric + TypedMetric>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, V::TYPE)?;
        for (labels, value) in values {
            value.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Counters that are told apart by one label.
    pub(super) fn counters<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'v str, u64)>,
    ) -> fmt::Result {
        let counter = |(of, value)| ([(label, of)], ConstCounter::new(value));
        self.family(name, help, values.into_iter().map(counter))
    }

    /// Gauges of zones.
    pub(super) fn zones<'v>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'v str, i64)>,
    ) -> fmt::Result {
        let gauge = |(zone, value)| ([("zone", zone)], ConstGauge::new(value));
        self.family(name, help, values.into_iter().map(gauge))
    }

    /// A gauge without labels.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl TryInto<i64>,
    ) -> fmt::Result {
        self.one(name, help, &ConstGauge::new(signed(value)))
    }
}

/// Saturates: no machine has that much of anything.
pub(super) fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
