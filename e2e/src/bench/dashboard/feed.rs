//! What the live rollouts get: one simulated Envoy for each service, which reports every second.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serin_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use serin_proto::fleet::v1::{Batch, ReportRequest, Stratum};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::bench::counts::Counts;
use crate::bench::now;
use crate::control_plane::ControlPlane;

/// How long one report may take, connecting included.
const CALL: Duration = Duration::from_secs(10);
/// Requests of an arm to one component in a second: the canary has 10 %.
const BASELINE: u64 = 27;
const CANARY: u64 = 3;
/// Share of requests that fail, in both arms.
const FAILING: f64 = 0.002;

/// Name of a service.
pub(super) fn service(number: u32) -> String {
    format!("service-{number}")
}

/// Name of a component.
pub(super) fn component(number: u32) -> String {
    format!("route-{number}")
}

/// The Envoys. Dropping it ends them.
pub(super) struct Feed {
    envoys: JoinSet<Result<()>>,
}

impl Feed {
    pub(super) fn start(control_plane: &ControlPlane, services: u32, components: u32) -> Result<Self> {
        let mut envoys = JoinSet::new();
        for number in 0..services {
            let endpoint = Endpoint::from_shared(format!("http://{}", control_plane.fleet()))?;
            let channel = endpoint.connect_timeout(CALL).timeout(CALL).connect_lazy();
            let traffic = Traffic::new(number, components)?;
            let part = f64::from(number) / f64::from(services);
            envoys.spawn(report(FleetServiceClient::new(channel), traffic, part));
        }
        Ok(Self { envoys })
    }

    /// Fails if an Envoy gave up, and so what was measured was without data.
    pub(super) fn ensure_running(mut self, first: &str) -> Result<()> {
        match self.envoys.try_join_next() {
            None => Ok(()),
            Some(ended) => {
                ended?.with_context(|| format!("{first} and others got no data any more"))?;
                bail!("an Envoy ended early")
            }
        }
    }
}

/// Reports every second, at its own part of it.
async fn report(mut client: FleetServiceClient<Channel>, mut traffic: Traffic, part: f64) -> Result<()> {
    let mut next = now().as_secs();
    for seq in 1.. {
        let due = Duration::from_secs(next + 1) + Duration::from_secs(1).mul_f64(part);
        tokio::time::sleep(due.saturating_sub(now())).await;
        let until = now().as_secs();
        let strata = (next..until).flat_map(|second| traffic.second(second)).collect();
        let batch = Batch { complete_until_second: until, strata, ..Batch::default() };
        let request = ReportRequest {
            node: format!("envoy-{}", traffic.number),
            epoch: u64::from(traffic.number) + 1,
            seq,
            generation: 1,
            batch: Some(batch),
            filter_version: String::new(),
            cluster: String::new(),
        };
        client.report(request).await.context("the control plane took no report")?;
        next = until;
    }
    Ok(())
}

/// The traffic of one service.
struct Traffic {
    number: u32,
    components: u32,
    counts: Counts,
}

impl Traffic {
    fn new(number: u32, components: u32) -> Result<Self> {
        Ok(Self { number, components, counts: Counts::new(u64::from(number) + 1, BASELINE)? })
    }

    fn second(&mut self, second: u64) -> Vec<Stratum> {
        let components = self.components;
        let stratum = |number| Stratum {
            service: service(self.number),
            component: component(number),
            start_second: second,
            arms: vec![
                self.counts.arm("baseline", BASELINE, FAILING),
                self.counts.arm("canary", CANARY, FAILING),
            ],
        };
        (0..components).map(stratum).collect()
    }
}
