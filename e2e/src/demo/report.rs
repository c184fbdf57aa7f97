//! What the demo observed, as JSON and as a table, and whether it is what it promises.

use serde::Serialize;

/// Longest time from a fault to the decision, in milliseconds.
const FAULT_TO_DECISION_MAX_MS: u64 = 5_000;

/// How the sentence begins that says that a decision took longer.
pub(super) const LATE: &str = "fault to decision took";

/// Everything that was observed in one run. Numbers that were not observed are absent, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The first act: a version without faults.
    pub good: Good,
    /// The second act: a version with one bad route.
    pub bad: Bad,
    /// Requests that failed, in the whole run, although the service had not answered so.
    pub requests_failed_by_serin: u64,
    /// Requests in the whole run.
    pub requests: u64,
    /// Requests that were due and not sent, because too many were under way.
    pub requests_not_sent: u64,
    /// Failures that the load saw with a version's name on them.
    pub failures_seen: u64,
    /// Failures that the service counted itself. Equal to `failures_seen`, or something lies.
    pub failures_served: u64,
    /// Rate of the load.
    pub requests_per_second: f64,
    /// Users that the requests come from.
    pub users: u64,
    /// Seed of the load. What the control plane draws (the key of the ring) is drawn anew in each run.
    pub seed: u64,
    /// Worker threads of Envoy.
    pub envoy_workers: u32,
    /// Version of Envoy, as it reports it.
    pub envoy_version: String,
    /// Commit that was built. Absent: not a git checkout.
    pub commit: Option<String>,
    /// Time from the first request to the last, in seconds.
    pub seconds: f64,
}

/// The first act.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Good {
    /// `promoted`, another terminal phase, or `undecided` when the deadline came first.
    pub outcome: String,
    /// From the creation of the rollout to its end, in seconds.
    pub seconds: Option<f64>,
    /// Requests that the version on trial answered.
    pub canary_requests: u64,
    /// Of these, the failures.
    pub canary_requests_failed: u64,
}

/// The second act.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bad {
    /// `rolled_back` (components), `version_rolled_back`, or `undecided` when the deadline came first.
    pub outcome: String,
    /// The component that was rolled back first.
    pub component: Option<String>,
    /// The component whose route was made to fail.
    pub component_at_fault: String,
    /// Part of that route's requests that failed from then on, 0 to 1.
    pub fault_share: f64,
    /// Weight of the canary when the fault began, in parts per million.
    pub weight_ppm: u32,
    /// Other components that were rolled back, or whose canary lost its traffic.
    pub other_components_affected: u64,
    /// Their names.
    pub others: Vec<String>,
    /// From the moment when the fault was switched on to the journal's time of the decision.
    pub fault_to_decision_ms: Option<u64>,
    /// From the first failing answer that reached a client to the same.
    pub first_failure_to_decision_ms: Option<u64>,
    /// From the decision to the moment when the filter on the last worker obeyed it, by Envoy's own counter.
    pub decision_to_all_workers_ms: Option<u64>,
    /// From the decision to the acknowledgement of Envoy, by the control plane's clock.
    pub decision_to_acknowledged_ms: Option<u64>,
    /// From the decision to the report in which the last VM said so, by the control plane's clock. VMs report once a
    /// second.
    pub decision_to_reported_ms: Option<u64>,
    /// From the decision to the last answer of the canary on that route, as the clients saw it. Below 0: it was before.
    pub decision_to_last_canary_answer_ms: Option<i64>,
    /// Answers of the canary on that route in the window after the decision. Must be 0.
    pub canary_answers_after: u64,
    /// Failing answers of the canary from the fault to the end of the window, by the service's own count.
    pub canary_requests_failed: u64,
    /// Lowest weight of the canary while the other routes were watched after the decision, in parts per million.
    pub weight_after_ppm: u32,
}

impl Report {
    /// What did not hold, in sentences. Empty: the demo showed what it promises.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let bad = &self.bad;
        let mut failures = Vec::new();
        let mut expect = |held: bool, sentence: String| {
            if !held {
                failures.push(sentence);
            }
        };
        expect(self.good.outcome == "promoted", format!("the good canary was {}", self.good.outcome));
        expect(bad.outcome == "rolled_back", format!("the bad canary's route was {}", bad.outcome));
        if let Some(component) = &bad.component {
            let sentence = format!("{component} was rolled back, {} was at fault", bad.component_at_fault);
            expect(*component == bad.component_at_fault, sentence);
            let late = format!("{LATE} {:?} ms", bad.fault_to_decision_ms);
            expect(bad.fault_to_decision_ms.is_some_and(|ms| ms <= FAULT_TO_DECISION_MAX_MS), late);
            let unknown = "not every worker was seen to apply the decision".to_owned();
            expect(bad.decision_to_all_workers_ms.is_some(), unknown);
            let still = format!("the canary still answered {} times on that route", bad.canary_answers_after);
            expect(bad.canary_answers_after == 0, still);
        }
        let others = format!("other components were affected: {}", bad.others.join(", "));
        expect(bad.other_components_affected == 0, others);
        let ours = format!("{} requests failed by fault of Serin or Envoy", self.requests_failed_by_serin);
        expect(self.requests_failed_by_serin == 0, ours);
        let (seen, served) = (self.failures_seen, self.failures_served);
        expect(seen == served, format!("clients saw {seen} failures, the service counted {served}"));
        failures
    }

    /// The closing table.
    #[must_use]
    pub fn table(&self) -> Vec<String> {
        let (good, bad) = (&self.good, &self.bad);
        let seconds =
            good.seconds.map_or_else(|| "not decided".to_owned(), |seconds| format!("{seconds:.0} s"));
        let component = bad.component.as_deref().unwrap_or("nothing");
        let rows = [
            ("good canary", format!("{} after {seconds}", good.outcome)),
            ("", format!("{} canary requests, {} failed", good.canary_requests, good.canary_requests_failed)),
            ("bad canary", format!("{}: {component}", bad.outcome.replace('_', " "))),
            ("fault to decision", milliseconds(bad.fault_to_decision_ms)),
            ("decision to every worker", milliseconds(bad.decision_to_all_workers_ms)),
            (
                "last canary answer on that route",
                match bad.decision_to_last_canary_answer_ms {
                    None => "none seen".to_owned(),
                    Some(ms) if ms < 0 => format!("{} ms before the decision", ms.unsigned_abs()),
                    Some(ms) => format!("{ms} ms after the decision"),
                },
            ),
            ("canary requests that failed", bad.canary_requests_failed.to_string()),
            ("other components affected", bad.other_components_affected.to_string()),
            ("canary weight of the other routes", percent(bad.weight_after_ppm)),
            ("requests failed by Serin", format!("{} of {}", self.requests_failed_by_serin, self.requests)),
        ];
        rows.iter().map(|(name, value)| format!("  {name:<36}{value}")).collect()
    }
}

fn milliseconds(value: Option<u64>) -> String {
    value.map_or_else(|| "not observed".to_owned(), |ms| format!("{ms} ms"))
}

/// A weight in percent, with as many decimals as it needs.
pub(super) fn percent(ppm: u32) -> String {
    format!("{} %", f64::from(ppm) / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Report {
        Report {
            good: Good { outcome: "promoted".to_owned(), seconds: Some(80.0), ..Good::default() },
            bad: Bad {
                outcome: "rolled_back".to_owned(),
                component: Some("checkout".to_owned()),
                component_at_fault: "checkout".to_owned(),
                fault_to_decision_ms: Some(5_000),
                decision_to_all_workers_ms: Some(100),
                ..Bad::default()
            },
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
        let broken: [(Change, &str); 8] = [
            (|report| report.good.outcome = "rolled_back".to_owned(), "the good canary"),
            (|report| report.bad.outcome = "version_rolled_back".to_owned(), "the bad canary"),
            (|report| report.bad.component = Some("cart".to_owned()), "cart was rolled back"),
            (|report| report.bad.fault_to_decision_ms = Some(5_001), "fault to decision"),
            (|report| report.bad.decision_to_all_workers_ms = None, "every worker"),
            (|report| report.bad.canary_answers_after = 1, "still answered 1 times"),
            (|report| report.bad.other_components_affected = 1, "other components"),
            (|report| report.requests_failed_by_serin = 1, "1 requests failed"),
        ];
        for (break_it, word) in broken {
            let mut report = kept();
            break_it(&mut report);
            let failures = report.failures();
            assert!(matches!(failures.as_slice(), [one] if one.contains(word)), "{word}: {failures:?}");
        }
        let counts = Report { failures_seen: 3, failures_served: 2, ..kept() };
        assert_eq!(counts.failures().len(), 1);
    }
}
