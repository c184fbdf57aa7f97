//! The document, by the template of the mission.

mod causes;
mod outside;
mod timeline;

use std::fmt::Write as _;

use super::facts::Facts;
use super::words::{at, count, lasting, list, percent, plain, utc, weight};

/// Targets of the mission: five minutes to find a regression, two to undo it.
const DETECTION_MS: u64 = 300_000;
const ROLLBACK_MS: u64 = 120_000;

/// The whole document.
pub(super) fn document(facts: &Facts, charts: &[&str]) -> String {
    let mut text = String::new();
    let decision = &facts.decision;
    let title = format!(
        "# Post-mortem: {} {}, {}\n",
        plain(&facts.main.service),
        plain(&decision.canary_version),
        at(facts.main.at)
    );
    text.push_str(&title);
    for part in [
        summary(facts),
        timeline::table(facts),
        causes::section(facts),
        impact(facts),
        pictures(charts),
        lessons(facts),
        evidence(facts),
    ] {
        text.push('\n');
        text.push_str(&part);
    }
    text
}

fn summary(facts: &Facts) -> String {
    let (decision, impact) = (&facts.decision, &facts.impact);
    let mut text = "## Summary\n\n| | |\n|---|---|\n".to_owned();
    let mut row = |name: &str, value: String| {
        let _written = writeln!(text, "| {name} | {value} |");
    };
    row("System", plain(&facts.main.service));
    row("Rollout", plain(&facts.main.rollout));
    let (from, to) = (plain(&decision.baseline_version), plain(&decision.canary_version));
    row("Change", format!("{from} to {to}, at {} of the requests", weight(decision.weight_before_ppm)));
    let began = decision.onset_second.map_or_else(|| "not known".to_owned(), utc);
    row("Began", began);
    row("Decided", format!("{}, by {}", at(facts.main.at), by(facts)));
    row("Duration for users", duration(facts));
    row("Decision", facts.main.text.iter().map(|one| plain(one)).collect::<Vec<_>>().join(" "));
    row("Impact on users", impact_in_short(facts));
    row("Failed beyond the baseline", format!("{} requests", count(impact.all.excess())));
    row("Cause", "*to be written by people*".to_owned());
    text
}

fn by(facts: &Facts) -> String {
    if facts.is_automatic() { "Serin, automatically".to_owned() } else { plain(&facts.main.actor) }
}

/// From the first bad second until the last VM applied the decision.
fn duration(facts: &Facts) -> String {
    let applied = facts.acknowledgements.as_ref().filter(|told| told.vms > 0 && told.vms_applied == told.vms);
    match (facts.detection_ms(), applied) {
        (Some(detection), Some(told)) => format!(
            "{}{}: {} until the decision, {} until all {} VMs applied it",
            if told.resumed_after_ms.is_some() { "at most " } else { "" },
            lasting(detection + told.after_ms),
            lasting(detection),
            lasting(told.after_ms),
            told.vms
        ),
        (Some(detection), None) => {
            format!("at least {}; when all VMs applied the decision is not known", lasting(detection))
        }
        (None, _) => "not known".to_owned(),
    }
}

fn impact_in_short(facts: &Facts) -> String {
    let (canary, decision) = (facts.impact.all.canary, &facts.decision);
    let users = if decision.buckets_failed > 0 {
        format!("about {} of all users", percent(f64::from(decision.buckets_failed) / 64.0))
    } else {
        format!("at most {} of all users", weight(decision.weight_before_ppm))
    };
    format!("{} of {} canary requests failed; {users}", count(canary.failed), count(canary.finished))
}

fn impact(facts: &Facts) -> String {
    let (impact, decision) = (&facts.impact, &facts.decision);
    let mut text = "## Impact\n\n".to_owned();
    let cut = if impact.is_cut { " (it began earlier than is known in detail)" } else { "" };
    let _written = writeln!(
        text,
        "From {}{cut} to the decision:\n\n| | requests | failed | rate |\n|---|---|---|---|",
        utc(impact.from_second)
    );
    for (name, tally) in [("canary", impact.all.canary), ("baseline", impact.all.baseline)] {
        let (all, failed) = (count(tally.finished), count(tally.failed));
        let _written = writeln!(text, "| {name} | {all} | {failed} | {} |", percent(tally.rate()));
    }
    let _written = writeln!(
        text,
        "\n**Requests:** {} failed beyond what the baseline's rate explains.\n",
        count(impact.all.excess())
    );
    match decision.buckets_failed {
        0 => text.push_str("**Users:** reports do not tell whose requests failed.\n"),
        failed => {
            let (seen, share) = (decision.buckets_seen, percent(f64::from(failed) / 64.0));
            let _written = writeln!(
                text,
                "**Users:** of 64 equal groups of users, the canary served {seen} and {failed} of them saw failures: at most \
                 {share} of all users."
            );
        }
    }
    budget(facts, &mut text);
    parts(facts, &mut text);
    after(facts, &mut text);
    text
}

/// What the plan's limit allows in this time, beside what happened.
fn budget(facts: &Facts, text: &mut String) {
    let limit = f64::from(facts.decision.error_limit_ppm) / 1e6;
    let (canary, baseline) = (facts.impact.all.canary, facts.impact.all.baseline);
    let all = canary.finished.saturating_add(baseline.finished);
    let (failed, allowed) = (canary.failed.saturating_add(baseline.failed), all as f64 * limit);
    if limit <= 0.0 || all == 0 {
        return;
    }
    let _written = writeln!(
        text,
        "\n**Error budget:** the plan's limit of {} allows {} failures in the {} requests of this time; {} happened, {} of \
         that.",
        percent(limit),
        count(allowed.round() as u64),
        count(all),
        count(failed),
        percent(failed as f64 / allowed.max(1.0))
    );
}

/// The components that failed most.
fn parts(facts: &Facts, text: &mut String) {
    let mut parts: Vec<_> =
        facts.impact.components.iter().filter(|(_, sides)| sides.canary.failed > 0).collect();
    if parts.is_empty() {
        return;
    }
    parts.sort_by(|(one, left), (other, right)| right.excess().cmp(&left.excess()).then(one.cmp(other)));
    text.push_str("\n| component | canary failed | canary rate | baseline rate | beyond the baseline |\n|---|---|---|---|---|\n");
    for (name, sides) in parts.iter().take(20) {
        let _written = writeln!(
            text,
            "| {} | {} of {} | {} | {} | {} |",
            plain(name),
            count(sides.canary.failed),
            count(sides.canary.finished),
            percent(sides.canary.rate()),
            percent(sides.baseline.rate()),
            count(sides.excess())
        );
    }
    if parts.len() > 20 {
        let _written = writeln!(text, "\n{} more components had failures.", parts.len() - 20);
    }
}

fn after(facts: &Facts, text: &mut String) {
    let Some(aftermath) = &facts.aftermath else { return };
    let sides = facts.impact.after;
    let when = match aftermath.counted_from_second {
        None => "after the decision".to_owned(),
        Some(second) => format!("from {} on, when the control plane was back,", utc(second)),
    };
    let from = aftermath.counted_from_second.unwrap_or(aftermath.decided_second);
    let _written = writeln!(
        text,
        "\nIn the {} {when} the canary got {} requests ({} failed), and the baseline {} ({} failed, {}).",
        lasting(aftermath.until_second.saturating_sub(from) * 1_000),
        count(sides.canary.finished),
        count(sides.canary.failed),
        count(sides.baseline.finished),
        count(sides.baseline.failed),
        percent(sides.baseline.rate())
    );
}

fn pictures(charts: &[&str]) -> String {
    let mut text = "## Charts\n".to_owned();
    for (name, says) in charts.iter().zip([
        "Error rate of both arms",
        "Evidence against its threshold",
        "Weight of the canary",
    ]) {
        let _written = writeln!(text, "\n![{says}]({name})");
    }
    text
}

fn lessons(facts: &Facts) -> String {
    let (well, wrong) = (went_well(facts), went_wrong(facts));
    let bullets = |all: Vec<String>| all.iter().map(|one| format!("- {one}\n")).collect::<String>();
    format!(
        "## What went well\n\n{}- *to be completed by people*\n\n## What went wrong\n\n{}- *to be completed by people*\n\n\
         ## Action items\n\n| action | owner | due | status |\n|---|---|---|---|\n| | | | |\n\n\
         ## Lessons\n\n*to be written by people*\n\n## Prevention\n\n*to be written by people: which test, limit or trigger \
         would have caught this before users did?*\n",
        bullets(well),
        bullets(wrong)
    )
}

fn went_well(facts: &Facts) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(ms) = facts.detection_ms().filter(|ms| facts.is_automatic() && *ms <= DETECTION_MS) {
        all.push(format!(
            "It was found {} after it began; the objective is {}.",
            lasting(ms),
            lasting(DETECTION_MS)
        ));
    }
    let in_time = facts
        .acknowledgements
        .as_ref()
        .filter(|told| told.vms > 0 && told.vms_applied == told.vms && told.after_ms <= ROLLBACK_MS);
    if let Some(told) = in_time {
        let (vms, took, objective) = (told.vms, lasting(told.after_ms), lasting(ROLLBACK_MS));
        all.push(format!("All {vms} VMs applied the decision within {took}; the objective is {objective}."));
    }
    if facts.main.complete && facts.verified.chain.is_sound() {
        all.push("The evidence is complete and was not altered.".to_owned());
    }
    let sides = facts.impact.after;
    let limit = f64::from(facts.decision.error_limit_ppm) / 1e6;
    if sides.baseline.finished > 0 && sides.baseline.rate() <= limit {
        all.push(format!(
            "The baseline carried the load after it, with {} failed.",
            percent(sides.baseline.rate())
        ));
    }
    all
}

fn went_wrong(facts: &Facts) -> Vec<String> {
    let mut all = Vec::new();
    let excess = facts.impact.all.excess();
    if excess > 0 {
        all.push(format!("{} requests failed that would not have failed on the baseline.", count(excess)));
    }
    match facts.detection_ms() {
        Some(ms) if ms > DETECTION_MS => {
            all.push(format!("It was found only {} after it began.", lasting(ms)))
        }
        _ if !facts.is_automatic() => {
            all.push("A person had to ask for it; Serin had not decided yet.".to_owned())
        }
        _ => {}
    }
    match &facts.acknowledgements {
        Some(told) if told.vms == 0 => {
            all.push("No VM lived that could tell that it applies the decision.".to_owned())
        }
        Some(told) if told.vms_applied < told.vms => {
            let (late, after) = (told.vms - told.vms_applied, lasting(told.after_ms));
            all.push(format!("{late} of {} VMs had not applied the decision after {after}.", told.vms));
        }
        Some(_) => {}
        None => all.push(
            "Nothing is known of who applied the decision: the control plane ended before that.".to_owned(),
        ),
    }
    if !facts.main.complete {
        let missing: Vec<String> = facts.main.missing.iter().map(|one| plain(&one.name)).collect();
        all.push(format!("The evidence is not complete: {} could not be written.", list(&missing)));
    }
    if !facts.verified.chain.is_sound() {
        all.push("The evidence was altered after it was written; see below.".to_owned());
    }
    all
}

fn evidence(facts: &Facts) -> String {
    let mut text = "## Evidence\n\n".to_owned();
    let _written = writeln!(
        text,
        "Bundle `{}`. The newest entry of the chain is number {} with SHA-256 `{}`. Control plane {}, filter {}.",
        facts.main.id.replace('`', "'"),
        facts.head.number,
        facts.head.hash,
        plain(&facts.environment.serin_version),
        list(&facts.environment.filter_versions.keys().map(|one| plain(one)).collect::<Vec<_>>())
    );
    for fault in &facts.verified.chain.faults {
        let _written = writeln!(text, "\n**Not sound:** {}.", plain(&fault.to_string()));
    }
    text
}
