//! What was at fault, as far as the evidence tells.

use std::fmt::Write as _;

use serin_analysis::streams::Finding;
use serin_analysis::{ScopeAssessment, Verdict};
use serin_rollout::Judgement;

use super::super::facts::Facts;
use super::super::words::{count, lasting, plain, weight};
use super::outside;

/// Log records that are shown.
const RECORDS_MAX: usize = 10;

pub(super) fn section(facts: &Facts) -> String {
    let mut text = "## Root cause\n\n### What\n\n".to_owned();
    for one in &facts.main.text {
        let _written = writeln!(text, "- {}", plain(one));
    }
    for other in &facts.others {
        let said = other.text.iter().map(|one| plain(one)).collect::<Vec<_>>().join(" ");
        let _written = writeln!(text, "- Also decided in this rollout: {said}");
    }
    statistics(facts, &mut text);
    outside::section(facts, &mut text);
    logs(facts, &mut text);
    text.push_str("\n### Why\n\n*to be written by people: what in the change made this happen?*\n");
    text.push_str("\n### Why it was not caught before users saw it\n\n");
    earlier(facts, &mut text);
    text.push_str("- *to be completed by people: which test or review could have found it?*\n");
    text
}

fn statistics(facts: &Facts, text: &mut String) {
    text.push_str("\n### What the statistics said\n\n");
    let Some(judgement) = &facts.judgement else {
        text.push_str("Nothing was judged before the decision.\n");
        return;
    };
    let version = [("the version", &judgement.version)].into_iter();
    let parts = judgement.components.iter().map(|part| (part.name.as_str(), &part.assessment));
    let arms = judgement.arms.iter().map(|arm| (arm.name.as_str(), &arm.judgement.version));
    let mut said = 0;
    for (scope, assessment) in version.chain(parts).chain(arms) {
        if assessment.verdict == Verdict::Regressed {
            said += 1;
            scope_in_words(scope, assessment, text);
        }
    }
    if said == 0 {
        text.push_str("No scope was shown to be worse than the baseline when the decision was made.\n");
        scope_in_words("the version", &judgement.version, text);
    }
    told(judgement, text);
}

/// What logs and users told, and what each source had of the risk. Nothing where requests were the only source.
fn told(judgement: &Judgement, text: &mut String) {
    let Some(sources) = &judgement.sources else { return };
    let shares = sources.shares();
    let _written = writeln!(
        text,
        "- Of a risk of {:.0} of 100, requests had {:.0} %, users {:.0} %, logs {:.0} %.",
        sources.risk,
        shares.metrics * 100.0,
        shares.behaviour * 100.0,
        shares.logs * 100.0
    );
    let is_told = |finding: &&Finding| finding.is_harmful || finding.peculiarity.is_some();
    for finding in judgement.findings.iter().filter(is_told).take(RECORDS_MAX) {
        let _written = writeln!(text, "- {}.", plain(&finding.sentence()));
        for sample in &finding.samples {
            let _written = writeln!(text, "  - {}", plain(sample));
        }
    }
}

fn scope_in_words(scope: &str, assessment: &ScopeAssessment, text: &mut String) {
    for reason in &assessment.reasons {
        let odds = |log: f64| log / std::f64::consts::LN_10;
        let _written = writeln!(
            text,
            "- {}: {}. Evidence 10^{:.1} to 1, threshold 10^{:.1} to 1.",
            plain(scope),
            plain(&reason.sentence()),
            odds(reason.log_evidence),
            odds(reason.log_threshold)
        );
    }
    for block in &assessment.blocks {
        let _written = writeln!(text, "- {}: {}.", plain(scope), plain(&block.sentence()));
    }
    for veto in &assessment.vetoes {
        let _written = writeln!(text, "- {}: held because {}.", plain(scope), plain(veto.sentence()));
    }
}

fn logs(facts: &Facts, text: &mut String) {
    if facts.logs.records.is_empty() {
        return;
    }
    text.push_str("\n### What the failures said\n\nA sample of log records, masked:\n\n");
    let newest = facts.logs.records.iter().rev().take(RECORDS_MAX);
    for record in newest {
        let [component, arm] =
            [&record.component, &record.arm].map(|part| if part.is_empty() { "?" } else { part.as_str() });
        let said: String = record.text.chars().take(300).collect();
        let _written = writeln!(text, "- {} on {}: {}", plain(component), plain(arm), plain(&said));
    }
}

fn earlier(facts: &Facts, text: &mut String) {
    let decision = &facts.decision;
    let canary = facts.impact.all.canary;
    if let Some(ms) = facts.detection_ms() {
        let _written = writeln!(
            text,
            "- The evidence needed {} and {} canary requests, of which {} failed, at a weight of {}.",
            lasting(ms),
            count(canary.finished),
            count(canary.failed),
            weight(decision.weight_before_ppm)
        );
    }
    let since = facts.main.at.0.saturating_sub(decision.created_at.0);
    let _written = writeln!(text, "- The rollout had run for {} when it was decided.", lasting(since));
}
