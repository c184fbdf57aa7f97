//! The evidence on one scope: a component, or the version as a whole.

use serde::{Deserialize, Serialize};

use crate::evalue::{LOG_ZERO, log_add, log_sum};
use crate::failures::FailureCounts;
use crate::increment::ByArm;
use crate::noninferiority::Health;
use crate::onset::{AGREEING_STRATA, Anchor, log_mass, recur, start};
use crate::placebo::Dispersion;
use crate::stratum::{ArmStratum, BETS, ERROR_BETS, Evidence};
use crate::verdict::Signal;

/// Requests and failures.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct ErrorTotals {
    pub(crate) requests: ByArm<u64>,
    pub(crate) failed: ByArm<FailureCounts>,
}

impl ErrorTotals {
    fn minus(&self, earlier: &Self) -> Self {
        let count = |now: u64, then: u64| now.saturating_sub(then);
        Self {
            requests: ByArm {
                baseline: count(self.requests.baseline, earlier.requests.baseline),
                canary: count(self.requests.canary, earlier.requests.canary),
            },
            failed: ByArm {
                baseline: self.failed.baseline.without(&earlier.failed.baseline),
                canary: self.failed.canary.without(&earlier.failed.canary),
            },
        }
    }

    fn of(arms: &ByArm<ArmStratum>) -> Self {
        Self {
            requests: ByArm { baseline: arms.baseline.started, canary: arms.canary.started },
            failed: ByArm { baseline: arms.baseline.categories, canary: arms.canary.categories },
        }
    }

    /// All failures.
    pub(crate) fn failures(&self) -> ByArm<u64> {
        ByArm { baseline: self.failed.baseline.total(), canary: self.failed.canary.total() }
    }
}

/// One bet against "within the margins".
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Bet {
    log_weight: f64,
    log_m: f64,
    anchor: Anchor,
    /// How many updates the scope had seen when the evidence was last zero.
    since_update: u64,
}

/// Until hosts have shown how much they differ, the canary must be slow for so many seconds: garbage collectors and reloads
/// stop a pod for a few.
const UNMEASURED_LATENCY_S: f64 = 8.0;

/// Strata that must agree before a bet can cross: [`AGREEING_STRATA`], or more.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Agreeing {
    /// Of all bets together, where no baseline runs beside the canary.
    sustained: Option<f64>,
    /// Of each bet on latency, where one does.
    latency: f64,
}

impl Agreeing {
    /// Of strata of `age_s` seconds. `sustained_s`: for how long evidence without a baseline must grow.
    pub(crate) fn of(age_s: u64, sustained_s: Option<u64>, dispersion: &Dispersion) -> Self {
        let strata = |seconds: f64| seconds / age_s.max(1) as f64;
        let unmeasured = strata(UNMEASURED_LATENCY_S).max(AGREEING_STRATA);
        Self {
            sustained: sustained_s.map(|seconds| strata(seconds as f64)).filter(|of| *of > AGREEING_STRATA),
            latency: if dispersion.is_latency_measured() { AGREEING_STRATA } else { unmeasured },
        }
    }
}

/// All evidence on one scope.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Process {
    log_threshold: f64,
    /// What evidence must reach beyond that, while it has to be stronger.
    #[serde(default)]
    log_extra: f64,
    bets: Vec<Bet>,
    /// The totals when the evidence of each bet on errors was last zero.
    since: Vec<ErrorTotals>,
    health: Health,
    /// Prior mass of all seconds up to the last update.
    mass_seen: f64,
    totals: ByArm<ArmStratum>,
    updates: u64,
    /// Logarithm of the evidence of each signal's bets, as of the last update.
    log_evidence: BySignal,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct BySignal {
    errors: f64,
    latency: f64,
}

impl BySignal {
    const NONE: Self = Self { errors: LOG_ZERO, latency: LOG_ZERO };
}

impl Process {
    /// A scope that is regressed at odds of `1 / alpha`.
    pub(crate) fn new(alpha: f64, beta: f64) -> Self {
        let log_threshold = -alpha.ln();
        let bet = |index| {
            let log_weight = Evidence::bet_weight(index).ln();
            Bet { log_weight, log_m: LOG_ZERO, anchor: Anchor::default(), since_update: 0 }
        };
        Self {
            log_threshold,
            log_extra: 0.0,
            bets: (0..BETS).map(bet).collect(),
            since: vec![ErrorTotals::default(); ERROR_BETS],
            health: Health::new(beta),
            mass_seen: 0.0,
            totals: ByArm::default(),
            updates: 0,
            log_evidence: BySignal::NONE,
        }
    }

    /// Takes in what `arms` showed. `mass` is the prior mass of all seconds so far.
    pub(crate) fn update(
        &mut self,
        evidence: &Evidence,
        arms: &ByArm<ArmStratum>,
        mass: f64,
        agreeing: Agreeing,
    ) {
        let sustained = agreeing.sustained;
        self.updates += 1;
        self.totals.baseline.add(&arms.baseline);
        self.totals.canary.add(&arms.canary);
        let totals = ErrorTotals::of(&self.totals);
        let new_mass = log_mass(mass - self.mass_seen);
        self.mass_seen = mass;
        for (index, (bet, log_e)) in self.bets.iter_mut().zip(evidence.harm).enumerate() {
            let of_signal = if index < ERROR_BETS { AGREEING_STRATA } else { agreeing.latency };
            let strata = sustained.unwrap_or(of_signal);
            // Where many must agree, all bets together reach the goal no sooner than that.
            let log_weight = if sustained.is_some() { 0.0 } else { bet.log_weight };
            let log_goal = self.log_threshold - log_weight;
            let started = start(bet.log_m, new_mass);
            let cap = bet.anchor.cap(started, new_mass, log_goal, strata);
            bet.log_m = recur(started, log_e, cap);
            // Where many must agree a burst is expected, and is over when its part of the evidence is gone.
            bet.anchor.add(if sustained.is_some() { log_e.min(cap) } else { log_e });
            if bet.anchor.is_idle() {
                bet.since_update = self.updates;
            }
        }
        for (since, bet) in self.since.iter_mut().zip(&self.bets) {
            if bet.anchor.is_idle() {
                *since = totals;
            }
        }
        self.health.update(evidence);
        let log_evidence = |signal| log_sum(self.bets_of(signal).map(|(_, bet)| bet.log_weight + bet.log_m));
        self.log_evidence =
            BySignal { errors: log_evidence(Signal::ErrorRate), latency: log_evidence(Signal::Latency) };
    }

    /// Forgets all evidence: the scope's composition changed, so what was seen is about something else.
    pub(crate) fn forget(&mut self, beta: f64) {
        self.health = Health::new(beta);
        self.totals = ByArm::default();
        for bet in &mut self.bets {
            bet.log_m = LOG_ZERO;
            bet.anchor = Anchor::default();
            bet.since_update = self.updates;
        }
        self.since.fill(ErrorTotals::default());
        self.log_evidence = BySignal::NONE;
    }

    /// From now on the canary is compared with something else: harm seen so far counts on, health has to be shown anew.
    pub(crate) fn turn(&mut self, beta: f64) {
        self.health = Health::new(beta);
        self.totals = ByArm::default();
        self.since.fill(ErrorTotals::default());
    }

    /// Leaves out the prior mass of the seconds before this scope was watched.
    pub(crate) fn skip_mass(&mut self, mass: f64) {
        self.mass_seen = mass;
    }

    /// What the evidence must reach for the error bound, at any time.
    pub(crate) fn log_bound(&self) -> f64 {
        self.log_threshold
    }

    /// What the evidence must reach.
    pub(crate) fn log_threshold(&self) -> f64 {
        self.log_threshold + self.log_extra
    }

    /// The evidence must reach so much more, 0 or above: less often crossed, so the error bound holds.
    pub(crate) fn set_log_extra(&mut self, log_extra: f64) {
        self.log_extra = log_extra;
    }

    /// Logarithm of the evidence of all bets together.
    pub(crate) fn log_evidence(&self) -> f64 {
        log_add(self.log_evidence.errors, self.log_evidence.latency)
    }

    /// The part of one signal's bets in [`Process::log_evidence`].
    pub(crate) fn log_evidence_of(&self, signal: Signal) -> f64 {
        match signal {
            Signal::ErrorRate => self.log_evidence.errors,
            Signal::Latency => self.log_evidence.latency,
            Signal::Share => LOG_ZERO,
        }
    }

    /// The signal whose bets have the most evidence.
    pub(crate) fn strongest_signal(&self) -> Signal {
        if self.log_evidence.latency > self.log_evidence.errors { Signal::Latency } else { Signal::ErrorRate }
    }

    /// The evidence reaches what the error bound needs, whatever else is demanded.
    pub(crate) fn speaks(&self) -> bool {
        self.log_evidence() >= self.log_bound()
    }

    pub(crate) fn is_crossed(&self) -> bool {
        self.log_evidence() >= self.log_threshold()
    }

    /// Update at which each bet's CUSUM was last zero.
    pub(crate) fn since_updates(&self) -> impl Iterator<Item = u64> + '_ {
        self.bets.iter().map(|bet| bet.since_update)
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// All that was judged so far.
    pub(crate) fn totals(&self) -> &ByArm<ArmStratum> {
        &self.totals
    }

    /// Requests and failures since the harm that is now most believed in began; all there are if there is none.
    pub(crate) fn suspect_totals(&self) -> ErrorTotals {
        let suspect = best(self.bets_of(Signal::ErrorRate)).filter(|(_, bet)| !bet.anchor.is_idle());
        let before = suspect.and_then(|(index, _)| self.since.get(index)).copied().unwrap_or_default();
        ErrorTotals::of(&self.totals).minus(&before)
    }

    fn bets_of(&self, signal: Signal) -> impl Iterator<Item = (usize, &Bet)> + Clone {
        self.bets.iter().enumerate().filter(move |(index, _)| Evidence::signal_of(*index) == signal)
    }
}

fn best<'a>(bets: impl Iterator<Item = (usize, &'a Bet)>) -> Option<(usize, &'a Bet)> {
    bets.max_by(|(_, a), (_, b)| (a.log_weight + a.log_m).total_cmp(&(b.log_weight + b.log_m)))
}
