//! What harms mean for the business, by where, whom and when they strike: it ranks, and is part of no evidence.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_analysis::Cohort;
use serin_analysis::risk::ImpactRule;
use serin_proto::assignment::Weight;

use super::calendar::Calendar;
use super::check::Findings;
use super::error::PlanRule;
use super::quantity::Proportion;
use super::raw;
use crate::UnixMillis;

/// Rules at most.
const RULES: usize = 32;

/// One rule; at least one of `component`, `cohort` and `window`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanImpact")]
pub(super) struct RawImpact {
    /// A component of the plan. Absent: all of them, and the version as a whole.
    #[serde(default)]
    component: Option<String>,
    /// What is found in page views of these people alone: desktop, phone, or a country as two upper-case letters. Absent: whatever is
    /// found.
    #[serde(default)]
    cohort: Option<String>,
    /// A window of the calendar, while it is open. Absent: always.
    #[serde(default)]
    window: Option<String>,
    /// What a harm means then, 0% to 100% of what it would mean without this rule.
    share: Proportion,
}

/// A rule that was checked. What it names must all be so.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedImpact {
    /// A component of the plan. `None`: all of them, and the version as a whole.
    pub component: Option<String>,
    /// Whose page views something is found in. `None`: whatever is found.
    pub cohort: Option<Cohort>,
    /// A window of the calendar, while it is open. `None`: always.
    pub window: Option<String>,
    /// What a harm means then, as a part of what it would mean without the rule.
    pub share: Weight,
}

/// The rules of a plan. The first that fits counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impact(Vec<PlannedImpact>);

pub(super) fn check(
    raw: &raw::Plan,
    is_experiment: bool,
    calendar: &Calendar,
    findings: &mut Findings,
) -> Impact {
    if is_experiment && !raw.impact.is_empty() {
        findings.add("impact", PlanRule::NotInExperiment { because: "the risk of its arms is not told" });
    }
    if raw.impact.len() > RULES {
        findings.add("impact", PlanRule::TooLong { limit: RULES });
    }
    let rules = raw.impact.iter().take(RULES).enumerate();
    Impact(
        rules.map(|(index, one)| one.check(&format!("impact[{index}]"), raw, calendar, findings)).collect(),
    )
}

impl RawImpact {
    fn check(
        &self,
        field: &str,
        raw: &raw::Plan,
        calendar: &Calendar,
        findings: &mut Findings,
    ) -> PlannedImpact {
        let Self { component, cohort, window, share } = self;
        let short = |name: &String| name.chars().take(64).collect();
        if component.is_none() && cohort.is_none() && window.is_none() {
            findings.add(field, PlanRule::NoneOf { names: "`component`, `cohort` and `window`" });
        }
        if let Some(name) = component.as_ref().filter(|name| !raw.has_component(name)) {
            findings.add(&format!("{field}.component"), PlanRule::UnknownComponent { name: short(name) });
        }
        if let Some(name) =
            window.as_ref().filter(|name| calendar.windows().iter().all(|one| one.name() != *name))
        {
            findings.add(&format!("{field}.window"), PlanRule::UnknownWindow { name: short(name) });
        }
        let parsed = cohort.as_ref().and_then(|name| Cohort::parse(name).ok());
        if let Some(name) = cohort.as_ref().filter(|_| parsed.is_none()) {
            let expected = "desktop, phone, or a country as two upper-case letters";
            findings.add(&format!("{field}.cohort"), PlanRule::Form { found: short(name), expected });
        }
        let share = findings.weight(&format!("{field}.share"), Some(share), 0, (0, 1_000_000));
        PlannedImpact { component: component.clone(), cohort: parsed, window: window.clone(), share }
    }
}

impl Impact {
    /// The rules in their order.
    #[must_use]
    pub fn rules(&self) -> &[PlannedImpact] {
        &self.0
    }

    /// The rules that hold while the windows of `calendar` are as they are at `now`, in the order of the plan.
    #[must_use]
    pub fn at(&self, calendar: &Calendar, now: UnixMillis) -> Vec<ImpactRule> {
        let is_open = |name: &String| calendar.open(now).any(|window| window.name() == name);
        let open = self.0.iter().filter(|rule| rule.window.as_ref().is_none_or(is_open));
        let rule = |rule: &PlannedImpact| ImpactRule {
            component: rule.component.clone(),
            cohort: rule.cohort,
            share: f64::from(rule.share.ppm()) / 1e6,
        };
        open.map(rule).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Plan, UnixMillis};

    #[test]
    fn a_rule_with_a_window_holds_while_that_is_open() {
        let plan = "service: shop\nbaseline: v1\ncanary: v2\ncalendar: {windows: [{name: night, hours: '22:00-06:00', effect: none}]}\n\
            impact: [{window: night, cohort: NL, share: 10%}, {cohort: phone, share: 50%}]\n";
        let plan = Plan::parse(plan).unwrap();
        let shares = |hour: u64| -> Vec<f64> {
            let now = UnixMillis(hour * 3_600_000);
            plan.impact().at(plan.calendar(), now).iter().map(|rule| rule.share).collect()
        };
        assert_eq!(shares(23), [0.1, 0.5]);
        assert_eq!(shares(12), [0.5]);
    }
}
