//! The minutes that control charts were drawn through, for people who look.
//!
//! A snapshot shows the newest minute of each chart; a chart is seen only with those before it. They are kept in memory, an hour
//! of each chart and [`MINUTES_MAX`] of one rollout: where there are more, the longest chart loses its oldest minute.

use std::collections::{BTreeMap, VecDeque};

use serin_analysis::ControlChart;
use serin_proto::assignment::UNMATCHED;
use serin_rollout::UnixMillis;

use super::tracked::Tracked;

/// Minutes of one chart.
const HOUR: usize = 60;
/// Minutes of one rollout.
const MINUTES_MAX: usize = 12_000;

/// Arm and signal.
type Series = (&'static str, &'static str);

/// One minute of a chart. Pictures need no more than this precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Minute {
    /// Second in which it ended.
    pub(crate) at: u64,
    pub(crate) value: f32,
    pub(crate) usual: f32,
    pub(crate) lower_limit: f32,
    pub(crate) upper_limit: f32,
    pub(crate) ewma: f32,
    pub(crate) is_out: bool,
}

/// All of a rollout.
#[derive(Debug, Default)]
pub(super) struct ChartMinutes {
    by_component: BTreeMap<String, BTreeMap<Series, VecDeque<Minute>>>,
    minutes: usize,
    /// Second in which charts were looked at last.
    looked: u64,
}

impl ChartMinutes {
    fn note(&mut self, component: &str, chart: &ControlChart) {
        if !self.by_component.contains_key(component) {
            self.by_component.insert(component.to_owned(), BTreeMap::new());
        }
        let Some(charts) = self.by_component.get_mut(component) else { return };
        let minutes = charts.entry((chart.arm.name(), chart.signal.name())).or_default();
        if minutes.back().is_some_and(|last| last.at >= chart.at) {
            return;
        }
        minutes.push_back(minute(chart));
        self.minutes += 1;
        if minutes.len() > HOUR {
            minutes.pop_front();
            self.minutes -= 1;
        }
        if self.minutes > MINUTES_MAX {
            let longest =
                self.by_component.values_mut().flat_map(BTreeMap::values_mut).max_by_key(|one| one.len());
            if longest.and_then(VecDeque::pop_front).is_some() {
                self.minutes -= 1;
            }
        }
    }

    /// Those of one component, oldest first.
    pub(super) fn of(&self, component: &str) -> Vec<(Series, Vec<Minute>)> {
        let charts = self.by_component.get(component).into_iter().flatten();
        charts.map(|(series, minutes)| (*series, minutes.iter().copied().collect())).collect()
    }
}

fn minute(chart: &ControlChart) -> Minute {
    Minute {
        at: chart.at,
        value: chart.value as f32,
        usual: chart.usual as f32,
        lower_limit: chart.lower_limit as f32,
        upper_limit: chart.upper_limit as f32,
        ewma: chart.ewma as f32,
        is_out: !chart.broken.is_empty(),
    }
}

impl Tracked {
    /// Keeps what the charts show, at most once a second.
    pub(super) fn keep_charts(&mut self, now: UnixMillis) {
        let Self { plan, evaluation: Some(evaluation), charts, .. } = self else { return };
        if charts.looked == now.second() {
            return;
        }
        charts.looked = now.second();
        for name in plan.components().map(|component| component.name).chain([UNMATCHED]) {
            evaluation.charts(name).for_each(|chart| charts.note(name, chart));
        }
    }
}

#[cfg(test)]
mod tests {
    use serin_analysis::{Arm, Signal};

    use super::*;

    fn chart(arm: Arm, at: u64) -> ControlChart {
        ControlChart {
            arm,
            signal: Signal::Latency,
            at,
            value: 2_000.0,
            usual: 1_000.0,
            lower_limit: 900.0,
            upper_limit: 1_100.0,
            ewma: 1_500.0,
            ewma_lower_limit: 950.0,
            ewma_upper_limit: 1_050.0,
            broken: Vec::new(),
            since: None,
        }
    }

    #[test]
    fn an_hour_of_each_chart_is_kept_and_each_minute_once() {
        let mut charts = ChartMinutes::default();
        for minute in 1..=100 {
            charts.note("cart", &chart(Arm::Canary, minute * 60));
            charts.note("cart", &chart(Arm::Canary, minute * 60));
            charts.note("cart", &chart(Arm::Baseline, minute * 60));
        }
        let of = charts.of("cart");
        assert_eq!(
            of.iter().map(|(series, _)| *series).collect::<Vec<_>>(),
            [("baseline", "latency"), ("canary", "latency")]
        );
        let (first, last) = (of[1].1[0], of[1].1[59]);
        assert_eq!((of[1].1.len(), first.at, last.at), (60, 41 * 60, 100 * 60));
        assert_eq!(charts.of("pay"), []);
    }

    #[test]
    fn of_many_charts_fewer_minutes_are_kept() {
        let mut charts = ChartMinutes::default();
        for minute in 1..=60 {
            for component in 0..400 {
                charts.note(&format!("c{component}"), &chart(Arm::Canary, minute * 60));
            }
        }
        let kept: usize = charts.by_component.values().flat_map(BTreeMap::values).map(VecDeque::len).sum();
        assert_eq!((kept, charts.minutes), (MINUTES_MAX, MINUTES_MAX));
        assert!(charts.of("c0")[0].1.len() >= 29);
    }
}
