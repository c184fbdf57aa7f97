//! A rollout whose traffic and answers a test gives, second by second.

use serin_analysis::{Arm, Increment, LatencyHistogram, Outcomes, UserMasks};
use serin_rollout::outside::{About, CheckAnswer, HealthState, QueryAnswer, Told, TriggerState};
use serin_rollout::{Creation, Event, HoldReason, Phase, Plan, RolloutId, Salt, Trial, UnixMillis};

pub(crate) const BEGAN: u64 = 1_800_000_000;

/// Wide margins, so that the comparison of the versions, which is quicker, leaves the triggers their time.
pub(crate) const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components: [{name: cart, matches: [{path: {prefix: /cart}}]}]
steps: [{weight: 20%, bake: 60m}]
warm_up: 5s
margins: {error_ratio: 10, error_absolute: 10%, latency_ratio: 100%}
forecast: {error_absolute: 50%, latency_ratio: 100%}
limits: {error_rate: 100%, success_rate: 0%, latency_p99: 1h}
";

/// What one arm does in a second.
#[derive(Clone, Copy)]
pub(crate) struct Doing {
    pub(crate) requests: u64,
    pub(crate) failing: f64,
    pub(crate) refused: f64,
    pub(crate) latency_us: f64,
}

pub(crate) const USUAL: Doing = Doing { requests: 40, failing: 0.01, refused: 0.0, latency_us: 20_000.0 };

pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

pub(crate) struct World {
    pub(crate) trial: Trial,
    pub(crate) draws: Draws,
    pub(crate) events: Vec<Event>,
    pub(crate) second: u64,
}

impl World {
    pub(crate) fn new(yaml: &str, seed: u64) -> Self {
        let plan = Plan::parse(&format!("{PLAN}{yaml}")).unwrap_or_else(|errors| panic!("{yaml}: {errors}"));
        let creation = Creation {
            id: RolloutId("shop-1".to_owned()),
            salt: Salt(7),
            actor: "anna".to_owned(),
            paused: false,
        };
        let mut trial = Trial::begin(plan, creation, UnixMillis(BEGAN * 1_000)).unwrap();
        trial.evaluation().set_weight(BEGAN, Some(200_000));
        Self { trial, draws: Draws(seed), events: Vec::new(), second: BEGAN }
    }

    pub(crate) fn merge(&mut self, arm: Arm, doing: Doing) {
        let component = self.trial.evaluation().index("cart").unwrap();
        let mut outcomes = Outcomes::default();
        let mut latency = LatencyHistogram::new();
        for _ in 0..doing.requests {
            let draw = self.draws.next();
            if draw < doing.failing {
                outcomes.server_error += 1;
            } else if draw < doing.failing + doing.refused {
                outcomes.overload += 1;
            } else {
                outcomes.ok += 1;
            }
            let spread = -(1.0 - self.draws.next()).ln();
            latency.record((doing.latency_us * (0.3 + spread)) as u64);
        }
        self.trial.evaluation().merge(&Increment {
            component,
            start_second: self.second,
            arm,
            source: 1,
            started: doing.requests,
            outcomes,
            latency: Some(latency),
            users: UserMasks::default(),
        });
    }

    /// One second of traffic, 300 ms after which it is judged.
    pub(crate) fn second(&mut self, baseline: Option<Doing>, canary: Option<Doing>) {
        if let Some(doing) = baseline {
            self.merge(Arm::Baseline, doing);
        }
        if let Some(doing) = canary {
            self.merge(Arm::Canary, doing);
        }
        self.second += 1;
        let now = UnixMillis(self.second * 1_000 + 300);
        if baseline.is_some() || canary.is_some() {
            self.trial.evaluation().progress(1, self.second, now);
        }
        self.events.extend(self.trial.judge(now).unwrap());
    }

    pub(crate) fn tell(&mut self, about: About) {
        let told = Told { at: UnixMillis(self.second * 1_000), about };
        self.trial.evaluation().hear(&told);
    }

    pub(crate) fn query(&mut self, name: &str, answer: QueryAnswer) {
        self.tell(About::Query { name: name.to_owned(), answer });
    }

    pub(crate) fn check(&mut self, arm: Arm, answer: CheckAnswer) {
        self.tell(About::Check { name: "ping".to_owned(), arm, answer });
    }

    pub(crate) fn age(&self) -> u64 {
        self.second - BEGAN
    }

    pub(crate) fn is_rolled_back(&self) -> bool {
        self.trial.state().phase == Phase::RolledBack
    }

    pub(crate) fn state_of(&self, trigger: &str) -> TriggerState {
        let outside = &self.trial.judgement().outside;
        outside.triggers.iter().find(|one| one.name == trigger).unwrap().state
    }

    pub(crate) fn health(&self) -> HealthState {
        self.trial.judgement().outside.health[0].state
    }

    pub(crate) fn held(&self) -> Option<&HoldReason> {
        self.trial.state().hold.as_ref().map(|hold| &hold.reason)
    }
}
