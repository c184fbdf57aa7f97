//! How the evidence grew.

use std::borrow::Cow;
use std::collections::VecDeque;

use serin_analysis::{Reason, Signal};
use serin_rollout::{Judgement, UnixMillis, Weight};

use super::{FINE_S, KEPT_S, Names, SERIES_MAX, ScopePoint};
use crate::documents::{Path, PathPoint, SeriesValue};

/// Evidence by scope and signal at one time.
#[derive(Clone, Debug)]
struct Point {
    at: UnixMillis,
    /// Newest second that is judged.
    second: u64,
    weight: Weight,
    baseline: (u64, u64, Option<u64>),
    canary: (u64, u64, Option<u64>),
    series: Vec<Value>,
}

#[derive(Clone, Copy, Debug)]
struct Value {
    scope: u16,
    signal: Signal,
    log_evidence: f64,
    log_threshold: f64,
}

impl Point {
    /// Whether something was undone by it: a value that crossed its threshold is not judged any more. Such a point stays, also
    /// when its second is judged again.
    fn is_settled_in(&self, later: &[Value]) -> bool {
        let is_of = |one: &Value, other: &Value| one.scope == other.scope && one.signal == other.signal;
        let mut crossed = self.series.iter().filter(|value| value.log_evidence >= value.log_threshold);
        crossed.any(|value| !later.iter().any(|other| is_of(value, other)))
    }
}

/// All points, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    points: VecDeque<Point>,
    scopes: Names,
}

impl Paths {
    pub(super) fn note(&mut self, judgement: &Judgement, weight: Weight, now: UnixMillis) {
        let second = now.second().saturating_sub(judgement.data_age_s.unwrap_or_default());
        let arm = |window: &serin_rollout::ArmWindow| (window.requests, window.errors, window.latency_p99_us);
        let (baseline, canary) = (arm(&judgement.baseline), arm(&judgement.canary));
        let series = self.series(judgement);
        if self
            .points
            .back()
            .is_some_and(|last| last.at.second() == now.second() && !last.is_settled_in(&series))
        {
            self.points.pop_back();
        }
        self.points.push_back(Point { at: now, second, weight, baseline, canary, series });
        self.thin(now.second());
    }

    /// The version's evidence, and the strongest of its parts.
    fn series(&mut self, judgement: &Judgement) -> Vec<Value> {
        let version = judgement.version.reasons.iter().map(|reason| (Cow::Borrowed(""), reason));
        let parts = judgement.components.iter();
        let parts = parts.flat_map(|part| {
            part.assessment.reasons.iter().map(|reason| (Cow::Borrowed(part.name.as_str()), reason))
        });
        let arms = judgement.arms.iter();
        let arms = arms.flat_map(|arm| {
            arm.judgement
                .version
                .reasons
                .iter()
                .map(|reason| (Cow::Owned(format!("arm {}", arm.name)), reason))
        });
        let mut all: Vec<(Cow<'_, str>, &Reason)> = version.chain(parts).chain(arms).collect();
        all.sort_by(|(one, left), (other, right)| {
            let strength = right.log_evidence.total_cmp(&left.log_evidence);
            one.is_empty().cmp(&other.is_empty()).reverse().then(strength)
        });
        all.truncate(SERIES_MAX);
        let values = all.into_iter().filter_map(|(scope, reason)| {
            Some(Value {
                scope: self.scopes.number(&scope)?,
                signal: reason.signal,
                log_evidence: reason.log_evidence,
                log_threshold: reason.log_threshold,
            })
        });
        values.collect()
    }

    /// Forgets what is old, and of what is not new four seconds of five.
    fn thin(&mut self, now: u64) {
        while self.points.front().is_some_and(|point| point.at.second() + KEPT_S < now) {
            self.points.pop_front();
        }
        self.points.retain(|point| {
            let second = point.at.second();
            // At the moment at which a point grows old; so each is looked at once with this outcome.
            second + FINE_S >= now || second.is_multiple_of(5)
        });
    }

    pub(super) fn onset(&self) -> Option<u64> {
        let last = self.points.back()?;
        let margin = |value: &Value| value.log_evidence - value.log_threshold;
        let strongest = last.series.iter().max_by(|one, other| margin(one).total_cmp(&margin(other)))?;
        if strongest.log_evidence <= 0.0 {
            return None;
        }
        let of = |point: &Point| {
            let is_it = |value: &&Value| value.scope == strongest.scope && value.signal == strongest.signal;
            point.series.iter().find(is_it).map_or(0.0, |value| value.log_evidence)
        };
        let quiet = self.points.iter().rev().find(|point| of(point) <= 0.0);
        let begun = quiet.or(self.points.front())?;
        Some((begun.second + u64::from(quiet.is_some())).min(last.second))
    }

    pub(super) fn of(&self, scope: &str) -> Vec<ScopePoint> {
        let Some(scope) = self.scopes.numbers.get(scope) else { return Vec::new() };
        let points = self.points.iter().flat_map(|point| {
            let values = point.series.iter().filter(|value| value.scope == *scope);
            values.map(|value| ScopePoint {
                second: point.second,
                signal: value.signal,
                log_evidence: rounded(value.log_evidence),
                log_threshold: rounded(value.log_threshold),
            })
        });
        points.collect()
    }

    pub(super) fn path(&self) -> Path {
        let points = self.points.iter().map(|point| PathPoint {
            at: point.at,
            second: point.second,
            weight_ppm: point.weight.ppm(),
            baseline: point.baseline.into(),
            canary: point.canary.into(),
            series: point.series.iter().map(|value| self.value(value)).collect(),
        });
        Path { points: points.collect() }
    }

    fn value(&self, value: &Value) -> SeriesValue {
        SeriesValue {
            scope: self.scopes.name(value.scope).to_owned(),
            signal: value.signal,
            log_evidence: rounded(value.log_evidence),
            log_threshold: rounded(value.log_threshold),
        }
    }
}

/// To a thousandth: evidence is no more exact than that, and a path has many numbers.
fn rounded(number: f64) -> f64 {
    let finite = if number.is_nan() { 0.0 } else { number.clamp(-1e9, 1e9) };
    (finite * 1_000.0).round() / 1_000.0
}
