use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn full() -> Value {
    json!({
        "version": 1,
        "generation": 7,
        "report": {"cluster": "serin_control_plane", "interval_ms": 500, "host_sample": 1, "route_metadata": true, "token": "secret"},
        "services": [{
            "name": "shop",
            "behaviour": true,
            "hosts": ["shop.example", "*.shop.example"],
            "rollout": "r-1",
            "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": 50_000}],
            "identity": {
                "user": [{"header": "X-User-Id"}],
                "session": [{"cookie": "sid"}],
                "anonymous": {"issue_cookie": {"name": "sid", "max_age_s": 3600}}
            },
            "rules": [
                {"when": {"geo": {"header": "x-country", "values": ["nl", "BE"]}}, "arm": "canary", "share_ppm": 100},
                {"when": {"users": ["ann", "bob"]}, "arm": "baseline"},
                {"when": {"attribute": {"name": "x-plan", "prefix": "gold"}}, "arm": "canary"},
                {"when": {"cookie": {"name": "beta", "exact": "1"}}, "arm": "canary"},
                {"when": {"header": {"name": "x-beta", "present": true}}, "arm": "canary"}
            ],
            "components": [
                {"name": "home", "matches": [{"path": {"exact": "/"}}], "granularity": "coarse"},
                {"name": "orders", "matches": [{"methods": ["GET"], "path": {"template": "/orders/{id}"}}]},
                {"name": "checkout", "matches": [{"path": {"prefix": "/checkout/"},
                    "hosts": ["pay.shop.example"], "headers": [{"name": "X-A", "exact": "b"}]},
                    {"route_name": "checkout"}], "granularity": "fine", "pinned": "baseline"}
            ]
        }]
    })
}

fn refused(pointer: &str, value: Value, expected: &str) {
    let mut assignment = full();
    match assignment.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let map = assignment.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            map.insert(key.to_owned(), value);
        }
    }
    let error = parse(assignment.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains(expected), "{pointer}: {error:?} does not contain {expected:?}");
}

#[test]
fn a_full_assignment_parses_and_returns_to_the_same_json() {
    let assignment = parse(full().to_string().as_bytes()).unwrap();
    let service = &assignment.services[0];
    assert_eq!(service.arms, ["baseline", "canary"]);
    assert!(matches!(service.rules[0].when, Condition::Cookie(..)));
    assert!(matches!(service.rules[1].when, Condition::Header(..)));
    assert!(matches!(service.rules[4].when, Condition::Geo(..)));
    assert_eq!(parse(assignment.to_json().as_bytes()).unwrap(), assignment);
}

#[test]
fn an_empty_assignment_has_no_services() {
    let assignment = parse(br#"{"version":1,"generation":0}"#).unwrap();
    assert_eq!(assignment, Assignment::default());
}

#[test]
fn every_refusal_names_the_field_and_the_rule() {
    let long = "x".repeat(65);
    for (pointer, value, expected) in [
        ("/version", json!(2), "version: version 2 is not supported"),
        ("/generation", json!(-1), "generation: invalid value"),
        ("/extra", json!(1), "unknown field `extra`"),
        ("/report/interval_ms", json!(1), "report.interval_ms: must be between 100 and 60000"),
        ("/report/cluster", json!(""), "report.cluster: must not be empty"),
        ("/services/0/name", json!("a b"), "services[0].name: \"a b\" is not made of letters"),
        ("/services/0/name", json!(long), "services[0].name: exceeds the limit of 64"),
        ("/services/0/salt", json!("00"), "services[0].salt: \"00\" is not 32 hexadecimal digits"),
        ("/services/0/salt", json!("+00102030405060708090a0b0c0d0e0f"), "services[0].salt"),
        ("/services/0/hosts/1", json!("a:80"), "services[0].hosts[1]: \"a:80\" is not a host name"),
        (
            "/services/0/hosts/1",
            json!("SHOP.example"),
            "services[0].hosts[1]: \"SHOP.example\" is given twice",
        ),
        (
            "/services/0/split/0/weight_ppm",
            json!(1_000_001),
            "split[0].weight_ppm: must be between 0 and 1000000",
        ),
        ("/services/0/split/0/weight_ppm", json!(0.5), "split[0].weight_ppm: invalid type"),
        (
            "/services/0/split",
            json!([{"arm": "canary", "weight_ppm": 1}, {"arm": "canary", "weight_ppm": 1}]),
            "split[1].arm: \"canary\" is given twice",
        ),
        ("/services/0/rules/0/arm", json!("blue"), "rules[0].arm: \"blue\" is not an arm"),
        ("/services/0/rules/1/when/users", json!([]), "rules[1].when.users: must not be empty"),
        (
            "/services/0/rules/3/when",
            json!({"cookie": {"name": "b"}}),
            "exactly one of exact, prefix, present",
        ),
        ("/services/0/rules/3/when", json!({"moon": 1}), "unknown variant `moon`"),
        ("/services/0/identity/session", json!([]), "issued cookie \"sid\" must also be a session source"),
        (
            "/services/0/components/0/name",
            json!("unmatched"),
            "components[0].name: \"unmatched\" is reserved",
        ),
        ("/services/0/components/0/name", json!("orders"), "components[1].name: \"orders\" is given twice"),
        ("/services/0/components/0/matches", json!([]), "components[0].matches: must not be empty"),
        ("/services/0/components/0/matches/0", json!({}), "components[0].matches[0]: must not be empty"),
        ("/services/0/components/0/matches/0/path", json!({"exact": "x"}), "path.exact: \"x\" is not a path"),
        ("/services/0/components/1/matches/0/path", json!({"template": "/a/{"}), "path.template"),
        ("/services/0/components/1/matches/0/methods", json!(["get"]), "methods[0]: \"get\" is not a method"),
        ("/services/0/components/2/pinned", json!("blue"), "components[2].pinned: \"blue\" is not an arm"),
        (
            "/services/0/components/0/matches/0",
            json!({"methods": ["GET"], "path": {"template": "/orders/{number}"}}),
            "components[1].matches[0]: \"the match of component home\" is given twice",
        ),
    ] {
        refused(pointer, value, expected);
    }
}

#[test]
fn weights_that_exceed_the_whole_are_refused() {
    let split = json!([{"arm": "canary", "weight_ppm": 600_000}, {"arm": "b", "weight_ppm": 600_000}]);
    refused("/services/0/split", split, "services[0].split: the weights add up to 1200000 ppm");
}

#[test]
fn the_baseline_may_have_several_parts_of_the_ring() {
    let mut assignment = full();
    let share = |arm: &str, weight_ppm: u32| json!({"arm": arm, "weight_ppm": weight_ppm});
    let split = [share("baseline", 1), share("b", 2), share("baseline", 4), share("canary", 8)];
    assignment["services"][0]["split"] = json!(split);
    let parsed = parse(assignment.to_string().as_bytes()).unwrap();
    let service = &parsed.services[0];
    assert_eq!(service.arms, ["baseline", "b", "canary"]);
    let parts: Vec<_> = service.split.iter().map(|share| (share.arm.index(), share.weight.ppm())).collect();
    assert_eq!(parts, [(0, 1), (1, 2), (0, 4), (2, 8)]);
    assert_eq!(parse(parsed.to_json().as_bytes()).unwrap(), parsed);
}

#[test]
fn two_services_may_not_claim_every_host() {
    let mut assignment = full();
    let mut service = assignment["services"][0].clone();
    service["hosts"] = json!([]);
    let mut other = service.clone();
    other["name"] = json!("other");
    assignment["services"] = json!([service, other]);
    let error = parse(assignment.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.field, "services[1].hosts");
}

#[cfg(feature = "schema")]
#[test]
fn the_json_schema_refuses_unknown_fields() {
    assert_eq!(json_schema()["additionalProperties"], json!(false));
}

proptest! {
    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_damage_to_a_good_assignment_gives_a_value_or_an_error(
        position in 0_usize..1_000,
        byte in any::<u8>(),
    ) {
        let mut bytes = full().to_string().into_bytes();
        let position = position % bytes.len();
        bytes[position] = byte;
        if let Ok(assignment) = parse(&bytes) {
            prop_assert_eq!(parse(assignment.to_json().as_bytes()).unwrap(), assignment);
        }
    }
}
