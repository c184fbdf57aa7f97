//! How many requests a service gets.

use serin_proto::admin::v1 as api;

use crate::rollouts::Measured;

pub(in crate::admin) fn traffic(measured: Measured) -> api::GetTrafficResponse {
    let Measured { traffic, latency_p50_us } = measured;
    let arm = |(arm, (requests, errors))| api::ArmTraffic { arm, requests, errors };
    api::GetTrafficResponse {
        seconds: traffic.seconds,
        arms: traffic.arms.into_iter().map(arm).collect(),
        latency_p50_us: latency_p50_us.unwrap_or_default(),
    }
}
