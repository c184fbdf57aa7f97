use serin_rollout::{Dependents, Returned, RolloutId};

use super::*;

const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}], owner: payments@shop.example}
- {name: search, matches: [{path: {prefix: /search}}], owner: search@shop.example}
- {name: home, matches: [{path: {prefix: /}}]}
";

fn event(fact: Fact) -> Event {
    Event {
        format: serin_rollout::EVENT_FORMAT,
        rollout: RolloutId("shop-1".to_owned()),
        revision: 1,
        at: UnixMillis(1_000),
        actor: "serin".to_owned(),
        fact,
    }
}

fn created() -> Event {
    let plan = PLAN.to_owned();
    let salt = "00112233445566778899aabbccddeeff".to_owned();
    event(Fact::Created {
        plan,
        salt,
        paused: false,
        taken: Vec::new(),
        not_taken: Vec::new(),
        waits: false,
        train: None,
    })
}

fn told(fact: Fact) -> News {
    News::of(&event(fact), 7, &About::of(&created()).unwrap())
}

fn closes(fact: Fact) -> Option<Closes> {
    told(fact).closes
}

fn components_rolled_back(names: &[&str], cause: Cause) -> Fact {
    Fact::ComponentsRolledBack {
        components: names.iter().map(|name| (*name).to_owned()).collect(),
        dependents: Dependents::default(),
        disabled: Dependents::default(),
        recovering: Vec::new(),
        impact: None,
        cause,
        evidence: None,
    }
}

fn regressed(names: &[&str]) -> Cause {
    Cause::ComponentsRegressed { components: names.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn the_first_event_of_a_rollout_says_what_it_is_about() {
    let about = About::of(&created()).unwrap();
    assert_eq!(
        (about.service.as_str(), about.version.as_str(), about.baseline.as_str()),
        ("shop", "v2", "v1")
    );
    assert_eq!(about.owners.len(), 2);
    assert_eq!(About::of(&event(Fact::WatchEnded)), None);
}

#[test]
fn news_are_of_the_owners_of_what_they_name_and_else_of_all() {
    let owners = |fact| told(fact).owners.into_iter().collect::<Vec<_>>();
    let one = components_rolled_back(&["checkout"], regressed(&["checkout"]));
    assert_eq!(owners(one.clone()), ["payments@shop.example"]);
    assert_eq!(told(one).components, ["checkout"]);
    let both = ["payments@shop.example", "search@shop.example"];
    assert_eq!(owners(Fact::RolledBack { cause: Cause::VersionRegressed, evidence: None }), both);
    assert_eq!(owners(components_rolled_back(&["home"], regressed(&["home"]))), both);
    let held = HoldReason::Regressed { components: vec!["search".to_owned()] };
    assert_eq!(owners(Fact::Held { reason: held, evidence: None }), ["search@shop.example"]);
}

#[test]
fn missing_data_and_rollbacks_belong_together_across_rollouts_and_all_else_within_one() {
    let cause = |fact| told(fact).cause;
    let missing = || HoldReason::MissingData;
    assert_eq!(cause(Fact::Held { reason: missing(), evidence: None }), "missing_data");
    assert_eq!(cause(Fact::HoldLifted { reason: missing() }), "missing_data");
    assert_eq!(cause(components_rolled_back(&["checkout"], regressed(&["checkout"]))), "service/shop");
    assert_eq!(cause(Fact::WatchEnded), "rollout/shop-1");
    let follows = Cause::OtherService { returned: vec!["billing/pay".to_owned(), "billing/tax".to_owned()] };
    let news = told(components_rolled_back(&["checkout"], follows));
    assert_eq!(news.cause, "service/billing");
    assert_eq!(news.follows, ["billing".to_owned()].into());
}

#[test]
fn harm_ends_when_a_hold_lifts_or_the_rollout_ends_well() {
    assert_eq!(closes(Fact::HoldLifted { reason: HoldReason::MissingData }), Some(Closes::Holds));
    let promoted = Fact::Promoted { watched: false, cause: Cause::WithinLimits, evidence: None };
    assert_eq!(closes(promoted), Some(Closes::Everything));
    assert_eq!(closes(Fact::Superseded { by: RolloutId("shop-2".to_owned()) }), Some(Closes::Everything));
    let ended = |cause| closes(Fact::ExperimentEnded { cause, evidence: None });
    assert_eq!(ended(Cause::DurationOver { duration_s: 60 }), Some(Closes::Everything));
    assert_eq!(ended(Cause::AllArmsStopped), None);
    assert_eq!(closes(Fact::RolledBack { cause: Cause::VersionRegressed, evidence: None }), None);
}

#[test]
fn a_rollback_ends_when_it_is_verified_and_an_old_journal_says_too_little_to_end_it() {
    let stage = |stage: &str, outcome: &str, returned: &str| {
        let json = format!(
            r#"{{"format": 1, "rollout": "shop-1", "revision": 1, "at": 1000, "actor": "serin", "kind": "rollback_stage",
            "stage": "{stage}", "outcome": "{outcome}", "took_ms": 5, "detail": "x"{returned}}}"#
        );
        closes(serde_json::from_str::<Event>(&json).unwrap().fact)
    };
    let version = r#", "returned": {"what": "version"}"#;
    let names = std::collections::BTreeSet::from(["search".to_owned()]);
    let component = r#", "returned": {"what": "components", "names": ["search"]}"#;
    assert_eq!(stage("verify", "done", version), Some(Closes::Verified(Returned::Version)));
    assert_eq!(stage("verify", "done", component), Some(Closes::Verified(Returned::Components { names })));
    for (name, outcome, returned) in [
        ("verify", "done", ""),
        ("verify", "late", version),
        ("verify", "failed", version),
        ("verify", "unknown", version),
        ("drain", "done", version),
        ("hooks", "done", version),
    ] {
        assert_eq!(stage(name, outcome, returned), None, "{name} {outcome} {returned}");
    }
}

#[test]
fn a_rollout_whose_plan_is_not_known_is_told_of_without_its_service() {
    let news = News::of(
        &event(Fact::RolledBack { cause: Cause::VersionRegressed, evidence: None }),
        7,
        &About::default(),
    );
    assert_eq!((news.service.as_str(), news.cause.as_str()), ("", "rollout/shop-1"));
    assert_eq!(news.severity, Severity::Critical);
}

#[test]
fn a_text_has_a_bound() {
    let reason = "x".repeat(5_000);
    assert_eq!(told(Fact::Paused { reason }).text.chars().count(), TEXT_MAX);
}
