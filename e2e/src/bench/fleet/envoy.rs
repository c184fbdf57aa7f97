//! One simulated Envoy.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serin_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use serin_proto::fleet::v1::{Batch, ReportRequest, Stratum};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::traffic::{Fault, Traffic};
use super::{Options, sleep_until};
use crate::bench::now;

/// How long one report may take, connecting included.
const CALL: Duration = Duration::from_secs(5);
/// Wait before a batch is sent again.
const AGAIN: Duration = Duration::from_millis(200);
/// How often a batch is sent before the bench gives up.
const TRIES: u32 = 10;
/// Most seconds in one batch.
const SECONDS_MAX: u64 = 30;

/// Reports as a filter does: one batch at a time, sent again unchanged until it is acknowledged.
pub(super) struct Envoy {
    client: FleetServiceClient<Channel>,
    number: u32,
    options: Options,
    traffic: Traffic,
    sent: Sent,
}

/// What was reported and acknowledged.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) requests: u64,
    /// From a batch's first sending to its acknowledgement.
    pub(super) waits: Vec<Duration>,
    /// Batches that were sent again.
    pub(super) repeated: u64,
}

impl Sent {
    pub(super) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.repeated += other.repeated;
        self.waits.extend(other.waits);
    }
}

impl Envoy {
    /// Connects at the first report.
    pub(super) fn new(fleet: SocketAddr, number: u32, options: Options, fault: Fault) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{fleet}"))?;
        let channel = endpoint.connect_timeout(CALL).timeout(CALL).connect_lazy();
        let traffic = Traffic::new(u64::from(number) + 1, fault)?;
        Ok(Self { client: FleetServiceClient::new(channel), number, options, traffic, sent: Sent::default() })
    }

    /// Reports every second that ends before `ends`.
    ///
    /// # Errors
    /// When the control plane refuses a batch, or does not take one.
    pub(super) async fn report_until(mut self, ends: u64) -> Result<Sent> {
        let part = f64::from(self.number) / f64::from(self.options.envoys);
        let (mut next, mut seq) = (now().as_secs(), 0);
        while next < ends {
            sleep_until(Duration::from_secs(next + 1) + Duration::from_secs(1).mul_f64(part)).await;
            let until = now().as_secs().min(ends).min(next + SECONDS_MAX);
            let mut strata: Vec<Stratum> = Vec::new();
            for second in next..until {
                strata.extend(self.traffic.second(second, self.options.components as usize));
            }
            seq += 1;
            self.send(ReportRequest {
                node: format!("envoy-{}", self.number),
                epoch: u64::from(self.number) + 1,
                seq,
                generation: 1,
                batch: Some(Batch { complete_until_second: until, strata, ..Batch::default() }),
                filter_version: String::new(),
                cluster: String::new(),
            })
            .await?;
            next = until;
        }
        Ok(self.sent)
    }

    async fn send(&mut self, batch: ReportRequest) -> Result<()> {
        let strata = batch.batch.iter().flat_map(|batch| &batch.strata);
        let requests: u64 = strata.flat_map(|stratum| &stratum.arms).map(|arm| arm.started).sum();
        let began = Instant::now();
        for _ in 0..TRIES {
            match self.client.report(batch.clone()).await {
                Ok(_) => {
                    self.sent.requests += requests;
                    self.sent.waits.push(began.elapsed());
                    return Ok(());
                }
                Err(status) if status.code() == Code::InvalidArgument => {
                    return Err(status).context("the control plane refused a batch");
                }
                Err(_) => {
                    self.sent.repeated += 1;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        bail!("envoy-{}: no acknowledgement after {TRIES} tries", self.number)
    }
}
