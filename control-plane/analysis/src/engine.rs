//! The engine of one rollout: increments in, verdicts out.
//!
//! Each closed second flows through its components' strata into one evidence process per component and one for the
//! version. Components too thin for strata of a few seconds are pooled for the version's process. The error budget
//! `alpha` is split over the scopes (0.3 version, 0.6 components, 0.1 the share of requests), so a false alarm
//! anywhere in a rollout has at most that probability.
//!
//! Bounds: [`MAX_COMPONENTS`] components; seconds wait for at most two minutes; late outcomes are booked for two
//! minutes and counted as dropped after that.

mod activity;
mod assess;
mod close;
mod component;
mod course;
mod flag;
mod gaps;
mod judgement;
mod learned;
mod lessons;
mod pool;
mod solo;
mod summary;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::categories::Categories;
use crate::config::{ConfigError, EngineConfig, Margins, RawEngineConfig, check};
use crate::increment::{BlockFailures, ByArm, ComponentIndex, HostSample, Increment};
use crate::onset::StartPrior;
use crate::placebo::{Phi, Whole};
use crate::risk::Impacts;
use crate::scope::Process;
use crate::share::Share;
use crate::summary::ArmSummary;
use crate::users::Users;
use crate::verdict::{Alarm, EffectSize, ScopeAssessment, Veto};
use crate::watch::Watch;
use crate::window::{MAX_AHEAD_S, Placement, Window};
use component::Component;
use course::Course;
use gaps::Gaps;
pub use learned::Learned;
use pool::Pool;
use solo::{Beside, Presence};

/// Components of one engine at most.
pub const MAX_COMPONENTS: usize = 2_000;

/// Times beyond this count as this, so that seconds can be added to any time.
const LAST_SECOND: u64 = u64::MAX / 2;
const VERSION_BUDGET: f64 = 0.3;
const COMPONENTS_BUDGET: f64 = 0.6;
const SHARE_BUDGET: f64 = 0.1;

/// A component as the engine needs to know it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ComponentSpec {
    /// Its name.
    pub name: String,
    /// Share of the error budget, relative to the other components. 0.001 to 1,000; a component that the change
    /// touches deserves 3 to 10 times the others' weight.
    pub weight: f64,
    /// Blocks of its code that failures may name. Empty: none.
    #[serde(default)]
    pub blocks: Vec<String>,
}

impl ComponentSpec {
    /// A component of weight 1 without blocks.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), weight: 1.0, blocks: Vec::new() }
    }
}

/// What a summary is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All active components together.
    Version,
    /// One component.
    Component(ComponentIndex),
}

/// What the evidence says at one moment.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Assessment {
    /// Unix time, in whole seconds, for which this holds.
    pub at_second: u64,
    /// The version as a whole.
    pub version: ScopeAssessment,
    /// All components, in the order the engine knows them. Inactive ones have no reasons.
    pub components: Vec<(String, ScopeAssessment)>,
    /// What should be undone. Stays until the named components are made inactive.
    pub alarm: Option<Alarm>,
    /// Requests whose outcome came after their second had closed, since the engine began.
    pub late_requests: u64,
    /// Requests that came too late, or too early, to be counted at all, since the engine began.
    pub dropped_requests: u64,
    /// Seconds since the end of the last closed second in which a request started, of the canary if its requests have
    /// stopped. `None`: there was none.
    pub data_age_s: Option<u64>,
    /// The canary warms up: it is judged, but with wider margins, and not healthy yet.
    #[serde(default)]
    pub warming_up: bool,
}

/// Judges one rollout.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Engine {
    config: EngineConfig,
    components: Vec<Component>,
    pool: Pool,
    version: Process,
    #[serde(default)]
    version_categories: Categories,
    version_flagged: bool,
    flagged: BTreeSet<usize>,
    prior: StartPrior,
    /// Prior mass of all seconds closed so far.
    mass: f64,
    window: Window,
    exclude_until: u64,
    last_exposed_second: Option<u64>,
    at_second: u64,
    late_requests: u64,
    dropped_requests: u64,
    hosts: Whole,
    share: Share,
    watch: Watch,
    version_vetoes: Vec<Veto>,
    /// How much slower the canary is, as of the last few seconds.
    version_slow_down: Option<EffectSize>,
    next_slow_down: u64,
    #[serde(default)]
    course: Course,
    gaps: Gaps,
    /// The canary has its full weight.
    #[serde(default)]
    at_full_weight: bool,
    #[serde(default)]
    presence: Presence,
    /// What the version is compared with while no baseline runs beside it.
    #[serde(default)]
    alone: Option<Beside>,
    #[serde(default)]
    users: Users,
    /// What the evidence of each scope must reach beyond its threshold.
    #[serde(default)]
    log_extra: f64,
    /// Margins are no wider than these for the time being.
    #[serde(default)]
    most: Option<Margins>,
    /// What a harm of the version means for the business, 0 to 1. `None`: 1.
    #[serde(default)]
    impact: Option<f64>,
    /// The version's summary, while nothing has changed since it was computed.
    #[serde(skip)]
    version_summary: Option<ByArm<ArmSummary>>,
}

impl Engine {
    /// An engine for `components`, which later are named by their position.
    ///
    /// # Errors
    /// [`ConfigError`] if there are too many components, two of one name, or a weight out of range.
    pub fn new(config: EngineConfig, components: &[ComponentSpec]) -> Result<Self, ConfigError> {
        if components.len() > MAX_COMPONENTS {
            return Err(ConfigError::TooManyComponents(components.len()));
        }
        let mut names = BTreeSet::new();
        for component in components {
            check("component weight", component.weight, 0.001..=1000.0, "between 0.001 and 1000")?;
            if !names.insert(component.name.as_str()) {
                return Err(ConfigError::DuplicateComponent(component.name.clone()));
            }
        }
        let RawEngineConfig { alpha, beta, horizon_s, .. } = *config.raw();
        let weights: f64 = components.iter().map(|component| component.weight).sum();
        let share = |weight: f64| alpha * COMPONENTS_BUDGET * weight / weights;
        let most = components.iter().map(|component| component.weight).fold(0.0, f64::max);
        Ok(Self {
            config,
            components: components
                .iter()
                .map(|spec| Component::new(spec, share(spec.weight), spec.weight / most, config.raw()))
                .collect(),
            pool: Pool::default(),
            version: Process::new(alpha * VERSION_BUDGET, beta),
            version_categories: Categories::default(),
            version_flagged: false,
            flagged: BTreeSet::new(),
            prior: StartPrior::new(horizon_s),
            mass: 0.0,
            window: Window::default(),
            exclude_until: 0,
            last_exposed_second: None,
            at_second: 0,
            late_requests: 0,
            dropped_requests: 0,
            hosts: Whole::default(),
            share: Share::new(alpha * SHARE_BUDGET),
            watch: Watch::default(),
            version_vetoes: Vec::new(),
            version_slow_down: None,
            next_slow_down: 0,
            course: Course::default(),
            gaps: Gaps::default(),
            at_full_weight: false,
            presence: Presence::default(),
            alone: None,
            users: Users::default(),
            log_extra: 0.0,
            most: None,
            impact: None,
            version_summary: None,
        })
    }

    /// Adds what a source measured. Order does not matter before the increment's second closes: the state is then
    /// the same to the bit. Afterwards only failures of requests that were known to be open still count as
    /// evidence; everything else goes to the summaries.
    pub fn merge(&mut self, increment: &Increment) {
        let finished = increment.outcomes.finished();
        let requests = finished.max(increment.started);
        if increment.component.0 >= self.components.len() {
            self.dropped_requests = self.dropped_requests.saturating_add(requests);
            return;
        }
        match self.window.merge(increment, &self.config.raw().failures) {
            Placement::Pending => {}
            Placement::Dropped => self.dropped_requests = self.dropped_requests.saturating_add(requests),
            Placement::Late => {
                self.late_requests = self.late_requests.saturating_add(finished);
                self.merge_late(increment, finished);
            }
        }
    }

    /// Adds what a sample of one host's requests saw: from the baseline's hosts the overdispersion is estimated. Order
    /// does not matter, as with [`Engine::merge`].
    pub fn merge_host(&mut self, sample: &HostSample) {
        let latest = self.at_second.saturating_add(MAX_AHEAD_S);
        if (self.at_second > 0 && sample.start_second > latest) || sample.start_second > LAST_SECOND {
            return;
        }
        if let Some(component) = self.components.get_mut(sample.component.0) {
            component.merge_host(sample);
        }
    }

    /// Adds failures that named a block of their component. Order does not matter, as with [`Engine::merge`]; the
    /// requests are counted there. Of one block and arm, what log records tell counts only while no response names it.
    pub fn merge_block(&mut self, failures: &BlockFailures) {
        let latest = self.at_second.saturating_add(MAX_AHEAD_S);
        if (self.at_second > 0 && failures.start_second > latest) || failures.start_second > LAST_SECOND {
            return;
        }
        if let Some(component) = self.components.get_mut(failures.component.0) {
            component.merge_block(failures);
        }
    }

    /// `source` has reported everything that finished before `complete_until_second`, and lives at `now_second`.
    /// A second closes early once all living sources are past it.
    pub fn source_progress(&mut self, source: u64, complete_until_second: u64, now_second: u64) {
        self.window.source_progress(source, complete_until_second, now_second);
    }

    /// Closes the seconds that are due at `now_second` and judges. Called again for the same second with nothing
    /// new, it gives the same assessment; an earlier second counts as the latest one seen.
    pub fn advance(&mut self, now_second: u64) -> Assessment {
        let watermark_s = self.config.raw().watermark_s;
        self.at_second = self.at_second.max(now_second.min(LAST_SECOND));
        let skipped = self.window.move_to(self.at_second, watermark_s);
        self.dropped_requests = self.dropped_requests.saturating_add(skipped);
        if skipped > 0 {
            self.gaps.end_at(self.at_second);
        }
        while let Some(closed) = self.window.close_next(watermark_s) {
            self.close(closed);
        }
        self.wake();
        self.components.iter_mut().for_each(Component::refresh_summary);
        self.version_summary = None;
        self.version_summary = Some(self.summary(Scope::Version));
        self.demand();
        self.flag();
        self.refresh_slow_down();
        self.assess()
    }

    /// A step of the plan starts at `second`: a harm is then more likely to begin.
    pub fn step_started(&mut self, second: u64) {
        self.prior.step_started(second);
        self.watch.step_started(second);
        self.components.iter_mut().for_each(|component| component.step_started(second));
    }

    /// `canary_ppm` of a million requests that start from `second` on are the canary's. `None`: that is not known, or
    /// routing is not by weight alone, and the share of the requests is not judged.
    pub fn set_weight(&mut self, second: u64, canary_ppm: Option<u32>) {
        self.share.set_weight(second, canary_ppm);
    }

    /// From now on evidence must reach so many times the odds to be an alarm; less than 1, or no number, counts as 1. More is
    /// demanded than the error bound needs, so it holds whenever this changes.
    pub fn set_odds_factor(&mut self, times: f64) {
        self.log_extra = times.max(1.0).ln();
    }

    /// From now on margins are no wider than `most`; `None`: they are the configured ones. They count for the seconds that close from
    /// now on, latencies from the next stratum on. What is judged is then whether the canary keeps within the margins of its
    /// time, so the error bound holds for one that does, whenever this changes.
    pub fn set_widest_margins(&mut self, most: Option<Margins>) {
        self.most = most;
    }

    /// From now on harms mean what `impacts` says, in the risk alone.
    pub fn set_impacts(&mut self, impacts: &Impacts) {
        for component in &mut self.components {
            component.set_impact(impacts.of(component.name(), None));
        }
        self.impact = Some(impacts.of("", None));
    }

    /// The configuration with the margins of the time.
    fn present(&self) -> RawEngineConfig {
        self.config.raw().within(self.most)
    }

    /// Whether the canary has its full weight, by the plan or a person: what has no baseline beside it then is judged
    /// without one at once.
    pub fn set_full_weight(&mut self, is_full: bool) {
        self.at_full_weight = is_full;
    }

    /// The canary warms up before `second`: caches fill, code is compiled, pools are built. Those seconds are judged with
    /// wider margins (failures twice the allowed share, and 5 % of the requests, latency twice the allowed), and are no
    /// evidence of health. Set it before the seconds concerned are closed.
    pub fn exclude_until(&mut self, second: u64) {
        self.exclude_until = second;
    }

    fn active_components(&self) -> impl Iterator<Item = &Component> + Clone {
        self.components.iter().filter(|component| component.is_active())
    }

    fn version_phi(&self) -> Phi {
        self.config.raw().phi_beside(&self.hosts.dispersion)
    }
}
