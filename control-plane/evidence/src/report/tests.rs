use serde_json::json;
use serin_analysis::risk::BySource;
use serin_analysis::streams::{Finding, Kind as Stream, SourceRisk, SourcesRisk};
use serin_analysis::{ByArm, Reason, Signal, Verdict};
use serin_rollout::outside::{
    HealthReading, HealthState, Outside, QueryReading, TriggerReading, TriggerState,
};
use serin_rollout::plan::TriggerAction;
use serin_rollout::{ComponentJudgement, Judgement, Severity, UnixMillis};

use super::*;
use crate::archive::{About, Archive};
use crate::bundle::{Bundle, Draft, Kind};
use crate::chain::{Entry, Head};
use crate::documents::*;
use crate::mask::Masker;
use crate::{Hash, canonical};

/// When it was decided, in seconds.
const DECIDED: u64 = 1_800_000_042;
const ONSET: u64 = DECIDED - 17;

fn slot(second: u64, arm: &str, finished: u64, failed: u64) -> Slot {
    Slot {
        second,
        component: "cart".to_owned(),
        arm: arm.to_owned(),
        started: finished,
        finished,
        failed,
        buckets_seen: 64,
        buckets_failed: 0,
    }
}

fn counts(from: u64, until: u64) -> Counts {
    let slots = (from / 5..until / 5).map(|slot| slot * 5).flat_map(|second| {
        let after = second > DECIDED;
        let failed = if second >= ONSET && !after { 21 } else { u64::from(second % 3 == 0) };
        let canary = if after { 0 } else { 100 };
        [
            slot(second, "baseline", 900 + u64::from(after) * 100, 4),
            slot(second, "canary", canary, failed.min(canary)),
        ]
    });
    Counts { slot_s: 5, slots: slots.filter(|slot| slot.finished > 0).collect() }
}

fn path() -> Path {
    let points = (DECIDED - 300..=DECIDED).map(|second| PathPoint {
        at: UnixMillis(second * 1_000),
        second: second - 2,
        weight_ppm: if second < DECIDED - 120 { 50_000 } else { 100_000 },
        baseline: Window { requests: 10_800, errors: 48, p99_us: Some(40_000) },
        canary: Window { requests: 1_200, errors: 9, p99_us: Some(42_000) },
        series: vec![SeriesValue {
            scope: "cart".to_owned(),
            signal: Signal::ErrorRate,
            log_evidence: if second < ONSET + 2 { -0.4 } else { (second - ONSET) as f64 * 0.7 },
            log_threshold: 9.2,
        }],
    });
    Path { points: points.collect() }
}

fn judgement() -> Judgement {
    let reason = Reason {
        signal: Signal::ErrorRate,
        verdict: Verdict::Regressed,
        log_evidence: 11.9,
        log_threshold: 9.2,
        baseline: 0.0044,
        canary: 0.21,
        baseline_requests: 3_600,
        canary_requests: 400,
        ..Reason::default()
    };
    let mut component =
        ComponentJudgement { name: "cart".to_owned(), requests: 4_000, ..ComponentJudgement::default() };
    component.assessment.verdict = Verdict::Regressed;
    component.assessment.reasons = vec![reason];
    Judgement { components: vec![component], data_age_s: Some(2), ..Judgement::default() }
}

fn outside() -> Outside {
    let since = UnixMillis((DECIDED - 30) * 1_000);
    let trigger = |name: &str, state, text: &str| TriggerReading {
        name: name.to_owned(),
        state,
        since,
        action: TriggerAction::Hold,
        severity: Severity::Warning,
        component: None,
        value: Some(11.0),
        limit: 10.0,
        text: text.to_owned(),
        overdue: false,
    };
    let check = |name: &str, state, text: &str| HealthReading {
        check: name.to_owned(),
        component: Some("cart".to_owned()),
        state,
        confidence: 0.7,
        since,
        action: TriggerAction::Hold,
        severity: Severity::Warning,
        age_s: Some(1),
        text: text.to_owned(),
        required: false,
        silent: false,
    };
    let query = |name: &str, value, error: Option<&str>| QueryReading {
        name: name.to_owned(),
        value,
        age_s: Some(4),
        error: error.map(str::to_owned),
        silent: false,
    };
    Outside {
        triggers: vec![
            trigger("queue", TriggerState::Fired, "queue is 11, limit 10"),
            trigger("memory", TriggerState::Quiet, "load is 0.5, limit 0.95"),
        ],
        queries: vec![
            query("queue", Some(11.0), None),
            query("load", None, Some("no answer within 10s: password=abcdef12 <script>")),
        ],
        health: vec![
            check("ping", HealthState::Unhealthy, "it answered 500"),
            check("database", HealthState::Healthy, "it answered in 3 ms"),
        ],
    }
}

fn decision() -> Decision {
    Decision {
        events: vec![json!({"kind": "rolled_back"})],
        baseline_version: "v1".to_owned(),
        canary_version: "v2".to_owned(),
        weight_before_ppm: 100_000,
        weight_after_ppm: 0,
        phase_before: "progressing".to_owned(),
        phase_after: "rolled_back".to_owned(),
        created_at: UnixMillis((DECIDED - 900) * 1_000),
        onset_second: Some(ONSET),
        buckets_seen: 7,
        buckets_failed: 6,
        evaluating_since: UnixMillis((DECIDED - 600) * 1_000),
        error_limit_ppm: 30_000,
    }
}

fn draft(kind: Kind, id: &str) -> Draft {
    Draft {
        kind,
        id: id.to_owned(),
        rollout: "shop-1a2b3c4d".to_owned(),
        service: "shop".to_owned(),
        at: UnixMillis(DECIDED * 1_000 + 250),
        actor: "serin".to_owned(),
        revisions: Some((4, 4)),
        decided: vec!["rolled_back".to_owned()],
        text: vec!["Rolled back the whole version: cart regressed".to_owned()],
        about: (kind == Kind::Addendum).then(|| "shop-1a2b3c4d.4".to_owned()),
        documents: Vec::new(),
    }
}

fn bundles() -> [Bundle; 3] {
    let masker = Masker::new(false).unwrap();
    let mut main = draft(Kind::Bundle, "shop-1a2b3c4d.4");
    main.add(name::DECISION, decision());
    main.add(name::COUNTS, counts(DECIDED - 600, DECIDED));
    main.add(name::PATH, path());
    main.add(name::STATISTICS, judgement());
    let filter_versions = [("0.1.0".to_owned(), 12)].into();
    main.add(
        name::ENVIRONMENT,
        Environment { serin_version: "0.1.0".to_owned(), filter_versions, ..Environment::default() },
    );
    let record = LogRecord {
        second: ONSET + 3,
        component: "cart".to_owned(),
        arm: "canary".to_owned(),
        severity: 17,
        text: "# <script> *tax* service refused: token=abcdef12 | retry\nnext".to_owned(),
        ..LogRecord::default()
    };
    main.add(name::LOGS, Logs { records: vec![record], not_kept: 4 });
    main.add(name::OUTSIDE, outside());
    let mut told = draft(Kind::Addendum, "shop-1a2b3c4d.4+acknowledgements");
    let told_of = Acknowledgements {
        generation: 9,
        after_ms: 812,
        vms: 12,
        vms_applied: 12,
        ..Acknowledgements::default()
    };
    told.add(name::ACKNOWLEDGEMENTS, told_of);
    let mut after = draft(Kind::Addendum, "shop-1a2b3c4d.4+aftermath");
    let counts = counts(DECIDED, DECIDED + 60);
    after.add(
        name::AFTERMATH,
        Aftermath { counts, decided_second: DECIDED, counted_from_second: None, until_second: DECIDED + 60 },
    );
    [main, told, after].map(|draft| draft.finish(&masker))
}

fn archive(bundles: impl IntoIterator<Item = Bundle>) -> Archive {
    let journal = json!([
        {"at": (DECIDED - 900) * 1_000, "kind": "created", "actor": "anna", "text": "Created; warming up", "revision": 1},
        {"at": (DECIDED - 600) * 1_000, "kind": "step_started", "actor": "serin", "text": "Step 1 began at 5 %", "revision": 2},
        {"at": DECIDED * 1_000 + 250, "kind": "rolled_back", "actor": "serin",
         "text": "Rolled back the whole version: cart regressed", "revision": 4},
    ]);
    let journal = journal.to_string();
    let mut archive = Archive { journal: journal.clone(), ..Archive::default() };
    let mut head = Head::default();
    for Bundle { manifest, documents } in bundles {
        let entry = Entry::after(head, canonical::text(&manifest).unwrap());
        head = entry.head();
        archive.links.push(entry.link());
        archive.entries.push(entry);
        archive.documents.extend(documents.into_iter().map(|one| (one.sha256, one.content)));
    }
    let rollout = "shop-1a2b3c4d".to_owned();
    archive.about =
        About { format: 1, rollout, head, journal: Hash::of(journal.as_bytes()), ..About::default() };
    archive
}

/// With `SERIN_PUBLISH` set, writes what is expected anew.
fn check(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name);
    if std::env::var_os("SERIN_PUBLISH").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}: look at the difference; SERIN_PUBLISH=1 writes it anew");
}

#[test]
fn the_report_of_a_bundle_is_always_the_same() {
    let archive = archive(bundles());
    assert!(archive.verify(None).chain.is_sound());
    let report = write(&archive, "postmortem").unwrap();
    assert_eq!(report, write(&Archive::read(&archive.to_bytes().unwrap()).unwrap(), "postmortem").unwrap());
    check("postmortem.md", &report.markdown);
    assert_eq!(report.charts.len(), 3);
    for (name, svg) in &report.charts {
        check(name, svg);
    }
    assert!(
        !report.markdown.contains("abcdef12") && !report.markdown.contains("<script>"),
        "{}",
        report.markdown
    );
}

#[test]
fn a_report_states_what_is_not_known_and_a_promotion_has_none() {
    let [main, ..] = bundles();
    let report = write(&archive([main.clone()]), "p").unwrap();
    assert!(
        report.markdown.contains("when all VMs applied the decision is not known"),
        "{}",
        report.markdown
    );
    assert!(report.markdown.contains("Nothing is known of who applied the decision"));
    let mut promoted = main;
    promoted.manifest.decided = vec!["promoted".to_owned()];
    let error = write(&archive([promoted]), "p").unwrap_err();
    assert!(error.to_string().contains("no decision that undid something"), "{error}");
}

#[test]
fn a_report_tells_what_was_seen_from_outside_where_something_was() {
    let report = write(&archive(bundles()), "p").unwrap().markdown;
    for line in [
        "- Trigger queue: fired since 2027-01-15 08:00:12 UTC: queue is 11, limit 10.",
        "- Health check ping of cart: unhealthy since 2027-01-15 08:00:12 UTC, by 70.0 % of the last answers: it answered 500.",
        "- Query queue: 11; its last value was 4.0 s old.",
        "- Query load: no value; its last value was 4.0 s old, and asked again it said: no answer within 10s: \
         password=\\[masked:secret\\] &lt;script&gt;.",
        "- Quiet: 1 of 2 triggers; healthy: 1 of 2 health checks.",
    ] {
        assert!(report.lines().any(|one| one == line), "{line} is not in\n{report}");
    }
    let mut without = draft(Kind::Bundle, "shop-1a2b3c4d.4");
    without.add(name::DECISION, decision());
    without.add(name::COUNTS, counts(DECIDED - 600, DECIDED));
    let report = write(&archive([without.finish(&Masker::new(false).unwrap())]), "p").unwrap().markdown;
    assert!(!report.contains("seen from outside"), "{report}");
}

/// A judgement by logs: requests are well.
fn told_by_logs() -> Judgement {
    let finding = Finding {
        kind: Stream::LogTemplate,
        component: String::new(),
        name: "no receipt for <*>".to_owned(),
        samples: vec!["no receipt for 17".to_owned()],
        first_second: ONSET,
        is_harmful: true,
        is_new: true,
        verdict: Verdict::Regressed,
        log_evidence: 9.0,
        log_threshold: 8.0,
        allowed: 0.0002,
        events: ByArm { baseline: 0, canary: 37 },
        exposures: ByArm { baseline: 2_400, canary: 1_000 },
        learned_confidence: Some(0.97),
        peculiarity: None,
    };
    let part = |weight, risk| SourceRisk { weight, risk, ..SourceRisk::default() };
    let by_source = BySource { metrics: part(0.4, 0.0), behaviour: part(0.3, 0.0), logs: part(0.3, 50.0) };
    let sources = SourcesRisk { by_source, risk: 15.0, log_evidence: 7.8 };
    Judgement { findings: vec![finding], sources: Some(sources), ..Judgement::default() }
}

#[test]
fn what_logs_told_stands_among_the_causes_with_its_share_and_its_samples() {
    let mut main = draft(Kind::Bundle, "shop-1a2b3c4d.4");
    main.add(name::DECISION, decision());
    main.add(name::COUNTS, counts(DECIDED - 600, DECIDED));
    main.add(name::STATISTICS, told_by_logs());
    let report = write(&archive([main.finish(&Masker::new(false).unwrap())]), "p").unwrap().markdown;
    for part in [
        "- Of a risk of 15 of 100, requests had 0 %, users 0 %, logs 100 %.",
        "only the canary logs",
        "3.70 % on the canary (37 of 1000)",
        "and of such findings 97 % proved right.",
        "  - no receipt for 17",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
}

#[test]
fn an_aftermath_of_which_a_part_was_not_counted_says_so() {
    let [main, told, _] = bundles();
    let mut after = draft(Kind::Addendum, "shop-1a2b3c4d.4+aftermath");
    let from = DECIDED + 18;
    let (counts, until_second) = (counts(from, from + 60), from + 60);
    after.add(
        name::AFTERMATH,
        Aftermath { counts, decided_second: DECIDED, counted_from_second: Some(from), until_second },
    );
    let after = after.finish(&Masker::new(false).unwrap());
    let report = write(&archive([main, told, after]), "p").unwrap().markdown;
    let said = "In the 1 min from 2027-01-15 08:01:00 UTC on, when the control plane was back, the canary got 0 requests";
    assert!(report.contains(said), "{report}");
}

#[test]
fn evidence_that_was_altered_is_told_in_the_report() {
    let mut archive = archive(bundles());
    archive.entries[1].body = archive.entries[1].body.replace("serin", "other");
    let report = write(&archive, "p").unwrap();
    assert!(report.markdown.contains("**Not sound:** entry 2 was altered"), "{}", report.markdown);
}
