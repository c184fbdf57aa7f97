//! One rollout through the real streams.

use serin_analysis::evalue::{Counts, Margin, log_e};
use serin_analysis::increment::Arm;
use serin_analysis::risk::BySource;
use serin_analysis::streams::{Kind, LAG_S, Observed, Source, StreamCounts, StreamId};

use super::law::{Difference, Shares};
use super::{ALPHA, LEAST_CONVERSION};
use crate::outcome::{Decided, FINDINGS_MAX, Outcome, Said, Seen};
use crate::shadow::HORIZON_S;
use crate::tuning::Tuning;
use serin_random::Random;

/// Seconds of a rollout.
const LENGTH_S: u64 = 600;
/// Seconds between counts.
const TICK_S: u64 = 5;
/// Part of the requests that the canary gets.
const CANARY: f64 = 0.3;
/// Bets on errors of requests, and their margin, as in the engine.
const BETS: [f64; 8] = [1.3, 1.7, 2.5, 4.0, 7.0, 15.0, 40.0, 150.0];
const ERRORS: Margin = Margin { ratio: 1.1, absolute: 0.0005 };

/// A rollout that is to come.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// Its id.
    pub id: String,
    /// The service.
    pub service: &'static str,
    /// When it begins, seconds since the Unix epoch.
    pub begins_at: u64,
    /// What is different in the canary.
    pub difference: Difference,
    pub(super) baseline: Shares,
    pub(super) canary: Shares,
    /// Requests of both arms in a tick, of which each is a page view with probability 1/2.
    pub(super) requests: u64,
    pub(super) seed: u64,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What was decided.
    pub decided: Decided,
    /// Seconds until then.
    pub seconds: u64,
    /// As training data, without a label.
    pub outcome: Outcome,
}

/// Evidence of the requests' errors: a mean over bets from the beginning on, which is an e-process.
struct Errors([f64; BETS.len()]);

impl Errors {
    fn add(&mut self, counts: &Counts) {
        for (sum, psi) in self.0.iter_mut().zip(BETS) {
            *sum += log_e(counts, psi, ERRORS);
        }
    }

    fn log_evidence(&self) -> f64 {
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.0.iter().map(|log| libm::exp(log - most)).sum();
        most + libm::log(sum / BETS.len() as f64)
    }
}

/// Runs a rollout with a tuning. The traffic is that of the rollout, whatever the tuning.
#[must_use]
pub fn play(rollout: &Rollout, tuning: &Tuning) -> Played {
    let sources = tuning.sources(ALPHA, true, true);
    let mut streams = tuning.streams(sources, HORIZON_S, LEAST_CONVERSION);
    streams.step_started(rollout.begins_at);
    let mut random = Random::new(rollout.seed, 1);
    let mut errors = Errors([0.0; BETS.len()]);
    let mut most = BySource { metrics: 0.0_f64, behaviour: 0.0_f64, logs: 0.0_f64 };
    let (mut seconds, mut decided) = (0, Decided::Promoted);
    let metrics_threshold = -sources.metrics_alpha().ln();
    while seconds < LENGTH_S + LAG_S + TICK_S {
        let second = rollout.begins_at + seconds;
        if seconds < LENGTH_S {
            let failed = tick(rollout, second, &mut random, &mut streams);
            errors.add(&failed);
        }
        streams.advance(second);
        most.metrics = most.metrics.max(errors.log_evidence());
        most.behaviour = most.behaviour.max(streams.log_evidence(Source::Behaviour));
        most.logs = most.logs.max(streams.log_evidence(Source::Logs));
        seconds += TICK_S;
        if most.metrics >= metrics_threshold || streams.crossed().next().is_some() {
            decided = Decided::RolledBack;
            break;
        }
    }
    let seconds = seconds.min(LENGTH_S);
    let part = sources.weights();
    let said = |weight, log_evidence| Said { weight, log_evidence };
    let outcome = Outcome {
        rollout: rollout.id.clone(),
        service: rollout.service.to_owned(),
        ended_at: rollout.begins_at + seconds,
        decided,
        label: None,
        alpha: ALPHA,
        least_conversion: LEAST_CONVERSION,
        progress: seconds as f64 / LENGTH_S as f64,
        said: BySource {
            metrics: said(part.metrics, most.metrics),
            behaviour: said(part.behaviour, most.behaviour),
            logs: said(part.logs, most.logs),
        },
        seen: streams.observed().filter(|stream| stream.is_harmful).map(seen).take(FINDINGS_MAX).collect(),
    };
    Played { decided, seconds, outcome }
}

fn seen(stream: Observed) -> Seen {
    let Observed { kind, share, log_evidence, events, exposures, .. } = stream;
    Seen { kind, share, log_evidence, events, exposures }
}

/// Draws a tick of both arms and gives it to the streams. Returns the failed requests.
fn tick(
    rollout: &Rollout,
    second: u64,
    random: &mut Random,
    streams: &mut serin_analysis::streams::Streams,
) -> Counts {
    let mut failed = Counts::default();
    for arm in [Arm::Baseline, Arm::Canary] {
        let (part, shares) = match arm {
            Arm::Baseline => (1.0 - CANARY, &rollout.baseline),
            Arm::Canary => (CANARY, &rollout.canary),
        };
        let requests = random.events(rollout.requests, part);
        let views = random.events(requests, 0.5);
        streams.expose(second, arm, requests);
        let mut merge = |kind: Kind, name: &str, share: f64| {
            let is_of_views = kind.source() == Source::Behaviour;
            let events = random.events(if is_of_views { views } else { requests }, share);
            // A line comes to be known by being written; what users do is known beforehand.
            if events > 0 || is_of_views {
                streams.merge(&StreamCounts {
                    id: StreamId { kind, component: String::new(), name: name.to_owned() },
                    second,
                    arm,
                    events,
                    exposures: is_of_views.then_some(views),
                    is_harmful: true,
                    samples: Vec::new(),
                });
            }
        };
        merge(Kind::LogTemplate, "retry <*> of <*>", shares.usual_line);
        merge(Kind::LogTemplate, "cannot <*>", shares.new_line);
        merge(Kind::ScriptError, "", shares.script_error);
        merge(Kind::RageClick, "", shares.rage_click);
        merge(Kind::Abandonment, "", shares.abandoned);
        merge(Kind::SlowLoad, "", shares.slow);
        merge(Kind::Conversion, "", shares.converted);
        let events = random.events(requests, shares.failed) as f64;
        let (of_events, of_exposures) = match arm {
            Arm::Baseline => (&mut failed.events.baseline, &mut failed.exposures.baseline),
            Arm::Canary => (&mut failed.events.canary, &mut failed.exposures.canary),
        };
        (*of_events, *of_exposures) = (events, requests as f64);
    }
    failed
}

impl Rollout {
    /// Draws a rollout of a month.
    pub(super) fn draw(
        id: String,
        service: (&'static str, Shares, u64),
        begins_at: u64,
        random: &mut Random,
    ) -> Self {
        let (service, baseline, requests) = service;
        let difference = Difference::draw(random);
        let seed = (random.unit() * (1_u64 << 53) as f64) as u64;
        let canary = baseline.of_canary(difference, random);
        Self { id, service, begins_at, difference, baseline, canary, requests, seed }
    }
}
