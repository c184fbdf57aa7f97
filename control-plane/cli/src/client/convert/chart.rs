//! What control charts show.

use serin_proto::admin::v1 as proto;

use super::moment;
use crate::model::{ControlChart, Moment};

impl From<proto::ControlChart> for ControlChart {
    fn from(chart: proto::ControlChart) -> Self {
        Self {
            arm: chart.arm,
            signal: chart.signal,
            at: moment!(chart.at),
            value: chart.value,
            usual: chart.usual,
            lower_limit: chart.lower_limit,
            upper_limit: chart.upper_limit,
            ewma: chart.ewma,
            ewma_lower_limit: chart.ewma_lower_limit,
            ewma_upper_limit: chart.ewma_upper_limit,
            broken: chart.broken,
            since: moment!(chart.since),
            text: chart.text,
        }
    }
}
