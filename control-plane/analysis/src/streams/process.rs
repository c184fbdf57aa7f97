//! The evidence of one stream.

use serde::{Deserialize, Serialize};

use super::part::Part;
use super::{Finding, Kind, Observed, StreamId, finding};
use crate::evalue::{Counts, LOG_ZERO, Margin, log_e, log_sum};
use crate::increment::ByArm;
use crate::onset::{AGREEING_STRATA, Anchor, log_mass, recur, start};
use crate::verdict::Verdict;

/// Requests or page views of each arm from which a stratum is judged.
const LEAST_EXPOSURES: u64 = 3;
/// Seconds after which it is judged anyway.
const OLDEST_S: u64 = 30;
/// Strongest evidence that a stream must show before it is told, and events of the canary.
const LEAST_ODDS: f64 = 3.0;

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Bet {
    log_m: f64,
    anchor: Anchor,
}

/// Counts of both arms.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Tally {
    events: ByArm<u64>,
    exposures: ByArm<u64>,
}

impl Tally {
    fn add(&mut self, events: ByArm<u64>, exposures: ByArm<u64>) {
        // More events than exposures tell no more than one each: a request may write a line many times.
        let add = |into: &mut u64, count: u64| *into = into.saturating_add(count);
        add(&mut self.events.baseline, events.baseline.min(exposures.baseline));
        add(&mut self.events.canary, events.canary.min(exposures.canary));
        add(&mut self.exposures.baseline, exposures.baseline);
        add(&mut self.exposures.canary, exposures.canary);
    }
}

/// One stream.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Stream {
    id: StreamId,
    /// Logarithm of its part of the source's evidence.
    log_weight: f64,
    /// What the source's evidence must reach.
    log_threshold: f64,
    /// What the canary's share of events may be.
    margin: Margin,
    is_harmful: bool,
    first_second: u64,
    bets: Vec<Bet>,
    mass_seen: f64,
    open: Tally,
    open_since: Option<u64>,
    totals: Tally,
    samples: Vec<String>,
}

impl Stream {
    /// A stream that was first seen in `first_second`, after `before` others of its source that are as harmful, where the
    /// source's evidence must reach `log_threshold` and the canary may be worse by `margin`.
    pub(super) fn new(
        id: StreamId,
        first_second: u64,
        is_harmful: bool,
        before: usize,
        log_threshold: f64,
        margin: Margin,
    ) -> Self {
        let bet = Bet { log_m: LOG_ZERO, anchor: Anchor::default() };
        Self {
            log_weight: Part::of(&id).log_weight(before),
            log_threshold,
            margin,
            is_harmful,
            first_second,
            bets: vec![bet; id.kind.bets().len()],
            mass_seen: 0.0,
            open: Tally::default(),
            open_since: None,
            totals: Tally::default(),
            samples: Vec::new(),
            id,
        }
    }

    /// Whether another stream gets its part of the source's evidence from the same sum.
    pub(super) fn shares_weight(&self, id: &StreamId, is_harmful: bool) -> bool {
        self.id.kind == id.kind && self.part() == Part::of(id) && self.is_harmful == is_harmful
    }

    pub(super) fn part(&self) -> Part {
        Part::of(&self.id)
    }

    pub(super) fn id(&self) -> &StreamId {
        &self.id
    }

    pub(super) fn is_harmful(&self) -> bool {
        self.is_harmful
    }

    /// Leaves out the prior mass of the seconds before it was seen.
    pub(super) fn skip_mass(&mut self, mass: f64) {
        self.mass_seen = mass;
    }

    /// Counts what is no evidence.
    pub(super) fn count(&mut self, events: ByArm<u64>, exposures: ByArm<u64>) {
        self.totals.add(events, exposures);
    }

    /// Keeps a few texts, the first that come.
    pub(super) fn show(&mut self, samples: Vec<String>) {
        for sample in samples {
            if self.samples.len() < finding::SAMPLES && !self.samples.contains(&sample) {
                self.samples.push(sample);
            }
        }
    }

    /// Takes in a closed second. `mass`: the prior mass of all seconds so far. `None`: the second is no evidence.
    pub(super) fn close(
        &mut self,
        second: u64,
        events: ByArm<u64>,
        exposures: ByArm<u64>,
        mass: Option<f64>,
    ) {
        self.count(events, exposures);
        let Some(mass) = mass else {
            self.open = Tally::default();
            self.open_since = None;
            return;
        };
        self.open.add(events, exposures);
        let since = *self.open_since.get_or_insert(second);
        let ByArm { baseline, canary } = self.open.exposures;
        let is_full = baseline.min(canary) >= LEAST_EXPOSURES;
        if is_full || second.saturating_sub(since) >= OLDEST_S {
            let open = std::mem::take(&mut self.open);
            self.open_since = None;
            self.judge(&open, mass);
        }
    }

    fn judge(&mut self, open: &Tally, mass: f64) {
        let float = |of: ByArm<u64>| ByArm { baseline: of.baseline as f64, canary: of.canary as f64 };
        let counts = Counts { events: float(open.events), exposures: float(open.exposures) };
        let kind = self.id.kind;
        let new_mass = log_mass(mass - self.mass_seen);
        self.mass_seen = mass;
        let (bets, margin) = (kind.bets(), self.margin);
        let log_bet_weight = -(bets.len() as f64).ln();
        let log_goal = self.log_threshold - self.log_weight - log_bet_weight;
        for (bet, psi) in self.bets.iter_mut().zip(bets) {
            let log_e = log_e(&counts, psi, margin) / kind.overdispersion();
            let started = start(bet.log_m, new_mass);
            let cap = bet.anchor.cap(started, new_mass, log_goal, AGREEING_STRATA);
            bet.log_m = recur(started, log_e, cap);
            bet.anchor.add(log_e);
        }
    }

    /// Logarithm of its evidence, all bets together.
    fn log_evidence(&self) -> f64 {
        let log_bet_weight = -(self.bets.len().max(1) as f64).ln();
        log_sum(self.bets.iter().map(|bet| bet.log_m + log_bet_weight))
    }

    /// Logarithm of its part of the source's evidence; nothing where it is no harm.
    pub(super) fn weighted_log_evidence(&self) -> f64 {
        if self.is_harmful { self.log_evidence() + self.log_weight } else { LOG_ZERO }
    }

    /// What it has counted.
    pub(super) fn observed(&self) -> Observed {
        Observed {
            kind: self.id.kind,
            is_harmful: self.is_harmful,
            share: self.log_weight.exp(),
            log_evidence: crate::evalue::told(self.log_evidence()),
            events: self.totals.events,
            exposures: self.totals.exposures,
        }
    }

    /// What it shows. `None`: too little to be told.
    pub(super) fn finding(&self, log_extra: f64) -> Option<Finding> {
        let log_evidence = crate::evalue::told(self.log_evidence());
        let log_threshold = self.log_threshold + log_extra - self.log_weight;
        let Tally { events, exposures } = self.totals;
        let is_new = self.id.kind == Kind::LogTemplate && events.baseline == 0 && events.canary > 0;
        if log_evidence < LEAST_ODDS.ln() && !(is_new && self.is_harmful) {
            return None;
        }
        let verdict = if self.is_harmful && log_evidence >= log_threshold {
            Verdict::Regressed
        } else {
            Verdict::Inconclusive
        };
        let rate = events.baseline as f64 / exposures.baseline.max(1) as f64;
        let margin = self.margin;
        Some(Finding {
            allowed: margin.ratio * rate + margin.absolute,
            kind: self.id.kind,
            component: self.id.component.clone(),
            name: self.id.name.clone(),
            samples: self.samples.clone(),
            first_second: self.first_second,
            is_harmful: self.is_harmful,
            is_new,
            verdict,
            log_evidence,
            log_threshold,
            events,
            exposures,
            learned_confidence: None,
            peculiarity: None,
        })
    }
}
