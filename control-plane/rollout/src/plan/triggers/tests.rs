use super::*;
use crate::Plan;

const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components: [{name: cart, matches: [{path: {prefix: /cart}}]}]
queries:
  q: {webhook: true}
triggers:
";

fn triggers(yaml: &str) -> Vec<Trigger> {
    Plan::parse(&format!("{PLAN}{yaml}")).unwrap().triggers().to_vec()
}

#[test]
fn a_plan_that_names_no_trigger_has_none() {
    let plan = Plan::parse("service: shop\nbaseline: v1\ncanary: v2\n").unwrap();
    assert!(plan.triggers().is_empty());
}

#[test]
fn every_trigger_has_the_documented_defaults() {
    let all = triggers(
        "
  error_ratio: {}
  latency_ratio: {}
  success_rate: {}
  throughput_ratio: {}
  security_events: {query: q}
  data_integrity: {query: q}
  memory: {query: q}
  circuit_breaker: {}
",
    );
    let of_query = |bound| Condition::Query { query: "q".to_owned(), bound };
    let expected = [
        ("error_ratio", Condition::ErrorRatio { above: 1.5, floor: 0.001 }, 300),
        ("latency_ratio", Condition::LatencyRatio { quantile: 0.99, above: 2.0 }, 300),
        ("success_rate", Condition::SuccessRate { below: 0.95 }, 180),
        ("throughput_ratio", Condition::ThroughputRatio { below: 0.5 }, 600),
        ("security_events", of_query(Bound::Above(0.0)), 0),
        ("data_integrity", of_query(Bound::Above(0.0)), 0),
        ("memory", of_query(Bound::Above(0.95)), 300),
        ("circuit_breaker", Condition::Overload { above: 10 }, 300),
    ];
    assert_eq!(all.len(), expected.len());
    for (trigger, (name, condition, seconds)) in all.iter().zip(expected) {
        assert_eq!((trigger.name.as_str(), &trigger.condition), (name, &condition));
        assert_eq!(trigger.hold_for, Duration::from_secs(seconds), "{name}");
        assert_eq!((trigger.action, trigger.severity), (TriggerAction::Rollback, Severity::Critical));
        assert_eq!((trigger.min_requests, &trigger.component), (50, &None));
    }
}

#[test]
fn what_a_trigger_says_is_kept() {
    let all = triggers(
        "
  error_ratio: {above: 3, floor: 1%, for: 30s, min_requests: 200, component: cart, action: hold}
  circuit_breaker: {query: q, above: 4, for: 20s, action: notify}
  custom:
    - {name: depth, query: q, below: -2.5, for: 2m, severity: info}
",
    );
    let [error, breaker, depth] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(error.condition, Condition::ErrorRatio { above: 3.0, floor: 0.01 });
    assert_eq!((error.min_requests, error.component.as_deref()), (200, Some("cart")));
    assert_eq!((error.action, error.severity), (TriggerAction::Hold, Severity::Warning));
    let bound = Bound::Above(4.0);
    assert_eq!(breaker.condition, Condition::Query { query: "q".to_owned(), bound });
    assert_eq!((breaker.action, breaker.severity), (TriggerAction::Notify, Severity::Info));
    let bound = Bound::Below(-2.5);
    assert_eq!(depth.condition, Condition::Query { query: "q".to_owned(), bound });
    assert_eq!((depth.name.as_str(), depth.severity), ("depth", Severity::Info));
}

#[test]
fn a_trigger_on_a_query_may_look_ahead_and_no_other() {
    let all = triggers("  memory: {query: q, ahead: 10m, collection: 2m}\n  security_events: {query: q}\n");
    let ahead = Ahead { within: minutes(10), collection: minutes(2) };
    assert_eq!(all.iter().map(|trigger| trigger.ahead).collect::<Vec<_>>(), [None, Some(ahead)]);
    for (yaml, field) in [
        ("  success_rate: {ahead: 5m}\n", "triggers.success_rate.ahead"),
        ("  circuit_breaker: {ahead: 5m}\n", "triggers.circuit_breaker.ahead"),
        ("  memory: {query: q, collection: 1m}\n", "triggers.memory.collection"),
        ("  memory: {query: q, ahead: 10s}\n", "triggers.memory.ahead"),
        ("  memory: {query: q, ahead: 7h}\n", "triggers.memory.ahead"),
        ("  memory: {query: q, ahead: 1h, collection: 2h}\n", "triggers.memory.collection"),
    ] {
        let errors = Plan::parse(&format!("{PLAN}{yaml}")).unwrap_err().to_string();
        assert!(errors.contains(field), "{yaml}: {errors}");
    }
}
