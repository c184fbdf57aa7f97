//! Requests, as the fleet reported them.
//!
//! Of every component of a rollout that runs, started and failed requests are there from zero on, so that what the first scrape after the
//! first report sees is an increase.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use serin_analysis::Outcomes;
use serin_proto::assignment::{BASELINE, CANARY};

use super::{counter, member};
use crate::fleet::report::named;
use crate::snapshot::Snapshot;
use crate::store::{Counts, Series};

type Totals = BTreeMap<Series, Counts>;

pub(super) fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    mut totals: Totals,
    rollouts: &[Arc<Snapshot>],
) -> Result<(), Error> {
    finished(encoder, &totals)?;
    for rollout in rollouts.iter().filter(|rollout| !rollout.phase.is_terminal()) {
        for series in from_zero(rollout) {
            totals.entry(series).or_default();
        }
    }
    let help = "Requests that started, as the fleet reported them; survives restarts";
    each(encoder, &totals, "requests_started", help, |counts| counts.started)?;
    let help = "Requests that failed by what plans count unless they say otherwise: server_error, timeout, \
                connect_failure, reset, overload; survives restarts";
    each(encoder, &totals, "requests_failed", help, |counts| failed(&counts.outcomes))
}

/// What a rollout will count.
fn from_zero(rollout: &Snapshot) -> impl Iterator<Item = Series> {
    let arms: Vec<&str> = match &rollout.experiment {
        None => vec![BASELINE, CANARY],
        Some(experiment) => {
            std::iter::once(BASELINE).chain(experiment.arms.iter().map(|arm| arm.name.as_str())).collect()
        }
    };
    rollout.components.iter().flat_map(move |component| {
        let series = |arm: &&str| Series {
            service: rollout.service.clone(),
            component: component.name.clone(),
            arm: (*arm).to_owned(),
        };
        arms.iter().map(series).collect::<Vec<_>>()
    })
}

const fn failed(outcomes: &Outcomes) -> u64 {
    let Outcomes { server_error, timeout, connect_failure, reset, overload, .. } = outcomes;
    server_error
        .saturating_add(*timeout)
        .saturating_add(*connect_failure)
        .saturating_add(*reset)
        .saturating_add(*overload)
}

fn finished(encoder: &mut DescriptorEncoder<'_>, totals: &Totals) -> Result<(), Error> {
    let help = "Requests that finished, as the fleet reported them; survives restarts";
    let mut family = counter(encoder, "requests_finished", help)?;
    for (series, counts) in totals {
        for (outcome, count) in named(&counts.outcomes).into_iter().filter(|(_, count)| *count > 0) {
            let [service, component, arm] = labels(series);
            member(&mut family, &[service, component, arm, ("outcome", outcome)], &ConstCounter::new(count))?;
        }
    }
    Ok(())
}

fn each(
    encoder: &mut DescriptorEncoder<'_>,
    totals: &Totals,
    name: &str,
    help: &str,
    value: impl Fn(&Counts) -> u64,
) -> Result<(), Error> {
    let mut family = counter(encoder, name, help)?;
    for (series, counts) in totals {
        member(&mut family, &labels(series), &ConstCounter::new(value(counts)))?;
    }
    Ok(())
}

fn labels(series: &Series) -> [(&'static str, &str); 3] {
    [
        ("service", series.service.as_str()),
        ("component", series.component.as_str()),
        ("arm", series.arm.as_str()),
    ]
}
