//! Pure statistics of the rollout decision.
//!
//! The [`engine::Engine`] takes what the fleet measured ([`increment::Increment`]), compares the canary with the
//! baseline second by second, component by component, and says which scope is regressed, healthy or not decided
//! ([`verdict`]). Every comparison is an e-process ([`evalue`]): its false alarm probability is bounded for the
//! whole rollout although it is looked at each second.
//!
//! Counts are integers until a stratum closes, so the order in which increments are merged cannot change a bit of
//! the result. This crate never reads a clock, draws a random number or does I/O: time comes in as an argument.

#![forbid(unsafe_code)]

pub mod behaviour;
mod categories;
mod cells;
pub mod chance;
pub mod chart;
pub mod config;
mod effect;
pub mod engine;
pub mod evalue;
mod failures;
mod fisher;
pub mod forecast;
pub mod histogram;
mod history;
pub mod increment;
pub mod interval;
pub mod judge;
mod ledger;
mod localise;
#[cfg(test)]
mod noise;
mod noninferiority;
mod normal;
mod onset;
mod placebo;
mod power;
pub mod risk;
mod scope;
mod share;
mod stratum;
pub mod streams;
mod summary;
mod users;
pub mod verdict;
mod veto;
mod watch;
mod window;

pub use behaviour::{Cohort, Country, Device, NoCohort, NoCountry, PageViews};
pub use config::{ConfigError, EngineConfig, RawEngineConfig};
pub use engine::{Assessment, ComponentSpec, Engine, Learned, Scope};
pub use histogram::{DecodeError, LatencyHistogram};
pub use history::History;
pub use increment::{Arm, BlockFailures, ByArm, ComponentIndex, HostSample, Increment, NamedBy, Outcomes};
pub use interval::{ArmTotals, Comparison, Conclusion, Difference, Interval, Overdispersion};
pub use placebo::Dispersion;
pub use summary::ArmSummary;
pub use users::UserMasks;
pub use verdict::{
    Alarm, BaselineUsed, BlockEvidence, Category, CategoryFailures, ControlChart, EffectSize, Reason,
    ScopeAssessment, Signal, Trend, Verdict, Veto,
};
