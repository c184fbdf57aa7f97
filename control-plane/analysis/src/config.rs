//! How the engine judges: error bounds, margins, strata. Raw form for files, checked form for the engine.

mod failures;

use serde::{Deserialize, Serialize};

use crate::chart::RuleSet;
use crate::histogram::MAX_LATENCY_US;
use crate::placebo::{Dispersion, Phi};
pub use failures::Failures;

/// Why a configuration is refused. Each variant names the field and its rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// A number is outside its range.
    #[error("{field} is {value}, must be {rule}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        rule: &'static str,
    },
    /// The engine has too many components.
    #[error("{0} components are more than {max}", max = crate::engine::MAX_COMPONENTS)]
    TooManyComponents(usize),
    /// Two components have one name.
    #[error("component {0:?} is listed twice")]
    DuplicateComponent(String),
    /// No outcome counts as a failure.
    #[error("failures must name at least one outcome")]
    NoFailures,
}

/// How much worse the canary may be before it counts as regressed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Margins {
    /// Allowed error rate is `error_ratio` times the baseline's plus `error_absolute`. 1 to 100.
    pub error_ratio: f64,
    /// A share, 0 to 0.5.
    pub error_absolute: f64,
    /// Allowed slow-down of every quantile: 0.1 allows 10 %. 0 to 10.
    pub latency_ratio: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Self { error_ratio: 1.1, error_absolute: 0.0005, latency_ratio: 0.10 }
    }
}

/// How much worse the canary must be shown not to be before it counts as healthy.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthyMargins {
    /// The error rate must be shown to lie below `error_ratio` times the baseline's plus `error_absolute`. 1 to 100.
    pub error_ratio: f64,
    /// A share, above 0, at most 0.5.
    pub error_absolute: f64,
    /// The share of requests slower than a quantile of the baseline, stretched by [`Margins::latency_ratio`], must
    /// be shown to lie below `slow_ratio` times the baseline's share plus `slow_absolute`. 1 to 100.
    pub slow_ratio: f64,
    /// A share, above 0, at most 0.5.
    pub slow_absolute: f64,
}

impl Default for HealthyMargins {
    fn default() -> Self {
        Self { error_ratio: 1.25, error_absolute: 0.003, slow_ratio: 1.25, slow_absolute: 0.003 }
    }
}

/// What the canary must not become, beside the baseline, and what is done when that is in sight.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForecastLimits {
    /// Slow-down of the median and of the 90th percentile: 0.3 is 30 %. 0.01 to 10.
    pub latency_ratio: f64,
    /// Share of failed requests beyond the baseline's. 0.001 to 0.5.
    pub error_absolute: f64,
    /// Whether a prediction that is nearly sure, or that evidence backs, undoes what it is about. Else it holds. The bound
    /// [`RawEngineConfig::alpha`] does not cover it.
    pub rollback: bool,
}

impl Default for ForecastLimits {
    fn default() -> Self {
        Self { latency_ratio: 0.3, error_absolute: 0.01, rollback: false }
    }
}

/// What no version may exceed, whatever is usual: the last resort where nothing else is known to compare with.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Share of requests that may fail. 0 to 1.
    pub error_rate: f64,
    /// Largest 99th percentile of latency in µs. 1 to 3,600,000,000.
    pub latency_p99_us: u64,
}

/// The configuration as written; every field has a default.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawEngineConfig {
    /// Upper bound on the probability that a rollout without harm is ever called regressed. 1e-9 to 0.2.
    pub alpha: f64,
    /// Upper bound on the probability that a canary beyond the healthy margins is called healthy. 1e-9 to 0.2.
    pub beta: f64,
    /// When the canary counts as regressed.
    pub margins: Margins,
    /// When the canary counts as healthy.
    pub healthy: HealthyMargins,
    /// Outcomes that count as failures.
    pub failures: Failures,
    /// Overdispersion of error counts, variance relative to independent requests, until it is measured on at least four
    /// baseline hosts. 1 to 1,000.
    pub phi_errors: f64,
    /// The same for latency counts. 1 to 1,000.
    pub phi_latency: f64,
    /// A stratum closes when both arms started this many requests. 1 to 1,000,000.
    pub min_exposure: u64,
    /// A stratum closes at this age in any case, in seconds. 1 to 600.
    pub max_stratum_age_s: u64,
    /// A second closes this long after it ended, whatever is missing. 1 to 60.
    pub watermark_s: u64,
    /// Time over which a harm's start is thought equally likely, in seconds. Later starts are found too, a little
    /// slower. 10 to 604,800.
    pub horizon_s: u64,
    /// What no version may exceed. `None`: a canary with nothing to compare with is never judged.
    pub limits: Option<Limits>,
    /// Seconds for which evidence must grow where no baseline runs beside the canary, however strong it is. 3 to 3,600.
    pub sustained_s: u64,
    /// What the canary is forecast not to exceed.
    pub forecast: ForecastLimits,
    /// Run rules of the control charts.
    pub chart_rules: RuleSet,
}

impl Default for RawEngineConfig {
    fn default() -> Self {
        Self {
            alpha: 0.01,
            beta: 0.01,
            margins: Margins::default(),
            healthy: HealthyMargins::default(),
            failures: Failures::default(),
            phi_errors: 3.0,
            phi_latency: 4.0,
            min_exposure: 1,
            max_stratum_age_s: 30,
            watermark_s: 3,
            horizon_s: 3600,
            limits: None,
            sustained_s: 60,
            forecast: ForecastLimits::default(),
            chart_rules: RuleSet::None,
        }
    }
}

impl RawEngineConfig {
    /// The same with the margins of the warm-up: only what no cold start explains is a regression.
    pub(crate) fn in_warm_up(mut self) -> Self {
        const ERROR_RATIO: f64 = 2.0;
        const ERROR_ABSOLUTE: f64 = 0.05;
        self.margins.error_ratio *= ERROR_RATIO;
        self.margins.error_absolute = self.margins.error_absolute.max(ERROR_ABSOLUTE);
        self
    }

    /// The same with margins no wider than `most`.
    pub(crate) fn within(mut self, most: Option<Margins>) -> Self {
        if let Some(Margins { error_ratio, error_absolute, latency_ratio }) = most {
            self.margins.error_ratio = self.margins.error_ratio.min(error_ratio.max(1.0));
            self.margins.error_absolute = self.margins.error_absolute.min(error_absolute.max(0.0));
            self.margins.latency_ratio = self.margins.latency_ratio.min(latency_ratio.max(0.0));
        }
        self
    }

    /// Overdispersion while none is measured.
    pub(crate) fn phi(&self) -> Phi {
        Phi { errors: self.phi_errors, firsts: 1.0, latency: self.phi_latency }
    }

    /// Overdispersion with what was `measured` on hosts. Hosts tell of the failures that count by default: how others
    /// vary is not measured by that, so then it is at least what it is while none is measured.
    pub(crate) fn phi_beside(&self, measured: &Dispersion) -> Phi {
        let (usual, phi) = (self.phi(), measured.phi(self.phi()));
        if self.failures.are_told_apart() {
            return phi;
        }
        Phi {
            errors: phi.errors.max(usual.errors),
            firsts: phi.firsts.max(usual.firsts),
            latency: phi.latency,
        }
    }
}

/// A configuration that cannot be wrong.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "RawEngineConfig", into = "RawEngineConfig")]
pub struct EngineConfig(RawEngineConfig);

impl EngineConfig {
    /// The values, in their raw form.
    pub fn raw(&self) -> &RawEngineConfig {
        &self.0
    }
}

impl From<EngineConfig> for RawEngineConfig {
    fn from(config: EngineConfig) -> Self {
        config.0
    }
}

impl TryFrom<RawEngineConfig> for EngineConfig {
    type Error = ConfigError;

    fn try_from(raw: RawEngineConfig) -> Result<Self, ConfigError> {
        let RawEngineConfig { alpha, beta, margins, healthy, failures, phi_errors, phi_latency, .. } = raw;
        let probability = "between 1e-9 and 0.2";
        check("alpha", alpha, 1e-9..=0.2, probability)?;
        check("beta", beta, 1e-9..=0.2, probability)?;
        check("margins.error_ratio", margins.error_ratio, 1.0..=100.0, "between 1 and 100")?;
        check("margins.error_absolute", margins.error_absolute, 0.0..=0.5, "between 0 and 0.5")?;
        check("margins.latency_ratio", margins.latency_ratio, 0.0..=10.0, "between 0 and 10")?;
        check("healthy.error_ratio", healthy.error_ratio, 1.0..=100.0, "between 1 and 100")?;
        check("healthy.error_absolute", healthy.error_absolute, 1e-9..=0.5, "above 0 and at most 0.5")?;
        check("healthy.slow_ratio", healthy.slow_ratio, 1.0..=100.0, "between 1 and 100")?;
        check("healthy.slow_absolute", healthy.slow_absolute, 1e-9..=0.5, "above 0 and at most 0.5")?;
        check("phi_errors", phi_errors, 1.0..=1000.0, "between 1 and 1000")?;
        check("phi_latency", phi_latency, 1.0..=1000.0, "between 1 and 1000")?;
        if failures.categories().next().is_none() {
            return Err(ConfigError::NoFailures);
        }
        check("min_exposure", raw.min_exposure as f64, 1.0..=1e6, "between 1 and 1000000")?;
        check("max_stratum_age_s", raw.max_stratum_age_s as f64, 1.0..=600.0, "between 1 and 600")?;
        check("watermark_s", raw.watermark_s as f64, 1.0..=60.0, "between 1 and 60")?;
        check("horizon_s", raw.horizon_s as f64, 10.0..=604_800.0, "between 10 and 604800")?;
        check("sustained_s", raw.sustained_s as f64, 3.0..=3600.0, "between 3 and 3600")?;
        let ForecastLimits { latency_ratio, error_absolute, rollback: _ } = raw.forecast;
        check("forecast.latency_ratio", latency_ratio, 0.01..=10.0, "between 0.01 and 10")?;
        check("forecast.error_absolute", error_absolute, 0.001..=0.5, "between 0.001 and 0.5")?;
        if let Some(Limits { error_rate, latency_p99_us }) = raw.limits {
            let longest = MAX_LATENCY_US as f64;
            check("limits.error_rate", error_rate, 0.0..=1.0, "between 0 and 1")?;
            check("limits.latency_p99_us", latency_p99_us as f64, 1.0..=longest, "between 1 and 3600000000")?;
        }
        Ok(Self(raw))
    }
}

/// Refuses what is outside `range`, NaN included.
pub(crate) fn check(
    field: &'static str,
    value: f64,
    range: std::ops::RangeInclusive<f64>,
    rule: &'static str,
) -> Result<(), ConfigError> {
    if range.contains(&value) { Ok(()) } else { Err(ConfigError::Range { field, value, rule }) }
}
