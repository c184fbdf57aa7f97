//! What the three sources showed, as JSON and as a table, and whether it is what is promised.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::super::report::LATE;

/// Longest time from a fault to a decision about logs or users, in seconds.
const FAULT_TO_DECISION_MAX_S: f64 = 60.0;
/// Least time by which a leak must be undone before its limit is crossed, in seconds.
const LEAD_MIN_S: f64 = 5.0;
/// Least part of the risk that the source must have that found the fault.
const SHARE_MIN: f64 = 0.8;

/// Everything that was observed in one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Every claim was checked and held.
    pub(crate) ok: bool,
    /// A version that becomes slower: found by the forecast of its requests.
    pub(crate) leak: Caught,
    /// A version with a new exception in its log: found by logs.
    pub(crate) exception: Caught,
    /// A version on which fewer users convert: found by behaviour.
    pub(crate) conversion: Caught,
    /// Page views that browsers told of.
    pub(crate) views_told: u64,
    /// Lines of the log files.
    pub(crate) lines_written: u64,
    /// Requests that the service answered with a failure: none, whatever the version.
    pub(crate) requests_failed: u64,
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

/// What one source makes of the risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Share {
    /// Its part of all sources, 0 to 1.
    pub(crate) weight: f64,
    /// Its own risk, 0 to 100.
    pub(crate) risk: f64,
    /// Its part of the risk, 0 to 1.
    pub(crate) share: f64,
}

/// What was undone for one fault. What was not observed is absent, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Caught {
    /// The journal's sentence. Absent: nothing was undone.
    pub(crate) why: Option<String>,
    #[serde(skip)]
    pub(crate) decided_at: Option<SystemTime>,
    /// From the beginning of the fault to the decision.
    pub(crate) fault_to_decision_s: Option<f64>,
    /// Of the leak: from the decision to the moment at which the canary would have been as slow as the limit.
    pub(crate) lead_s: Option<f64>,
    /// By source.
    pub(crate) sources: BTreeMap<String, Share>,
    /// The strongest finding. Absent: requests alone told.
    pub(crate) finding: Option<String>,
    /// Its masked samples.
    pub(crate) samples: Vec<String>,
}

impl Report {
    /// What did not hold, in sentences. Empty: all that is promised was shown.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        self.leak.check("leak", "will exceed", "metrics", &mut failures);
        self.exception.check("exception", "the canary's logs tell of harm", "logs", &mut failures);
        self.conversion.check("conversion", "users of the canary fare worse", "behaviour", &mut failures);
        match self.leak.lead_s {
            Some(lead) if lead >= LEAD_MIN_S => {}
            lead => failures
                .push(format!("leak: undone {lead:?} s before its limit, at least {LEAD_MIN_S} promised")),
        }
        for (name, caught) in [("exception", &self.exception), ("conversion", &self.conversion)] {
            match caught.fault_to_decision_s {
                Some(seconds) if seconds > FAULT_TO_DECISION_MAX_S => {
                    failures
                        .push(format!("{name}: {LATE} {seconds:.1} s, {FAULT_TO_DECISION_MAX_S} promised"));
                }
                _ => {}
            }
        }
        if self.exception.samples.is_empty() {
            failures.push("exception: no sample is shown".to_owned());
        }
        if self.requests_failed > 0 {
            failures.push(format!("{} requests failed, so requests could have told", self.requests_failed));
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
        let rows = [("leak", &self.leak), ("exception", &self.exception), ("conversion", &self.conversion)];
        let mut lines =
            vec![format!("{:<12}{:>10}{:>10}  {:<46}{}", "", "decision", "lead", "share of the risk", "why")];
        for (name, caught) in rows {
            let seconds = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |of| format!("{of:.1} s"));
            let shares = caught.sources.iter().map(|(name, of)| format!("{name} {:.0} %", of.share * 100.0));
            lines.push(format!(
                "{name:<12}{:>10}{:>10}  {:<46}{}",
                seconds(caught.fault_to_decision_s),
                seconds(caught.lead_s),
                shares.collect::<Vec<_>>().join(", "),
                caught.why.as_deref().unwrap_or("nothing was undone"),
            ));
        }
        lines
    }
}

impl Caught {
    fn check(&self, name: &str, why: &str, source: &str, failures: &mut Vec<String>) {
        match &self.why {
            None => failures.push(format!("{name}: nothing was undone")),
            Some(told) if !told.contains(why) => failures.push(format!("{name}: undone because {told:?}")),
            Some(_) => {}
        }
        let share = self.sources.get(source).map(|of| of.share);
        if share.is_none_or(|share| share < SHARE_MIN) {
            failures.push(format!("{name}: {source} has {share:?} of the risk"));
        }
    }
}
