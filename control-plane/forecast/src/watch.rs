//! The watch over one gauge of one arm that has a limit: CPU, memory, file handles, saturation.
//!
//! Values are taken together in steps. A gauge that rises and falls by itself, as memory does under garbage
//! collection, is watched by its lowest value over a collection. The last half hour goes through the local linear trend
//! of the analysis in units of the gauge's own noise, so that one setting serves every unit. What follows is when
//! the limit will be crossed, also as the arm's exposure grows, and whether the gauge leaks.
//! Memory is bounded: [`Watch`] keeps 180 steps.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serin_analysis::forecast::{Forecast, Forecaster, MAX_STEPS_AHEAD, RunningMinimum};

use crate::model::usable;

mod course;
mod noise;

use course::Course;

/// Steps that are looked back on.
const WINDOW: usize = 180;
/// How far the time to the limit is looked for, in horizons.
const HORIZONS: u32 = 12;

/// What is watched.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchSettings {
    /// The value not to be exceeded, in the gauge's unit. NaN is never exceeded.
    pub limit: f64,
    /// Length of a step in seconds, at least 1.
    pub step_s: u64,
    /// Seconds within which a crossing counts.
    pub horizon_s: u64,
    /// Seconds that span a garbage collection, up to 720 steps; 0 for a gauge without.
    pub collection_s: u64,
    /// A crossing must be more probable than this.
    pub probability: f64,
    /// A leak's slope must exceed 0 by more than this many of its standard deviations.
    pub slope_deviations: f64,
    /// Steps in a row for which that must hold.
    pub steps_in_a_row: u32,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            limit: f64::NAN,
            step_s: 10,
            horizon_s: 300,
            collection_s: 0,
            probability: 0.5,
            slope_deviations: 3.5,
            steps_in_a_row: 3,
        }
    }
}

/// What becomes of the arm's exposure.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exposure {
    /// Exposure at the horizon by that at present, reached in equal parts: 2 where the weight will double.
    pub growth: f64,
    /// Part of the gauge that grows along, 0 to 1: 1 for what each request costs, 0 for what is there anyway.
    pub share: f64,
}

impl Default for Exposure {
    /// It stays as it is.
    fn default() -> Self {
        Self { growth: 1.0, share: 1.0 }
    }
}

impl Exposure {
    /// By how much the gauge has grown at a part, 0 to 1, of the way to the horizon.
    fn factor(self, part: f64) -> f64 {
        let growth = if self.growth.is_finite() { self.growth.clamp(0.0, 1e6) } else { 1.0 };
        let share = if self.share.is_nan() { 1.0 } else { self.share.clamp(0.0, 1.0) };
        (1.0 + share * (growth - 1.0) * part.clamp(0.0, 1.0)).max(1e-6)
    }
}

/// Seconds from the last closed step to the crossing. `None`: not within twelve horizons.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct TimeToLimit {
    /// Crossed by then with probability 0.05.
    pub earliest_s: Option<u64>,
    /// With probability 0.5.
    pub median_s: Option<u64>,
    /// With probability 0.95.
    pub latest_s: Option<u64>,
}

/// Why a crossing is foreseen.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The gauge rises by itself.
    Leak,
    /// What the gauge is now, at the exposure to come, is beyond the limit.
    Exposure,
}

/// Where the gauge is going.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Outlook {
    /// The gauge's level at present: its floor where there are collections.
    pub level: f64,
    /// Change of the level per second at the present exposure.
    pub slope_per_s: f64,
    /// Standard deviation of `slope_per_s`.
    pub slope_sd_per_s: f64,
    /// Probability that the level is beyond the limit at the horizon.
    pub probability: f64,
    /// When it will be.
    pub time: TimeToLimit,
    /// Why the watch fires; `None` where it does not.
    pub fires: Option<Cause>,
}

/// State of the watch.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Watch {
    settings: WatchSettings,
    open: Option<Open>,
    minimum: RunningMinimum,
    /// Steps that the running minimum has to see before it spans a collection.
    until_whole: u32,
    /// Closed steps, `None` for a missing one.
    floors: VecDeque<Option<f64>>,
    /// Whether a step was closed since the last look.
    fresh: bool,
    in_a_row: u32,
}

/// The step that values come into.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Open {
    step: u64,
    sum: f64,
    count: u32,
    least: f64,
}

impl Watch {
    /// A watch that has seen nothing yet.
    pub fn new(settings: WatchSettings) -> Self {
        let settings = WatchSettings { step_s: settings.step_s.max(1), ..settings };
        let collection = u32::try_from(settings.collection_s.div_ceil(settings.step_s))
            .unwrap_or(u32::MAX)
            .min(RunningMinimum::LONGEST);
        Self {
            settings,
            open: None,
            minimum: RunningMinimum::new(collection),
            until_whole: collection.saturating_sub(1),
            floors: VecDeque::new(),
            fresh: false,
            in_a_row: 0,
        }
    }

    /// What is watched.
    pub fn settings(&self) -> &WatchSettings {
        &self.settings
    }

    /// Takes in a value of a second. A second before the open step is late and left out, as is a value that is no
    /// number.
    pub fn observe(&mut self, second: u64, value: f64) {
        let step = second / self.settings.step_s;
        if self.open.is_some_and(|open| step < open.step) {
            return;
        }
        self.close_before(step);
        let open = self.open.get_or_insert(Open { step, sum: 0.0, count: 0, least: f64::MAX });
        if let Some(value) = usable(value) {
            open.sum += value;
            open.count = open.count.saturating_add(1);
            open.least = open.least.min(value);
        }
    }

    /// Closes the open step if it is before `step`, and leaves those in between missing.
    fn close_before(&mut self, step: u64) {
        let Some(open) = self.open.filter(|open| open.step < step) else { return };
        self.open = None;
        let has_collections = self.settings.collection_s > 0;
        let value = match open.count {
            0 => f64::NAN,
            _ if has_collections => open.least,
            count => open.sum / f64::from(count),
        };
        self.push(value);
        let missing = step - open.step - 1;
        for _ in 0..missing.min(WINDOW as u64 + u64::from(RunningMinimum::LONGEST)) {
            self.push(f64::NAN);
        }
    }

    fn push(&mut self, value: f64) {
        let floor = self.minimum.observe(value);
        self.fresh = true;
        if self.until_whole > 0 {
            self.until_whole -= 1;
            return;
        }
        if self.floors.len() == WINDOW {
            self.floors.pop_front();
        }
        self.floors.push_back(floor);
    }

    /// Looks ahead. To be asked once a step: the watch fires when a crossing is in sight for several looks in a row,
    /// of which those without a new step do not count. `None`: too little seen.
    pub fn look(&mut self, exposure: Exposure) -> Option<Outlook> {
        let course = Course::of(&self.floors)?;
        let (step_s, horizon) = (self.settings.step_s as f64, self.horizon());
        let at_horizon = course.threshold(self.settings.limit, exposure.factor(1.0));
        let probability = course.trend.forecast(horizon)?.probability_above(at_horizon);
        let cause = self.cause(&course, exposure, probability);
        if std::mem::take(&mut self.fresh) {
            self.in_a_row = if cause.is_some() { self.in_a_row.saturating_add(1) } else { 0 };
        }
        Some(Outlook {
            level: course.offset + course.unit * course.trend.level(),
            slope_per_s: course.unit * course.trend.slope() / step_s,
            slope_sd_per_s: course.unit * course.trend.slope_sd() / step_s,
            probability,
            time: self.time(&course, exposure),
            fires: cause.filter(|_| self.in_a_row >= self.settings.steps_in_a_row.max(1)),
        })
    }

    /// Steps of the horizon.
    fn horizon(&self) -> u32 {
        let steps = self.settings.horizon_s.div_ceil(self.settings.step_s).max(1);
        u32::try_from(steps).unwrap_or(MAX_STEPS_AHEAD).min(MAX_STEPS_AHEAD)
    }

    fn cause(&self, course: &Course, exposure: Exposure, probability: f64) -> Option<Cause> {
        let WatchSettings { limit, probability: least, slope_deviations, .. } = self.settings;
        if probability > least && course.certainty > slope_deviations {
            return Some(Cause::Leak);
        }
        let growth = exposure.factor(1.0);
        let now = Forecast { mean: course.trend.level(), sd: course.trend.forecast(1)?.sd };
        let grown = now.probability_above(course.threshold(limit, growth));
        (growth > 1.0 && grown > least).then_some(Cause::Exposure)
    }

    fn time(&self, course: &Course, exposure: Exposure) -> TimeToLimit {
        const EDGES: [f64; 3] = [0.05, 0.5, 0.95];
        let horizon = self.horizon();
        let mut found = [None; 3];
        for step in 1..=horizon.saturating_mul(HORIZONS).min(MAX_STEPS_AHEAD) {
            let factor = exposure.factor(f64::from(step) / f64::from(horizon));
            let Some(forecast) = course.trend.forecast(step) else { break };
            let probability = forecast.probability_above(course.threshold(self.settings.limit, factor));
            for (entry, _) in
                found.iter_mut().zip(EDGES).filter(|(entry, edge)| entry.is_none() && probability >= *edge)
            {
                *entry = Some(u64::from(step).saturating_mul(self.settings.step_s));
            }
            if found.iter().all(Option::is_some) {
                break;
            }
        }
        let [earliest_s, median_s, latest_s] = found;
        TimeToLimit { earliest_s, median_s, latest_s }
    }
}

#[cfg(test)]
mod tests;
