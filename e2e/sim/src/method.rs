//! What decides: Serin, and the judges of other tools at their settings.

use serin_analysis::ByArm;
use serin_analysis::judge::{Judge, JudgeDecision, KayentaSettings, NamedJudge, SecondAggregate};

use crate::scenario::DURATION_S;
use crate::world::Second;

/// A method by which rollouts are judged.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Method {
    /// Serin.
    Serin,
    /// Another tool.
    Peer(NamedJudge),
}

impl Method {
    /// All methods, Serin first.
    pub fn all() -> Vec<Self> {
        [Self::Serin].into_iter().chain(Self::peers().map(Self::Peer)).collect()
    }

    /// The judges of other tools.
    pub fn peers() -> impl Iterator<Item = NamedJudge> {
        NamedJudge::ALL.into_iter().filter(|judge| judge.is_of_another_tool())
    }

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serin => "serin",
            Self::Peer(judge) => judge.name(),
        }
    }

    /// Whether it can decide before the rollout ends.
    pub fn is_in_time(self) -> bool {
        match self {
            Self::Peer(NamedJudge::Kayenta) => KayentaSettings::recommended().interval_s <= DURATION_S,
            Self::Serin | Self::Peer(_) => true,
        }
    }
}

/// A judge of another tool. It sees both arms as a whole and at once, or what its rule asks about if that is less:
/// summing up the rest over its windows would cost more than all else.
pub struct Peer {
    judge: Box<dyn Judge + Send>,
    sight: Sight,
    start: u64,
}

/// What the rule of a judge asks about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sight {
    BothArms,
    Canary,
    CanaryErrors,
}

impl Peer {
    /// The judge that begins with second `start` of Unix time.
    pub fn new(judge: NamedJudge, start: u64) -> Self {
        let sight = match judge {
            NamedJudge::ArgoDefault | NamedJudge::ArgoDocs | NamedJudge::ArgoTuned => Sight::CanaryErrors,
            NamedJudge::FlaggerDefault | NamedJudge::FlaggerDocs | NamedJudge::FlaggerTuned => Sight::Canary,
            NamedJudge::Kayenta
            | NamedJudge::KayentaMinimum
            | NamedJudge::KayentaFast
            | NamedJudge::PipeCd
            | NamedJudge::Fixed
            | NamedJudge::Charts
            | NamedJudge::WesternElectric
            | NamedJudge::Nelson => Sight::BothArms,
        };
        Self { judge: judge.start(), sight, start }
    }

    /// What it decides at the end of `second`, if it does.
    pub fn observe(&mut self, second: u64, happened: &Second, weight_ppm: u32) -> Option<JudgeDecision> {
        let time = self.start + second;
        let canary = &happened.arms.canary;
        let seen = match self.sight {
            Sight::BothArms => return self.judge.observe(time, &happened.arms, weight_ppm),
            Sight::Canary => canary.clone(),
            Sight::CanaryErrors => {
                let SecondAggregate { requests, failures, .. } = *canary;
                SecondAggregate { requests, failures, ..SecondAggregate::default() }
            }
        };
        let arms = ByArm { canary: seen, baseline: SecondAggregate::default() };
        self.judge.observe(time, &arms, weight_ppm)
    }
}
