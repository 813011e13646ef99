//! One measurement after another, as text.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// What begins every name.
const PREFIX: &str = "swarmcopy";

/// The text of all measurements.
pub(crate) fn text(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode(&mut text, registry)?;
    Ok(text)
}

/// A registry whose names begin as ours do, with the facts of the build.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Build));
    registry
}

/// Which program this is.
#[derive(Debug)]
struct Build;

impl prometheus_client::collector::Collector for Build {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Writer(encoder);
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let labels = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("os", os),
            ("arch", arch),
        ];
        to.gauge("build_info", "The program that measures", &labels, 1)
    }
}

/// Writes one measurement after another.
pub(super) struct Writer<'a>(pub(super) DescriptorEncoder<'a>);

/// What tells one line of a measurement from the others.
pub(super) type Labels<'a> = [(&'a str, &'a str)];

impl Writer<'_> {
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        labels: &Labels<'_>,
        value: u64,
    ) -> fmt::Result {
        self.gauges(name, help, [(labels, value)])
    }

    pub(super) fn gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'l Labels<'l>, u64)>,
    ) -> fmt::Result {
        let mut to = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            put(&mut to, labels, &value)?;
        }
        Ok(())
    }

    pub(super) fn ratio(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut to = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        put(&mut to, &[], &ConstGauge::new(value))
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let none: &Labels<'_> = &[];
        self.counters(name, help, [(none, value)])
    }

    /// The name stands here without `_total`, which is put behind it.
    pub(super) fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'l Labels<'l>, u64)>,
    ) -> fmt::Result {
        let mut to = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            put(&mut to, labels, &ConstCounter::new(value))?;
        }
        Ok(())
    }

    pub(super) fn seconds(
        &mut self,
        name: &str,
        help: &str,
        values: &[(&str, f64)],
        label: &str,
    ) -> fmt::Result {
        let mut to = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, seconds) in values {
            put(&mut to, &[(label, value)], &ConstCounter::new(*seconds))?;
        }
        Ok(())
    }
}

fn put(to: &mut MetricEncoder<'_>, labels: &Labels<'_>, value: &impl EncodeMetric) -> fmt::Result {
    let labels = labels.to_vec();
    if labels.is_empty() {
        return value.encode(to.encode_family(&Vec::<(&str, &str)>::new())?);
    }
    value.encode(to.encode_family(&labels)?)
}
