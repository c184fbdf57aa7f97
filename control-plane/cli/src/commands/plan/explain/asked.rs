//! What a plan asks for beside what the evidence says: policies, times, stages, limits beside the baseline, its turn.

use std::time::Duration;

use serde::Serialize;
use serin_rollout::Plan;
use serin_rollout::plan::{Effect, Gradual, Stricter, Window};

use crate::output::{Sheet, duration, percent};

/// All of it. What the plan does not say is absent.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<Policy>,
    minimum_evaluation_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar: Option<Calendar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradual_rollback: Option<Stages>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput_ratio_ppm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput_min_rps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<Group>,
}

#[derive(Debug, Serialize)]
struct Policy {
    name: String,
    when: String,
    /// Absent: the expression says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<serin_policy::Decision>,
    reads: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Calendar {
    zone: String,
    windows: Vec<ShownWindow>,
}

#[derive(Debug, Serialize)]
struct ShownWindow {
    name: String,
    when: String,
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate_ppm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_rate_ppm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_p99_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin_error_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin_error_absolute_ppm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin_latency_ratio_ppm: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Stages {
    stages_ppm: Vec<u32>,
    stage_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity_rps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    growth_ppm: Option<u32>,
    instant_above_ppm: u32,
    deadline_ms: u64,
}

#[derive(Debug, Serialize)]
struct Group {
    group: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Asked {
    pub(super) fn of(plan: &Plan) -> Self {
        let policy = |policy: &serin_policy::Policy| Policy {
            name: policy.name().to_owned(),
            when: policy.expression().to_owned(),
            then: policy.then(),
            reads: policy.reads().collect(),
        };
        let windows = plan.calendar().windows();
        let beside = plan.beside();
        let times = |thousandths: u32| f64::from(thousandths) / 1_000.0;
        Self {
            policies: plan.policies().iter().map(policy).collect(),
            minimum_evaluation_ms: millis(plan.minimum_evaluation()),
            calendar: (!windows.is_empty()).then(|| Calendar {
                zone: plan.calendar().zone().to_owned(),
                windows: windows.iter().map(ShownWindow::of).collect(),
            }),
            gradual_rollback: plan.gradual_rollback().map(Stages::of),
            error_ratio: beside.error_ratio_thousandths.map(times),
            latency_ratio: beside.latency_ratio_thousandths.map(times),
            throughput_ratio_ppm: beside.throughput_ratio.map(serin_rollout::Weight::ppm),
            throughput_min_rps: beside.throughput_min_millirps.map(|millirps| millirps as f64 / 1_000.0),
            concurrency: plan.concurrency().map(|own| Group { group: own.group.clone(), max: own.max }),
        }
    }

    /// The limits that look at the baseline or at throughput.
    pub(super) fn limits(&self, sheet: &mut Sheet) {
        let lines = [
            self.error_ratio.map(|times| format!("error rate at most {times} times the baseline's")),
            self.latency_ratio.map(|times| format!("99th percentile at most {times} times the baseline's")),
            self.throughput_ratio_ppm
                .map(|ppm| format!("at least {} of the requests that its weight lets expect", percent(ppm))),
            self.throughput_min_rps.map(|rps| format!("at least {rps} requests a second")),
        ];
        lines.into_iter().flatten().for_each(|line| sheet.line(&format!("  {line}")));
    }

    pub(super) fn sheet(&self, sheet: &mut Sheet) {
        self.policies(sheet);
        if let Some(calendar) = &self.calendar {
            sheet.blank();
            sheet.line(&format!("Windows of time in {}; none of them delays a rollback", calendar.zone));
            for window in &calendar.windows {
                sheet.line(&format!("  {} ({}): {}", window.name, window.when, window.does()));
            }
        }
        if let Some(Group { group, max }) = &self.concurrency {
            let most = max.map_or("as many as the server allows".to_owned(), |max| max.to_string());
            sheet.blank();
            sheet.line(&format!("It takes its turn in group {group}, of which {most} may run at once"));
        }
    }

    fn policies(&self, sheet: &mut Sheet) {
        if self.policies.is_empty() {
            return;
        }
        sheet.blank();
        let least = duration(Duration::from_millis(self.minimum_evaluation_ms));
        sheet.line(
            "Policies; the strictest answer counts, and none overrides a regression, a hold or missing data",
        );
        sheet.line(&format!("  (\"promote\" ends a healthy step early, after {least} at the earliest)"));
        for Policy { name, when, then, reads } in &self.policies {
            let then = then.map(|then| format!(" then {then}")).unwrap_or_default();
            let reads = if reads.is_empty() { "nothing".to_owned() } else { reads.join(", ") };
            sheet.line(&format!("  {name}{then}, reads {reads}"));
            when.lines().for_each(|line| sheet.line(&format!("    {line}")));
        }
    }

    /// How the whole version returns.
    pub(super) fn stages(&self, sheet: &mut Sheet) {
        let Some(Stages { stages_ppm, stage_ms, capacity_rps, growth_ppm, instant_above_ppm, deadline_ms }) =
            &self.gradual_rollback
        else {
            return;
        };
        let stages: Vec<String> = stages_ppm.iter().map(|ppm| percent(*ppm)).collect();
        let every = duration(Duration::from_millis(*stage_ms));
        sheet.line(&format!(
            "  The whole version returns in stages, to {} of its weight, one every {every};",
            stages.join(", ")
        ));
        if let Some(rps) = capacity_rps {
            sheet.line(&format!("  the baseline gets no more than {rps} requests a second,"));
        }
        if let Some(ppm) = growth_ppm {
            sheet.line(&format!("  the baseline's load grows by {} with each at most,", percent(*ppm)));
        }
        let deadline = duration(Duration::from_millis(*deadline_ms));
        sheet.line(&format!(
            "  all of it at once above {} errors, when it gets worse, and after {deadline}",
            percent(*instant_above_ppm)
        ));
    }
}

impl ShownWindow {
    fn of(window: &Window) -> Self {
        let (effect, Stricter { success_rate, error_rate, latency_p99, margins }) = match window.effect() {
            Effect::None => ("none", Stricter::default()),
            Effect::Forbid => ("forbid", Stricter::default()),
            Effect::Hold => ("hold", Stricter::default()),
            Effect::Stricter(limits) => ("stricter", limits),
        };
        Self {
            name: window.name().to_owned(),
            when: window.text().to_owned(),
            effect,
            success_rate_ppm: success_rate.map(serin_rollout::Weight::ppm),
            error_rate_ppm: error_rate.map(serin_rollout::Weight::ppm),
            latency_p99_ms: latency_p99.map(millis),
            margin_error_ratio: margins.error_ratio,
            margin_error_absolute_ppm: margins.error_absolute.map(serin_rollout::Weight::ppm),
            margin_latency_ratio_ppm: margins.latency_ratio.map(serin_rollout::Weight::ppm),
        }
    }

    fn does(&self) -> String {
        match self.effect {
            "none" => "nothing by itself".to_owned(),
            "forbid" => "nothing begins or goes forward unless a person overrides it".to_owned(),
            "hold" => "nothing goes forward by itself".to_owned(),
            _ => {
                let limits = [
                    self.success_rate_ppm.map(|ppm| format!("success rate at least {}", percent(ppm))),
                    self.error_rate_ppm.map(|ppm| format!("error rate at most {}", percent(ppm))),
                    self.latency_p99_ms
                        .map(|ms| format!("99th percentile at most {}", duration(Duration::from_millis(ms)))),
                    self.margin_error_ratio.map(|ratio| format!("margin error_ratio at most {ratio}")),
                    self.margin_error_absolute_ppm
                        .map(|ppm| format!("margin error_absolute at most {}", percent(ppm))),
                    self.margin_latency_ratio_ppm
                        .map(|ppm| format!("margin latency_ratio at most {}", percent(ppm))),
                ];
                limits.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Stages {
    fn of(gradual: &Gradual) -> Self {
        Self {
            stages_ppm: gradual.stages.iter().map(|stage| stage.ppm()).collect(),
            stage_ms: millis(gradual.stage),
            capacity_rps: gradual.capacity_millirps.map(|millirps| millirps as f64 / 1_000.0),
            growth_ppm: gradual.growth.map(serin_rollout::Weight::ppm),
            instant_above_ppm: gradual.instant_above.ppm(),
            deadline_ms: millis(gradual.deadline),
        }
    }
}
