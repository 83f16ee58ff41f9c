//! A metric with one label of a few known values, such as the state of a message.

use std::fmt::{self, Debug};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

/// A counter or gauge for each state, in a fixed order. A clone shares their values.
#[derive(Clone, Debug)]
pub struct States<M> {
    label: &'static str,
    states: Vec<(&'static str, M)>,
}

impl<M: Default> States<M> {
    /// All of them nought.
    pub fn new(label: &'static str, states: impl IntoIterator<Item = &'static str>) -> Self {
        let states = states.into_iter().map(|state| (state, M::default()));
        Self {
            label,
            states: states.collect(),
        }
    }

    /// The metric of one state; `None` if it was made without it.
    pub fn get(&self, state: &str) -> Option<&M> {
        let found = self.states.iter().find(|(name, _)| *name == state);
        found.map(|(_, metric)| metric)
    }
}

impl<M: EncodeMetric + Default + Debug> EncodeMetric for States<M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (state, metric) in &self.states {
            metric.encode(encoder.encode_family(&[(self.label, *state)])?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::default().metric_type()
    }
}
