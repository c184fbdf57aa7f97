//! Triggers, queries and health checks of one rollout: answers and counts in, readings out.
//!
//! Everything is a function of what was merged, what was told and the time that is passed in, so a replay reads the same. It is
//! stored with the evidence, and a restart goes on from there. Bounded: per trigger on counts at most 25
//! buckets of both arms, per query its newest value, per trigger that looks ahead 180 steps, per check and arm its last ten answers.

mod ahead;
mod asked;
mod counts;
mod health;
mod ring;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_analysis::{ComponentIndex, Increment};

use crate::outside::{About, Outside, Told, TriggerReading, TriggerState};
use crate::plan::{Condition, Plan, Trigger};
use crate::{DATA_AGE_MAX_S, UnixMillis};
use ahead::Course;
use asked::Asked;
use counts::Seen;
use health::Checked;
use ring::{Counted, Ring, Weights};

/// What is known beside the engine.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct OutsideEvidence {
    /// What triggers count, by name.
    rings: BTreeMap<String, Ring>,
    weights: Weights,
    /// Seconds before this one belong to the warm-up.
    warm_until: u64,
    at_full_weight: bool,
    /// By query.
    asked: BTreeMap<String, Asked>,
    /// By trigger on a query: since when its values are beyond the limit without a break.
    beyond_since: BTreeMap<String, UnixMillis>,
    /// By trigger that looks ahead.
    courses: BTreeMap<String, Course>,
    /// By check.
    checked: BTreeMap<String, Checked>,
    /// By trigger: where it stands, and since when.
    states: BTreeMap<String, (TriggerState, UnixMillis)>,
    began: UnixMillis,
    #[serde(skip)]
    plan: Planned,
}

/// What the plan asks for.
#[derive(Clone, Debug, Default)]
struct Planned {
    triggers: Vec<Trigger>,
    queries: Vec<crate::plan::Query>,
    health: crate::plan::Health,
    failures: serin_analysis::config::Failures,
    /// By trigger: the component that is counted. `None`: all.
    counted: BTreeMap<String, ComponentIndex>,
}

impl OutsideEvidence {
    /// Goes by a plan from now on; `index` says how increments name a component.
    pub(super) fn follow(
        &mut self,
        plan: &Plan,
        began: UnixMillis,
        index: impl Fn(&str) -> Option<ComponentIndex>,
    ) {
        if self.began == UnixMillis::default() {
            self.began = began;
        }
        let counted = plan
            .triggers()
            .iter()
            .filter_map(|trigger| Some((trigger.name.clone(), index(trigger.component.as_deref()?)?)));
        self.plan = Planned {
            counted: counted.collect(),
            triggers: plan.triggers().to_vec(),
            queries: plan.queries().to_vec(),
            health: plan.health().clone(),
            failures: *plan.failures(),
        };
        for trigger in self.plan.triggers.iter().filter(|one| one.condition.query().is_none()) {
            self.rings.entry(trigger.name.clone()).or_insert_with(|| Ring::new(trigger.hold_for));
        }
        let courses: BTreeMap<_, _> = self.plan.courses().collect();
        self.courses.retain(|name, course| courses.get(name).is_some_and(|planned| planned.is_like(course)));
        for (name, course) in courses {
            self.courses.entry(name).or_insert(course);
        }
    }

    /// What was counted before says nothing any more: something was undone, or a person begins the step anew.
    pub(super) fn begin_anew(&mut self, now: UnixMillis) {
        self.rings.values_mut().for_each(Ring::clear);
        self.courses = self.plan.courses().collect();
        self.began = now;
    }

    pub(super) fn set_weight(&mut self, second: u64, canary_ppm: Option<u32>) {
        self.weights.set(second, canary_ppm);
    }

    pub(super) fn set_full_weight(&mut self, is_full: bool) {
        self.at_full_weight = is_full;
    }

    pub(super) fn exclude_until(&mut self, second: u64) {
        self.warm_until = second;
    }

    /// Adds what a source measured of a component that is judged.
    pub(super) fn merge(&mut self, increment: &Increment) {
        let Self { rings, weights, warm_until, plan, .. } = self;
        if rings.is_empty() {
            return;
        }
        let second = increment.start_second;
        let counted = Counted::of(increment, &plan.failures, weights.at(second));
        for trigger in &plan.triggers {
            let Some(ring) = rings.get_mut(&trigger.name) else { continue };
            let is_of = plan.counted.get(&trigger.name).is_none_or(|index| *index == increment.component);
            let is_warm = second >= *warm_until || !trigger.condition.waits_for_warm_up();
            if is_of && is_warm {
                let times = matches!(trigger.condition, Condition::LatencyRatio { .. });
                ring.add(second, increment.arm, &counted, increment.latency.as_ref().filter(|_| times));
            }
        }
    }

    /// Takes over an answer. What the plan does not ask for is left out.
    pub(super) fn hear(&mut self, told: &Told) {
        match &told.about {
            About::Query { name, answer } => {
                let Some(query) = self.plan.queries.iter().find(|one| one.name == *name) else { return };
                let asked = self.asked.entry(name.clone()).or_default();
                let before = asked.fresh(query, told.at);
                asked.hear(told.at, answer);
                let Some(value) = asked.just_told(told.at) else { return };
                for trigger in &self.plan.triggers {
                    let Condition::Query { query, bound } = &trigger.condition else { continue };
                    if query != name {
                        continue;
                    }
                    if let Some(course) = self.courses.get_mut(&trigger.name) {
                        course.observe(*bound, told.at, value);
                    }
                    if !bound.holds(value) {
                        self.beyond_since.remove(&trigger.name);
                    } else if before.is_none() {
                        // A gap without a value breaks what held before.
                        self.beyond_since.insert(trigger.name.clone(), told.at);
                    } else {
                        self.beyond_since.entry(trigger.name.clone()).or_insert(told.at);
                    }
                }
            }
            About::Check { name, arm, answer } => {
                let health = &self.plan.health;
                if health.checks.iter().any(|check| check.name == *name) {
                    self.checked.entry(name.clone()).or_default().hear(health, *arm, told.at, answer);
                }
            }
        }
    }

    /// What is known at `now`.
    pub(super) fn read(&mut self, now: UnixMillis) -> Outside {
        let queries = self.plan.queries.iter();
        let queries = queries.map(|query| {
            let never = Asked::default();
            self.asked.get(&query.name).unwrap_or(&never).read(query, self.began, now)
        });
        let queries: Vec<_> = queries.collect();
        let health = &self.plan.health;
        let checks = health.checks.iter().map(|check| {
            let never = Checked::default();
            self.checked.get(&check.name).unwrap_or(&never).read(health, check, self.began, now)
        });
        let health = checks.collect();
        let triggers = self.plan.triggers.clone();
        let triggers = triggers.iter().map(|trigger| self.trigger(trigger, now)).collect();
        Outside { triggers, queries, health }
    }

    fn trigger(&mut self, trigger: &Trigger, now: UnixMillis) -> TriggerReading {
        let seen = self.seen(trigger, now);
        let since = match self.states.get(&trigger.name) {
            Some((state, since)) if *state == seen.state => *since,
            Some(_) => now,
            None if seen.state == TriggerState::Inconclusive => self.began,
            None => now,
        };
        self.states.insert(trigger.name.clone(), (seen.state, since));
        let patience = match trigger.condition.query() {
            Some(query) => self.plan.queries.iter().find(|one| one.name == query).map(|one| one.stale_after),
            None => Some(trigger.hold_for),
        };
        let patience = patience.unwrap_or_default().as_secs().max(DATA_AGE_MAX_S);
        let overdue = seen.state == TriggerState::Inconclusive && now.since(since).as_secs() >= patience;
        TriggerReading {
            name: trigger.name.clone(),
            state: seen.state,
            since,
            action: trigger.action,
            severity: trigger.severity,
            component: trigger.component.clone(),
            value: seen.value,
            limit: trigger.condition.limit(),
            text: seen.text,
            overdue,
        }
    }

    fn seen(&mut self, trigger: &Trigger, now: UnixMillis) -> Seen {
        let Condition::Query { query, bound } = &trigger.condition else {
            let full = self.at_full_weight;
            return match self.rings.get_mut(&trigger.name) {
                Some(ring) => ring.seen(now.second(), |window| counts::seen(trigger, window, full)),
                None => Seen::inconclusive("nothing was counted yet"),
            };
        };
        let planned = self.plan.queries.iter().find(|one| one.name == *query);
        let asked = planned.and_then(|planned| Some((planned, self.asked.get(query)?)));
        let Some((planned, asked)) = asked else { return Seen::inconclusive("its query has no value yet") };
        let Some((value, at)) = asked.fresh(planned, now) else {
            self.beyond_since.remove(&trigger.name);
            let why = asked.error().unwrap_or("no value comes");
            return Seen::inconclusive(&format!("its query has no fresh value: {why}"));
        };
        let sight = self.courses.get_mut(&trigger.name).and_then(Course::look);
        let mut text = counts::of_query(query, value, *bound);
        let state = match self.beyond_since.get(&trigger.name) {
            Some(since) if at.since(*since) >= trigger.hold_for => TriggerState::Fired,
            Some(_) => TriggerState::Pending,
            None => TriggerState::Quiet,
        };
        let state = match sight {
            Some(sight) if state != TriggerState::Fired => {
                text.push_str(&sight.text);
                if sight.fires { TriggerState::Fired } else { state }
            }
            Some(_) | None => state,
        };
        Seen { state, value: Some(value), text }
    }
}

impl Planned {
    /// What looks ahead, by trigger.
    fn courses(&self) -> impl Iterator<Item = (String, Course)> {
        self.triggers.iter().filter_map(|trigger| {
            let Condition::Query { query, bound } = &trigger.condition else { return None };
            let query = self.queries.iter().find(|one| one.name == *query)?;
            Some((trigger.name.clone(), Course::new(trigger.ahead?, *bound, query)))
        })
    }
}

impl Condition {
    /// The limit.
    pub(crate) const fn limit(&self) -> f64 {
        match self {
            Self::ErrorRatio { above, .. } | Self::LatencyRatio { above, .. } => *above,
            Self::SuccessRate { below } | Self::ThroughputRatio { below } => *below,
            Self::Overload { above } => *above as f64,
            Self::Query { bound, .. } => bound.limit(),
        }
    }

    /// Caches fill and code is compiled during the warm-up: latency and throughput say nothing then.
    const fn waits_for_warm_up(&self) -> bool {
        matches!(self, Self::LatencyRatio { .. } | Self::ThroughputRatio { .. })
    }
}
