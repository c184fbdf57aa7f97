//! What is written, and what the filters are told.

use super::*;

#[test]
fn a_decision_carries_what_was_seen_and_survives_json() {
    let plan = Plan::parse(PLAN).unwrap();
    let mut seen = judgement(Verdict::Regressed);
    seen.alarm = Some(Alarm::Version);
    seen.version.reasons.push(Reason {
        signal: Signal::ErrorRate,
        verdict: Verdict::Regressed,
        log_evidence: f64::INFINITY,
        log_threshold: 6.9,
        log_evidence_healthy: f64::NEG_INFINITY,
        log_threshold_healthy: 4.6,
        baseline: f64::NAN,
        canary: 0.3,
        baseline_requests: 900,
        canary_requests: 100,
        effect: Some(EffectSize { estimate: f64::NAN, low: f64::NEG_INFINITY, high: 1.0 }),
        ..Reason::default()
    });
    seen.version.risk = f64::INFINITY;
    let transition =
        step(&plan, &begin(&plan).state, &Input::Assessed(Box::new(seen)), UnixMillis(5)).unwrap();
    let event = &transition.events()[0];
    let reason = &event.fact.evidence().unwrap().version.reasons[0];
    assert_eq!((reason.log_evidence, reason.log_evidence_healthy), (f64::MAX, f64::MIN));
    assert_eq!((reason.baseline, reason.canary_requests), (0.0, 100));
    assert_eq!(reason.effect, Some(EffectSize { estimate: 0.0, low: f64::MIN, high: 1.0 }));
    assert_eq!(event.fact.evidence().unwrap().version.risk, f64::MAX);
    let json = serde_json::to_string(event).unwrap();
    assert_eq!(&serde_json::from_str::<Event>(&json).unwrap(), event);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["kind"], "rolled_back");
    assert_eq!(value["cause"]["why"], "version_regressed");
    assert_eq!(value["actor"], "serin");
}

#[test]
fn the_filters_are_told_what_the_state_says() {
    let plan = Plan::parse(&format!(
        "{PLAN}rules: [{{when: {{users: [anna]}}}}]\nidentity: {{user: [{{header: x-user}}]}}\n"
    ))
    .unwrap();
    let told = |script: &str| plan.service_assignment(&run(&plan, script).0);
    let pinned = |service: &serin_proto::assignment::raw::Service| {
        let pinned =
            service.components.iter().filter(|component| component.pinned.as_deref() == Some("baseline"));
        pinned.map(|component| component.name.clone()).collect::<Vec<_>>()
    };

    let warming = told("1 tick");
    assert_eq!(
        (warming.rollout.as_deref(), warming.salt.as_str()),
        (Some("r-1"), "00000000000000000000000000000007")
    );
    assert_eq!((warming.split[0].arm.as_str(), warming.split[0].weight_ppm), ("canary", 100_000));
    assert_eq!((warming.rules.len(), pinned(&warming).len()), (1, 0));

    let one_returned = told("1 alarm cart");
    assert_eq!((pinned(&one_returned), one_returned.split[0].weight_ppm), (vec!["cart".to_owned()], 100_000));

    let promoted = told("1 alarm cart\n2 promote");
    assert_eq!((pinned(&promoted), promoted.split[0].weight_ppm), (vec!["cart".to_owned()], 1_000_000));
    assert!(promoted.rules.is_empty());

    let rolled_back = told("1 alarm version");
    assert_eq!((rolled_back.rollout, rolled_back.split.len(), rolled_back.rules.len()), (None, 0, 0));
}

#[test]
fn a_journal_that_is_not_whole_is_refused() {
    let plan = Plan::parse(PLAN).unwrap();
    let (_, journal, _) = run(&plan, "10 tick\n11 pause");
    let refused = |change: fn(&mut Vec<Event>)| {
        let mut journal = journal.clone();
        change(&mut journal);
        replay(&journal).unwrap_err().to_string()
    };
    assert_eq!(refused(Vec::clear), "the journal of this rollout is empty");
    assert_eq!(refused(|events| drop(events.remove(0))), "the first event is step_started, not created");
    assert_eq!(
        refused(|events| drop(events.remove(1))),
        "expected event 2 of rollout r-1, found event 3 of rollout r-1"
    );
    assert_eq!(
        refused(|events| events[2].rollout = RolloutId("r-2".to_owned())),
        "expected event 3 of rollout r-1, found event 3 of rollout r-2"
    );
    assert_eq!(refused(|events| events[1].format = 2), "event 2 has format 2; this version reads up to 1");
}
