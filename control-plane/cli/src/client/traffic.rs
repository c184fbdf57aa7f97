//! Asking for the traffic of a service.

use std::time::Duration;

use serin_proto::admin::v1 as proto;

use super::Client;
use crate::failure::{Failure, Kind};
use crate::model::{LiveArm, LiveTraffic};

impl Client {
    /// What a service got in the last minute.
    pub(crate) async fn traffic(&self, service: &str) -> Result<LiveTraffic, Failure> {
        let request = self.request(proto::GetTrafficRequest { service: service.to_owned() });
        let answer = self.bounded(self.service.clone().get_traffic(request)).await;
        let answer = answer.map_err(|refusal| Failure::from(refusal).advise_if(Kind::NotFound, UNKNOWN))?;
        let latency = Some(answer.latency_p50_us).filter(|us| *us > 0).map(Duration::from_micros);
        let arm =
            |arm: proto::ArmTraffic| LiveArm { arm: arm.arm, requests: arm.requests, errors: arm.errors };
        Ok(LiveTraffic { seconds: answer.seconds, arms: answer.arms.into_iter().map(arm).collect(), latency })
    }
}

const UNKNOWN: &str = "requests are counted from the first rollout of a service on, even one that is created `--paused`; say the \
                       traffic that you expect with --rps instead";
