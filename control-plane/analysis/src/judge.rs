//! Classic judges, replayed by the rules of the tools that made them known, so that a plan can be tried against
//! them on the same traffic.
//!
//! A judge sees what its tool would see: pulled samples, windows, points; with no data treated as that tool treats
//! it, which is where the tools differ most. The rules were read from the code of fluxcd/flagger at 15bd6ad,
//! argoproj/argo-rollouts at 9f8d111, spinnaker/kayenta at a69573b and pipe-cd/pipecd at 7e22859.
//! A replayed judge does not steer: the recorded weights stay what they were, and a judge's own steps only say
//! when it would have promoted. None of this is evidence in the sense of [`crate::evalue`]: no judge here bounds
//! its false alarms.
//!
//! Every judge is pure, keeps a bounded number of seconds or points, and decides once.

use serde::{Deserialize, Serialize};

use crate::chart::RuleSet;
use crate::histogram::LatencyHistogram;
use crate::increment::ByArm;

pub mod argo;
pub mod charts;
pub mod fixed;
pub mod flagger;
mod gathered;
pub mod kayenta;
pub mod pipecd;
mod ranks;
mod schedule;
mod traffic;

pub use argo::{Argo, ArgoSettings};
pub use charts::Charts;
pub use fixed::{Fixed, FixedSettings};
pub use flagger::{Flagger, FlaggerSettings};
pub use kayenta::{Kayenta, KayentaSettings};
pub use pipecd::{PipeCd, PipeCdSettings};

/// What one arm did in one second.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SecondAggregate {
    /// Requests that finished.
    pub requests: u64,
    /// Those of them that failed by fault of the service; more than `requests` counts as all.
    pub failures: u64,
    /// Latency of the requests.
    pub latency: LatencyHistogram,
}

/// What a judge says when it looks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgeDecision {
    /// Send all traffic back to the baseline. Final.
    Rollback,
    /// The canary becomes the baseline. Final.
    Promote,
    /// Neither: go on and look again.
    Hold,
}

/// A rule that watches both arms and decides.
pub trait Judge {
    /// Takes in what both arms did in the Unix second `second` at a canary weight of `weight_ppm` parts per million,
    /// and says what the judge decides at the end of that second. Seconds must rise; one that does not is ignored.
    /// A missing second is one in which nothing was measured.
    ///
    /// `None`: the judge did not look. After `Rollback` or `Promote` it never looks again.
    fn observe(
        &mut self,
        second: u64,
        arms: &ByArm<SecondAggregate>,
        weight_ppm: u32,
    ) -> Option<JudgeDecision>;
}

/// The judges by name, each at one of its published or tuned settings.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedJudge {
    /// Flagger with what its code fills in.
    FlaggerDefault,
    /// Flagger as its documentation shows it.
    FlaggerDocs,
    /// Flagger looking every 10 s.
    FlaggerTuned,
    /// Argo Rollouts with the background analysis of its documentation.
    ArgoDocs,
    /// Argo Rollouts with its defaults, one measurement a minute.
    ArgoDefault,
    /// Argo Rollouts measuring every 10 s.
    ArgoTuned,
    /// Kayenta as its documentation recommends it.
    Kayenta,
    /// Kayenta judging each 5 min on points of 1 min.
    KayentaMinimum,
    /// Kayenta judging each minute on points of 10 s over a growing window.
    KayentaFast,
    /// PipeCD's analysis against the baseline.
    PipeCd,
    /// Fixed thresholds.
    Fixed,
    /// EWMA and CUSUM charts.
    Charts,
    /// The same with Western Electric's run rules.
    WesternElectric,
    /// The same with Nelson's run rules.
    Nelson,
}

impl NamedJudge {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::FlaggerDefault,
        Self::FlaggerDocs,
        Self::FlaggerTuned,
        Self::ArgoDocs,
        Self::ArgoDefault,
        Self::ArgoTuned,
        Self::Kayenta,
        Self::KayentaMinimum,
        Self::KayentaFast,
        Self::PipeCd,
        Self::Fixed,
        Self::Charts,
        Self::WesternElectric,
        Self::Nelson,
    ];

    /// Whether it replays another tool; the others are rules of this project's own.
    #[must_use]
    pub const fn is_of_another_tool(self) -> bool {
        !matches!(self, Self::Fixed | Self::Charts | Self::WesternElectric | Self::Nelson)
    }

    /// The name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::FlaggerDefault => "flagger",
            Self::FlaggerDocs => "flagger-docs",
            Self::FlaggerTuned => "flagger-tuned",
            Self::ArgoDocs => "argo-docs",
            Self::ArgoDefault => "argo",
            Self::ArgoTuned => "argo-tuned",
            Self::Kayenta => "kayenta",
            Self::KayentaMinimum => "kayenta-minimum",
            Self::KayentaFast => "kayenta-fast",
            Self::PipeCd => "pipecd",
            Self::Fixed => "fixed",
            Self::Charts => "charts",
            Self::WesternElectric => "western-electric",
            Self::Nelson => "nelson",
        }
    }

    /// The judge of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|judge| judge.name() == name)
    }

    /// A judge that has seen nothing yet.
    pub fn start(self) -> Box<dyn Judge + Send> {
        match self {
            Self::FlaggerDefault => Box::new(Flagger::new(FlaggerSettings::code_default())),
            Self::FlaggerDocs => Box::new(Flagger::new(FlaggerSettings::docs())),
            Self::FlaggerTuned => Box::new(Flagger::new(FlaggerSettings::tuned())),
            Self::ArgoDocs => Box::new(Argo::new(ArgoSettings::docs_background())),
            Self::ArgoDefault => Box::new(Argo::new(ArgoSettings::defaults())),
            Self::ArgoTuned => Box::new(Argo::new(ArgoSettings::tuned())),
            Self::Kayenta => Box::new(Kayenta::new(KayentaSettings::recommended())),
            Self::KayentaMinimum => Box::new(Kayenta::new(KayentaSettings::minimum())),
            Self::KayentaFast => Box::new(Kayenta::new(KayentaSettings::fast())),
            Self::PipeCd => Box::new(PipeCd::new(PipeCdSettings::docs())),
            Self::Fixed => Box::new(Fixed::new(FixedSettings::default())),
            Self::Charts => Box::new(Charts::new(RuleSet::None)),
            Self::WesternElectric => Box::new(Charts::new(RuleSet::WesternElectric)),
            Self::Nelson => Box::new(Charts::new(RuleSet::Nelson)),
        }
    }
}

#[cfg(test)]
mod tests;
