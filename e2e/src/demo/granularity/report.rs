//! What the three granularities showed, as JSON and as a table, and whether it is what is promised.

use serde::Serialize;

use super::super::report::LATE;

/// Longest time from a fault to the decision, in milliseconds.
const FAULT_TO_DECISION_MAX_MS: u64 = 5_000;
/// Longest time from a decision to the last worker, in milliseconds.
const DECISION_TO_ALL_WORKERS_MAX_MS: u64 = 250;

/// Everything that was observed in one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Every claim was checked and held.
    pub(crate) ok: bool,
    /// A bad block of code.
    pub(crate) fine: Undone,
    /// A bad route.
    pub(crate) medium: Undone,
    /// A bad version.
    pub(crate) coarse: Undone,
    /// Requests that failed, in the whole run, although the service had not answered so.
    pub(crate) requests_failed_by_serin: u64,
    /// Requests in the whole run.
    pub(crate) requests: u64,
    /// Version of Envoy, as it reports it.
    pub(crate) envoy_version: String,
    /// Commit that was built. Absent: not a git checkout.
    pub(crate) commit: Option<String>,
    /// Time from the first request to the last, in seconds.
    pub(crate) seconds: f64,
}

/// What a rollback undoes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// A block of code.
    #[default]
    Fine,
    /// A component.
    Medium,
    /// The version.
    Coarse,
}

/// What was undone for one fault. Numbers that were not observed are absent, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Undone {
    /// The level that the fault is at.
    #[serde(skip)]
    pub(crate) expected: Level,
    /// The level that was undone. Absent: nothing was.
    pub(crate) level: Option<Level>,
    /// The component concerned. Absent: the whole version.
    pub(crate) component: Option<String>,
    /// The block concerned. Absent: more than a block.
    pub(crate) block: Option<String>,
    /// From the moment when the fault was switched on to the journal's time of the decision.
    pub(crate) fault_to_decision_ms: Option<u64>,
    /// From the decision to the moment when the filter on the last worker obeyed it, by Envoy's own counter.
    pub(crate) decision_to_all_workers_ms: Option<u64>,
    /// Failing answers of the canary from the fault on, by the service's own count.
    pub(crate) canary_requests_failed: u64,
    /// Failing answers of the canary in the window that begins a second after the decision. Must be 0.
    pub(crate) canary_failures_after: u64,
    /// Requests on routes that the fault does not concern whose user got another version than before. Must be 0.
    pub(crate) untouched_requests_moved: u64,
    /// Whether the canary still served requests of the component in that window.
    pub(crate) canary_kept_the_component: bool,
    /// What else was undone in that window. Must be empty.
    pub(crate) others: Vec<String>,
}

impl Report {
    /// What did not hold, in sentences. Empty: all that is promised was shown.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = [&self.fine, &self.medium, &self.coarse]
            .into_iter()
            .flat_map(|undone| {
                undone.failures().into_iter().map(|what| format!("{:?}: {what}", undone.expected))
            })
            .collect();
        if self.fine.component.as_deref() != Some("checkout") || self.fine.block.as_deref() != Some("tax") {
            failures.push(format!("fine: {:?} of {:?} was undone", self.fine.block, self.fine.component));
        }
        if self.medium.component.as_deref() != Some("search") {
            failures.push(format!("medium: {:?} was undone", self.medium.component));
        }
        if self.requests_failed_by_serin > 0 {
            failures.push(format!(
                "{} requests failed by fault of Serin or Envoy",
                self.requests_failed_by_serin
            ));
        }
        failures
    }

    /// The closing table.
    pub(crate) fn table(&self) -> Vec<String> {
        let header = [
            "",
            "undone",
            "fault to decision",
            "to every worker",
            "failed before",
            "failed after",
            "others moved",
        ];
        let ms = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let row = |name: &str, undone: &Undone| {
            let what = match (&undone.block, &undone.component, undone.level) {
                (_, _, None) => "nothing".to_owned(),
                (Some(block), Some(component), _) => format!("block {block} of {component}"),
                (None, Some(component), _) => component.clone(),
                (_, None, Some(_)) => "the version".to_owned(),
            };
            [
                name.to_owned(),
                what,
                ms(undone.fault_to_decision_ms),
                ms(undone.decision_to_all_workers_ms),
                undone.canary_requests_failed.to_string(),
                undone.canary_failures_after.to_string(),
                undone.untouched_requests_moved.to_string(),
            ]
        };
        let rows = [
            header.map(str::to_owned),
            row("bad block", &self.fine),
            row("bad route", &self.medium),
            row("bad version", &self.coarse),
        ];
        let line = |[name, what, decision, workers, before, after, moved]: &[String; 7]| {
            format!("  {name:<12}{what:<24}{decision:<19}{workers:<17}{before:<15}{after:<14}{moved}")
        };
        let failed =
            format!("  requests failed by Serin: {} of {}", self.requests_failed_by_serin, self.requests);
        rows.iter().map(line).chain([failed]).collect()
    }
}

impl Undone {
    fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut expect = |held: bool, sentence: String| {
            if !held {
                failures.push(sentence);
            }
        };
        expect(self.level == Some(self.expected), format!("{:?} was undone", self.level));
        let decision = format!("{LATE} {:?} ms", self.fault_to_decision_ms);
        expect(self.fault_to_decision_ms.is_some_and(|ms| ms <= FAULT_TO_DECISION_MAX_MS), decision);
        let workers = format!("decision to all workers took {:?} ms", self.decision_to_all_workers_ms);
        let is_soon = |ms| ms <= DECISION_TO_ALL_WORKERS_MAX_MS;
        expect(self.decision_to_all_workers_ms.is_some_and(is_soon), workers);
        let after = format!("the canary still failed {} times", self.canary_failures_after);
        expect(self.canary_failures_after == 0, after);
        let moved = format!("{} requests of untouched components moved", self.untouched_requests_moved);
        expect(self.untouched_requests_moved == 0, moved);
        let keeps = self.expected == Level::Fine;
        let kept = format!("the canary serves the component: {}", self.canary_kept_the_component);
        expect(self.canary_kept_the_component == keeps, kept);
        expect(self.others.is_empty(), format!("more was undone: {}", self.others.join("; ")));
        failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(expected: Level, component: Option<&str>, block: Option<&str>) -> Undone {
        Undone {
            expected,
            level: Some(expected),
            component: component.map(str::to_owned),
            block: block.map(str::to_owned),
            fault_to_decision_ms: Some(2_000),
            decision_to_all_workers_ms: Some(20),
            canary_kept_the_component: expected == Level::Fine,
            ..Undone::default()
        }
    }

    fn kept() -> Report {
        Report {
            fine: undone(Level::Fine, Some("checkout"), Some("tax")),
            medium: undone(Level::Medium, Some("search"), None),
            coarse: undone(Level::Coarse, None, None),
            ..Report::default()
        }
    }

    #[test]
    fn a_run_that_held_everything_has_no_failures() {
        assert_eq!(kept().failures(), Vec::<String>::new());
    }

    type Change = fn(&mut Report);

    #[test]
    fn each_broken_promise_is_named_alone() {
        let broken: [(Change, &str); 10] = [
            (|report| report.fine.level = Some(Level::Medium), "Fine: Some(Medium) was undone"),
            (|report| report.fine.block = Some("shipping".to_owned()), "shipping"),
            (|report| report.medium.component = Some("cart".to_owned()), "cart"),
            (|report| report.medium.fault_to_decision_ms = Some(5_001), "fault to decision"),
            (|report| report.coarse.decision_to_all_workers_ms = None, "all workers"),
            (|report| report.fine.canary_failures_after = 1, "still failed 1 times"),
            (|report| report.medium.untouched_requests_moved = 3, "3 requests of untouched"),
            (|report| report.medium.canary_kept_the_component = true, "serves the component"),
            (|report| report.fine.others = vec!["more".to_owned()], "more was undone"),
            (|report| report.requests_failed_by_serin = 1, "1 requests failed"),
        ];
        for (break_it, word) in broken {
            let mut report = kept();
            break_it(&mut report);
            let failures = report.failures();
            assert!(matches!(failures.as_slice(), [one] if one.contains(word)), "{word}: {failures:?}");
        }
    }
}
