//! What decides: Serin's engine, and the judges of other tools at their settings.

use std::collections::BTreeMap;

use serin_analysis::judge::{Judge, JudgeDecision, KayentaSettings, NamedJudge, SecondAggregate};
use serin_analysis::{Alarm, ByArm, ConfigError, Engine, EngineConfig, Increment};

use crate::scenario::DURATION_S;
use crate::world::{Second, World};

/// The reporter of all increments.
const SOURCE: u64 = 1;
/// Several components with more than this share of the traffic are the version, as in a plan that says nothing else.
const ESCALATION: f64 = 0.3;

/// A method by which rollouts are judged.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Method {
    /// Serin.
    Serin,
    /// Another tool.
    Peer(NamedJudge),
}

impl Method {
    /// All methods, Serin first. Judges that compare with thresholds of one's own are left out.
    pub fn all() -> Vec<Self> {
        let peers = NamedJudge::ALL.into_iter().filter(|judge| *judge != NamedJudge::Fixed);
        [Self::Serin].into_iter().chain(peers.map(Self::Peer)).collect()
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

/// What a method wants undone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rollback {
    /// The version.
    Version,
    /// These components.
    Components(Vec<String>),
}

/// Serin's engine with its default settings, fed as the control plane feeds it.
///
/// Reports that are late hold back the source's progress, as in service: a second closes when its report has come,
/// or at the watermark.
#[derive(Debug)]
pub struct Serin {
    engine: Engine,
    shares: BTreeMap<String, f64>,
    start: u64,
    /// Late increments by the second in which they arrive.
    held: BTreeMap<u64, Vec<Increment>>,
}

impl Serin {
    /// An engine for the components of `world`, whose evidence begins after `warm_up_s` seconds.
    ///
    /// # Errors
    /// [`ConfigError`] when the engine refuses the components.
    pub fn new(world: &World<'_>, warm_up_s: u64) -> Result<Self, ConfigError> {
        let specs: Vec<_> = world.components().iter().map(|component| component.spec()).collect();
        let mut engine = Engine::new(EngineConfig::default(), &specs)?;
        engine.exclude_until(world.start() + warm_up_s);
        let shares = world.components().iter().map(|component| (component.name.clone(), component.share));
        Ok(Self { engine, shares: shares.collect(), start: world.start(), held: BTreeMap::new() })
    }

    /// The canary gets another weight in `second`.
    pub fn step_started(&mut self, second: u64) {
        self.engine.step_started(self.start + second);
    }

    /// Takes in what happened in `second` and judges at its end.
    pub fn observe(&mut self, second: u64, happened: &Second) -> Option<Rollback> {
        let now = self.start + second + 1;
        for delivery in &happened.deliveries {
            if delivery.late_s == 0 {
                self.engine.merge(&delivery.increment);
            } else {
                self.held.entry(now + delivery.late_s).or_default().push(delivery.increment.clone());
            }
        }
        let later = self.held.split_off(&(now + 1));
        for increment in std::mem::replace(&mut self.held, later).into_values().flatten() {
            self.engine.merge(&increment);
        }
        let oldest = self.held.values().flatten().map(|increment| increment.start_second).min();
        self.engine.source_progress(SOURCE, oldest.unwrap_or(now), now);
        self.engine.advance(now).alarm.map(|alarm| self.undo(alarm))
    }

    fn undo(&self, alarm: Alarm) -> Rollback {
        match alarm {
            Alarm::Version => Rollback::Version,
            Alarm::Components(names) => {
                let share: f64 = names.iter().filter_map(|name| self.shares.get(name)).sum();
                let several = names.len() > 1 && share > ESCALATION;
                if several { Rollback::Version } else { Rollback::Components(names) }
            }
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
            | NamedJudge::Fixed => Sight::BothArms,
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
