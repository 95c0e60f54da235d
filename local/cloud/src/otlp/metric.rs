//! Metrics, as far as they are read: they are counted and not kept, so a data point has nothing in it here.
//! By `opentelemetry/proto/metrics/v1` of opentelemetry-proto 1.

use serde::Deserialize;

use super::field;

/// What an exporter sends.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MetricsData {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "field::messages")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// The metrics of one resource.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceMetrics {
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "field::messages")]
    pub scope_metrics: Vec<ScopeMetrics>,
}

/// Those of one library.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "field::messages")]
    pub metrics: Vec<Metric>,
}

/// A metric, which is of one of these kinds.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metric {
    #[prost(message, optional, tag = "5")]
    #[serde(deserialize_with = "field::message")]
    pub gauge: Option<Points>,
    #[prost(message, optional, tag = "7")]
    #[serde(deserialize_with = "field::message")]
    pub sum: Option<Points>,
    #[prost(message, optional, tag = "9")]
    #[serde(deserialize_with = "field::message")]
    pub histogram: Option<Points>,
    #[prost(message, optional, tag = "10")]
    #[serde(deserialize_with = "field::message")]
    pub exponential_histogram: Option<Points>,
    #[prost(message, optional, tag = "11")]
    #[serde(deserialize_with = "field::message")]
    pub summary: Option<Points>,
}

/// The measured values, whatever they are.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Points {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "field::messages")]
    pub data_points: Vec<Point>,
}

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Deserialize)]
pub struct Point {}

impl MetricsData {
    /// How many data points there are.
    pub fn points(&self) -> usize {
        let scopes = self.resource_metrics.iter().flat_map(|of_resource| &of_resource.scope_metrics);
        let metrics = scopes.flat_map(|of_scope| &of_scope.metrics);
        metrics
            .flat_map(|metric| {
                [&metric.gauge, &metric.sum, &metric.histogram, &metric.exponential_histogram, &metric.summary]
            })
            .flatten()
            .map(|points| points.data_points.len())
            .sum()
    }
}
