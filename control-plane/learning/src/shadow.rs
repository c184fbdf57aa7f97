//! What a tuning would have decided on rollouts that are over.
//!
//! The streams' own formula is asked with the counts of the whole rollout: those of one that ended early are projected to its planned
//! end, since a tuning that waits longer would have seen more. That is an estimate; how near it is to the real streams is measured by
//! `the_shadow_agrees_with_the_real_streams`.

use serde::{Deserialize, Serialize};
use serin_analysis::evalue::{Counts, Margin};
use serin_analysis::increment::ByArm;
use serin_analysis::risk::BySource;
use serin_analysis::streams::{Kind, Margins, Source, projected};

use crate::outcome::{Outcome, Seen, Truth};
use crate::tuning::{Example, Tuning, thresholds};

/// Seconds in which a harm is expected to begin.
pub const HORIZON_S: u64 = 1_800;
/// Rooms that are tried, within the bounds of each kind.
pub const ROOMS: [f64; 13] = [0.5, 0.625, 0.75, 0.875, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0];
/// Bins of the calibration error.
const BINS: usize = 5;

/// A stream of an outcome, and its evidence in each room.
#[derive(Clone, Debug)]
struct Stream {
    kind: Kind,
    log_share: f64,
    counts: Counts,
    effect: f64,
    by_room: [f64; ROOMS.len()],
}

impl Stream {
    fn of(seen: &Seen, times: f64, least_conversion: f64) -> Self {
        let counts = seen.counts(times);
        let at = |room: f64| evidence(seen.kind, &counts, room, least_conversion);
        Self {
            kind: seen.kind,
            log_share: seen.share.ln(),
            effect: effect(seen, Margins::default().margin(seen.kind, least_conversion)),
            by_room: ROOMS.map(at),
            counts,
        }
    }

    fn evidence(&self, room: f64, least_conversion: f64) -> f64 {
        let known = ROOMS.iter().position(|own| *own == room).and_then(|at| self.by_room.get(at));
        known.copied().unwrap_or_else(|| evidence(self.kind, &self.counts, room, least_conversion))
    }
}

fn evidence(kind: Kind, counts: &Counts, room: f64, least_conversion: f64) -> f64 {
    let margin = Margins::default().with_room(kind, room).margin(kind, least_conversion);
    projected(kind, margin, counts, HORIZON_S)
}

/// The difference relative to what `margin` leaves.
fn effect(seen: &Seen, margin: Margin) -> f64 {
    let rate = |events: u64, of: u64| events as f64 / of.max(1) as f64;
    let ByArm { baseline, canary } = ByArm {
        baseline: rate(seen.events.baseline, seen.exposures.baseline),
        canary: rate(seen.events.canary, seen.exposures.canary),
    };
    let allowed = margin.ratio * baseline + margin.absolute;
    let (excess, room) = if seen.kind.is_wanted() {
        (baseline - canary, baseline - allowed)
    } else {
        (canary - baseline, allowed - baseline)
    };
    (excess / room.max(1e-9)).max(0.0)
}

/// An outcome as it is asked.
#[derive(Clone, Debug)]
pub struct Case {
    is_harmful: bool,
    weight: f64,
    alpha: f64,
    least_conversion: f64,
    begins_with: BySource<bool>,
    metrics: f64,
    streams: Vec<Stream>,
}

/// What a tuning would have said of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Judged {
    /// By how much the evidence of each source is beyond its threshold, as a logarithm.
    beyond: BySource<f64>,
}

impl Judged {
    fn most(&self) -> f64 {
        self.beyond.metrics.max(self.beyond.behaviour).max(self.beyond.logs)
    }
}

impl Case {
    /// `None`: the truth is not known.
    #[must_use]
    pub fn of(outcome: &Outcome, weight: f64) -> Option<Self> {
        let label = outcome.label.as_ref()?;
        let times = 1.0 / outcome.progress;
        let BySource { metrics, behaviour, logs } = outcome.said;
        let stream = |seen: &Seen| Stream::of(seen, times, outcome.least_conversion);
        Some(Self {
            is_harmful: label.truth == Truth::Harmful,
            weight,
            alpha: outcome.alpha,
            least_conversion: outcome.least_conversion,
            begins_with: BySource {
                metrics: true,
                behaviour: behaviour.weight > 0.0,
                logs: logs.weight > 0.0,
            },
            metrics: if metrics.weight > 0.0 { metrics.log_evidence.max(0.0) * times } else { 0.0 },
            streams: outcome.seen.iter().map(stream).collect(),
        })
    }

    fn judged(&self, weights: BySource<f64>, margins: Margins) -> Judged {
        let sources = serin_analysis::streams::Sources::new(
            self.alpha,
            serin_analysis::risk::SourceWeights(weights),
            self.begins_with.behaviour,
            self.begins_with.logs,
        );
        let asked = thresholds(&sources);
        let beyond = |threshold: Option<f64>, evidence: f64| {
            threshold.map_or(f64::NEG_INFINITY, |threshold| evidence - threshold)
        };
        Judged {
            beyond: BySource {
                metrics: beyond(asked.metrics, self.metrics),
                behaviour: beyond(asked.behaviour, self.of_source(Source::Behaviour, margins)),
                logs: beyond(asked.logs, self.of_source(Source::Logs, margins)),
            },
        }
    }

    fn weighted(&self, stream: &Stream, margins: Margins) -> f64 {
        stream.log_share + stream.evidence(margins.room(stream.kind), self.least_conversion)
    }

    /// Evidence of all streams of a source together.
    fn of_source(&self, source: Source, margins: Margins) -> f64 {
        let of = || self.streams.iter().filter(|stream| stream.kind.source() == source);
        let most = of().map(|stream| self.weighted(stream, margins)).fold(f64::NEG_INFINITY, f64::max);
        if most == f64::NEG_INFINITY {
            return most;
        }
        let sum: f64 = of().map(|stream| libm::exp(self.weighted(stream, margins) - most)).sum();
        most + libm::log(sum)
    }

    /// Whether the version would have been undone.
    #[must_use]
    pub fn is_undone(&self, tuning: &Tuning) -> bool {
        self.beyond(tuning.weights(), tuning.margins()) >= 0.0
    }

    /// By how much the strongest evidence of a source would have been beyond its threshold, as a logarithm.
    #[must_use]
    pub fn beyond(&self, weights: BySource<f64>, margins: Margins) -> f64 {
        self.judged(weights, margins).most()
    }

    /// The sources that would have undone it.
    pub(crate) fn found_by(&self, tuning: &Tuning) -> BySource<bool> {
        let BySource { metrics, behaviour, logs } = self.judged(tuning.weights(), tuning.margins()).beyond;
        BySource { metrics: metrics >= 0.0, behaviour: behaviour >= 0.0, logs: logs >= 0.0 }
    }

    /// Whether it was harmful.
    #[must_use]
    pub const fn is_harmful(&self) -> bool {
        self.is_harmful
    }

    /// How much it counts.
    #[must_use]
    pub const fn weight(&self) -> f64 {
        self.weight
    }

    /// Detectors that would have undone it, each with what was true.
    #[must_use]
    pub fn examples(&self, tuning: &Tuning) -> Vec<Example> {
        let found = self.found_by(tuning);
        let example =
            |detector, effect| Example { detector, effect, is_harmful: self.is_harmful, weight: self.weight };
        let mut examples = Vec::new();
        if found.metrics {
            examples.push(example(None, 0.0));
        }
        for (source, is_found) in [(Source::Behaviour, found.behaviour), (Source::Logs, found.logs)] {
            let weighted = |stream: &&Stream| self.weighted(stream, tuning.margins());
            let of = self.streams.iter().filter(|stream| is_found && stream.kind.source() == source);
            let strongest = of.max_by(|one, other| weighted(one).total_cmp(&weighted(other)));
            examples.extend(strongest.map(|stream| example(Some(stream.kind), stream.effect)));
        }
        examples
    }
}

/// How right a tuning is on outcomes.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Harmless versions, as they count.
    pub harmless: f64,
    /// Of these, those that would be undone.
    pub false_rollbacks: f64,
    /// Harmful versions, as they count.
    pub harmful: f64,
    /// Of these, those that would be promoted.
    pub missed: f64,
    /// Mean square of what is between a detector's confidence and the truth (Brier), where one would undo. 0 where none would.
    pub brier: f64,
    /// What confidences and what happened differ by in the mean (expected calibration error, five bins).
    pub calibration_error: f64,
}

impl Figures {
    /// Of `tuning` on these.
    #[must_use]
    pub fn of(cases: &[Case], tuning: &Tuning) -> Self {
        let mut figures = Self::default();
        let mut believed = Vec::new();
        for case in cases {
            let is_undone = case.is_undone(tuning);
            let (all, wrong) = if case.is_harmful {
                (&mut figures.harmful, &mut figures.missed)
            } else {
                (&mut figures.harmless, &mut figures.false_rollbacks)
            };
            *all += case.weight;
            if is_undone != case.is_harmful {
                *wrong += case.weight;
            }
            let said = case.examples(tuning).into_iter();
            let said = said.map(|example| tuning.confidences().probability(example.detector, example.effect));
            believed.extend(said.reduce(f64::max).map(|said| (said, case.is_harmful, case.weight)));
        }
        (figures.brier, figures.calibration_error) = calibration(&believed);
        figures
    }

    /// Part of the harmless versions that would be undone; 0 without any.
    #[must_use]
    pub fn false_rollback_rate(&self) -> f64 {
        if self.harmless > 0.0 { self.false_rollbacks / self.harmless } else { 0.0 }
    }

    /// Part of the harmful versions that would be promoted; 0 without any.
    #[must_use]
    pub fn missed_rate(&self) -> f64 {
        if self.harmful > 0.0 { self.missed / self.harmful } else { 0.0 }
    }
}

/// Brier score and calibration error of what was said, whether it was so, and how much it counts.
fn calibration(believed: &[(f64, bool, f64)]) -> (f64, f64) {
    let all: f64 = believed.iter().map(|(_, _, weight)| weight).sum();
    if all <= 0.0 {
        return (0.0, 0.0);
    }
    let truth = |harmful: bool| f64::from(u8::from(harmful));
    let brier: f64 = believed.iter().map(|(said, is, weight)| weight * (said - truth(*is)).powi(2)).sum();
    let mut bins = [0.0; BINS];
    for (said, is, weight) in believed {
        let bin = ((said * BINS as f64) as usize).min(BINS - 1);
        if let Some(own) = bins.get_mut(bin) {
            *own += weight * (said - truth(*is));
        }
    }
    (brier / all, bins.iter().map(|bin: &f64| bin.abs()).sum::<f64>() / all)
}
