//! What the release of three services showed, as JSON and as a table, and whether it is what is promised.

use serde::Serialize;

use super::super::report::LATE;

/// Longest time from the fault to the decision, in milliseconds.
const FAULT_TO_DECISION_MAX_MS: u64 = 5_000;
/// In this order the canaries get their first requests.
const FORTH: [&str; 3] = ["stock", "shop", "payments"];
/// In this order the services return: first the one that regressed, then the others, newest first.
const BACK: [&str; 3] = ["shop", "payments", "stock"];
/// The hooks of the plan, in the order in which they are due.
const HOOKS: [&str; 3] = ["warm", "freeze", "tidy"];
/// Charts of a post-mortem.
const CHARTS: usize = 3;

/// Everything that was observed in one run. Numbers that were not observed are absent, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Every claim was checked and held.
    pub(crate) ok: bool,
    /// Services in the order in which their canaries first answered, as clients saw it.
    pub(crate) began: Vec<String>,
    /// From the moment when the new schema was there to the first answer of the canary that needs it.
    pub(crate) schema_to_first_canary_answer_ms: Option<u64>,
    /// From the moment when the fault was switched on to the journal's time of the decision.
    pub(crate) fault_to_decision_ms: Option<u64>,
    /// Services in the order in which they were rolled back, by the journal.
    pub(crate) returned: Vec<String>,
    /// Services that a person rolled back. Must be empty.
    pub(crate) returned_by_hand: Vec<String>,
    /// From the decision to the journal's time of the last service's.
    pub(crate) decision_to_all_returned_ms: Option<u64>,
    /// From the decision to the last answer that any canary gave to a client.
    pub(crate) decision_to_last_canary_answer_ms: Option<u64>,
    /// Answers of canaries in the window after that. Must be 0.
    pub(crate) canary_answers_after: u64,
    /// The way down, which takes a column away, waited for a person.
    pub(crate) schema_waited_for_approval: bool,
    /// Answers of the shop's canary after its schema was gone. Must be 0.
    pub(crate) canary_answers_without_schema: u64,
    /// The database has the schema from before.
    pub(crate) schema_is_old: bool,
    /// Orders that customers were told are taken,
    pub(crate) orders_taken: u64,
    /// that are in the database, whole,
    pub(crate) orders_found: u64,
    /// and that the database did not take. Must be 0.
    pub(crate) orders_refused: u64,
    /// Hooks that called, in order.
    pub(crate) hooks: Vec<String>,
    /// From the decision to the signed webhook,
    pub(crate) decision_to_webhook_ms: Option<u64>,
    /// the incident of the on-call tool,
    pub(crate) decision_to_page_ms: Option<u64>,
    /// and the letter.
    pub(crate) decision_to_letter_ms: Option<u64>,
    /// From the decision to the journal's record that the baseline was seen to carry the load.
    pub(crate) decision_to_verified_ms: Option<u64>,
    /// Length of the post-mortem in bytes.
    pub(crate) postmortem_bytes: u64,
    /// Its charts.
    pub(crate) postmortem_charts: usize,
    /// What the post-mortem should say and does not. Must be empty.
    pub(crate) postmortem_lacks: Vec<String>,
    /// What the command line said of the evidence,
    pub(crate) evidence: String,
    /// and of the audit log.
    pub(crate) audit: String,
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

impl Report {
    /// What did not hold, in sentences. Empty: all that is promised was shown.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.claims().into_iter().filter(|(held, _)| !held).map(|(_, sentence)| sentence).collect()
    }

    fn claims(&self) -> Vec<(bool, String)> {
        let mut claims = vec![
            (self.began == FORTH, format!("the canaries began in the order {:?}", self.began)),
            (
                self.schema_to_first_canary_answer_ms.is_some(),
                "the canary answered before its schema was there".to_owned(),
            ),
            (
                self.fault_to_decision_ms.is_some_and(|ms| ms <= FAULT_TO_DECISION_MAX_MS),
                format!("{LATE} {:?} ms", self.fault_to_decision_ms),
            ),
            (self.returned == BACK, format!("the services returned in the order {:?}", self.returned)),
            (self.returned_by_hand.is_empty(), format!("{:?} were returned by hand", self.returned_by_hand)),
            (self.decision_to_last_canary_answer_ms.is_some(), "no canary answered at all".to_owned()),
            (self.canary_answers_after == 0, format!("{} later canary answers", self.canary_answers_after)),
            (self.decision_to_verified_ms.is_some(), "the rollback was not verified".to_owned()),
            (
                self.requests_failed_by_serin == 0,
                format!("{} requests failed by fault of Serin or Envoy", self.requests_failed_by_serin),
            ),
        ];
        claims.extend(self.claims_of_the_database());
        claims.extend(self.claims_of_what_was_told());
        claims
    }

    fn claims_of_the_database(&self) -> Vec<(bool, String)> {
        vec![
            (self.schema_waited_for_approval, "a column was to be dropped, and nobody was asked".to_owned()),
            (
                self.canary_answers_without_schema == 0,
                format!("{} canary answers without their schema", self.canary_answers_without_schema),
            ),
            (self.schema_is_old, "the schema is not the one from before".to_owned()),
            (
                self.orders_taken > 0 && self.orders_found == self.orders_taken,
                format!("{} of {} orders are there", self.orders_found, self.orders_taken),
            ),
            (self.orders_refused == 0, format!("{} orders were refused", self.orders_refused)),
        ]
    }

    fn claims_of_what_was_told(&self) -> Vec<(bool, String)> {
        let is_whole = self.postmortem_lacks.is_empty() && self.postmortem_charts == CHARTS;
        vec![
            (self.hooks == HOOKS, format!("the hooks called in the order {:?}", self.hooks)),
            (self.decision_to_webhook_ms.is_some(), "the webhook was not told".to_owned()),
            (self.decision_to_page_ms.is_some(), "nobody was paged".to_owned()),
            (self.decision_to_letter_ms.is_some(), "no letter came".to_owned()),
            (
                self.postmortem_bytes > 0 && is_whole,
                format!(
                    "the post-mortem has {} charts and lacks {:?}",
                    self.postmortem_charts, self.postmortem_lacks
                ),
            ),
            (!self.evidence.is_empty(), "the evidence was not verified".to_owned()),
            (!self.audit.is_empty(), "the audit log was not verified".to_owned()),
        ]
    }

    /// The closing table.
    pub(crate) fn table(&self) -> Vec<String> {
        let ms = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let rows = [
            ("went out in the order", self.began.join(", ")),
            ("new schema to first canary answer", ms(self.schema_to_first_canary_answer_ms)),
            ("fault in the shop to decision", ms(self.fault_to_decision_ms)),
            ("returned in the order", self.returned.join(", ")),
            ("decision to all three returned", ms(self.decision_to_all_returned_ms)),
            ("decision to last canary answer", ms(self.decision_to_last_canary_answer_ms)),
            ("decision to webhook", ms(self.decision_to_webhook_ms)),
            ("decision to page", ms(self.decision_to_page_ms)),
            ("decision to letter", ms(self.decision_to_letter_ms)),
            ("decision to baseline seen well", ms(self.decision_to_verified_ms)),
            ("schema", if self.schema_is_old { "as before" } else { "not as before" }.to_owned()),
            (
                "orders taken, found, refused",
                format!("{}, {}, {}", self.orders_taken, self.orders_found, self.orders_refused),
            ),
            ("hooks that called", self.hooks.join(", ")),
            ("post-mortem", format!("{} bytes, {} charts", self.postmortem_bytes, self.postmortem_charts)),
            ("evidence", self.evidence.clone()),
            ("audit log", self.audit.clone()),
            ("requests failed by Serin", format!("{} of {}", self.requests_failed_by_serin, self.requests)),
        ];
        rows.iter().map(|(name, value)| format!("  {name:<36}{value}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Report {
        let names = |names: [&str; 3]| names.map(str::to_owned).to_vec();
        Report {
            began: names(FORTH),
            schema_to_first_canary_answer_ms: Some(1),
            fault_to_decision_ms: Some(FAULT_TO_DECISION_MAX_MS),
            returned: names(BACK),
            decision_to_all_returned_ms: Some(1),
            decision_to_last_canary_answer_ms: Some(1),
            schema_waited_for_approval: true,
            schema_is_old: true,
            orders_taken: 1_000,
            orders_found: 1_000,
            hooks: names(HOOKS),
            decision_to_webhook_ms: Some(1),
            decision_to_page_ms: Some(1),
            decision_to_letter_ms: Some(1),
            decision_to_verified_ms: Some(1),
            postmortem_bytes: 1,
            postmortem_charts: CHARTS,
            evidence: "whole".to_owned(),
            audit: "whole".to_owned(),
            ..Report::default()
        }
    }

    #[test]
    fn each_broken_claim_is_told_alone() {
        assert_eq!(held().failures(), Vec::<String>::new());
        let breaks: [fn(&mut Report); 20] = [
            |one| one.began.swap(0, 1),
            |one| one.schema_to_first_canary_answer_ms = None,
            |one| one.fault_to_decision_ms = Some(FAULT_TO_DECISION_MAX_MS + 1),
            |one| one.returned.swap(1, 2),
            |one| one.returned_by_hand.push("stock".to_owned()),
            |one| one.decision_to_last_canary_answer_ms = None,
            |one| one.canary_answers_after = 1,
            |one| one.decision_to_verified_ms = None,
            |one| one.requests_failed_by_serin = 1,
            |one| one.schema_waited_for_approval = false,
            |one| one.canary_answers_without_schema = 1,
            |one| one.schema_is_old = false,
            |one| one.orders_found -= 1,
            |one| one.orders_refused = 1,
            |one| one.hooks.clear(),
            |one| one.decision_to_webhook_ms = None,
            |one| one.decision_to_page_ms = None,
            |one| one.decision_to_letter_ms = None,
            |one| one.postmortem_lacks.push("a chart".to_owned()),
            |one| one.evidence.clear(),
        ];
        for broken in breaks {
            let mut report = held();
            broken(&mut report);
            assert_eq!(report.failures().len(), 1, "{report:#?}");
        }
    }
}
