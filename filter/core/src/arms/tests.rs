use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use serin_proto::assignment;

use super::{Decision, KeyOrigin, Why, decide};
use crate::request::fake::Fake;
use crate::router::Router;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A service with these fields and a component `/pinned` that is pinned to the baseline.
fn router(fields: Value) -> Router {
    let mut service = json!({
        "name": "shop",
        "salt": "000102030405060708090a0b0c0d0e0f",
        "components": [{"name": "pinned", "matches": [{"path": {"prefix": "/pinned"}}], "pinned": "baseline"}],
    });
    let more = fields.as_object().unwrap().clone();
    service.as_object_mut().unwrap().extend(more);
    let text = json!({"version": 1, "generation": 1, "services": [service]}).to_string();
    Router::new(&assignment::parse(text.as_bytes()).unwrap())
}

fn canary(weight_ppm: u32, fields: Value) -> Router {
    let mut all = json!({"split": [{"arm": "canary", "weight_ppm": weight_ppm}]});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    router(all)
}

fn decided<'r>(router: &'r Router, request: &Fake) -> Decision<'r> {
    decide(router, request, &mut || 0).unwrap()
}

fn is_canary(router: &Router, request: &Fake) -> bool {
    decided(router, request).arm.index() == 1
}

fn users() -> Value {
    json!({"identity": {"user": [{"header": "x-user"}, {"cookie": "uid"}], "session": [{"cookie": "sid"}]}})
}

fn user(id: impl std::fmt::Display) -> Fake {
    Fake::get("/").with("x-user", id.to_string())
}

#[test]
fn the_steps_are_tried_in_their_order() {
    let mut fields = users();
    fields["rules"] = json!([
        {"when": {"header": {"name": "X-Force", "exact": "canary"}}, "arm": "canary"},
        {"when": {"cookie": {"name": "beta", "present": true}}, "arm": "canary"},
        {"when": {"users": ["ann", "bob"]}, "arm": "canary"},
        {"when": {"attribute": {"name": "x-plan", "prefix": "ent"}}, "arm": "baseline"},
        {"when": {"geo": {"header": "x-geo", "values": ["NL", "be"]}}, "arm": "canary"},
    ]);
    let router = canary(0, fields);
    for (request, arm, why) in [
        (Fake::get("/pinned/a").with("x-force", "canary"), 0, Why::Pinned),
        (user("ann").with("x-force", "canary").with("x-plan", "ent"), 1, Why::Rule { rule: 0, place: None }),
        (user("ann").with("cookie", "a=1; beta=x"), 1, Why::Rule { rule: 1, place: None }),
        (user("ann").with("x-plan", "ent"), 1, Why::Rule { rule: 2, place: None }),
        (Fake::get("/").with("cookie", "uid=bob"), 1, Why::Rule { rule: 2, place: None }),
        (user("eve").with("x-plan", "enterprise").with("x-geo", "NL"), 0, Why::Rule { rule: 3, place: None }),
        (user("eve").with("x-geo", "nl"), 1, Why::Rule { rule: 4, place: None }),
        (user("eve").with("x-geo", "Be"), 1, Why::Rule { rule: 4, place: None }),
        (user("eve").with("x-geo", "D"), 0, Why::NoWeight),
        (Fake::get("/").with("cookie", "beta="), 0, Why::NoWeight),
    ] {
        let decision = decided(&router, &request);
        assert_eq!((decision.arm.index(), decision.why), (arm, why), "{request:?}");
    }
}

#[test]
fn a_service_without_rules_and_weights_reads_no_identity() {
    for router in [router(users()), canary(0, users())] {
        let request = user("ann");
        assert_eq!(decided(&router, &request).why, Why::NoWeight);
        assert_eq!(request.reads(), [":path"]);
    }
}

#[test]
fn the_first_source_that_is_not_empty_is_the_key() {
    let router = canary(1_000_000, users());
    for (request, expected) in [
        (user("a").with("cookie", "uid=b; sid=c"), KeyOrigin::User(0)),
        (user("").with("cookie", "uid=b; sid=c"), KeyOrigin::User(1)),
        (user("").with("cookie", "uid=; sid=c"), KeyOrigin::Session(0)),
        (user("").with("cookie", "uid=; sid="), KeyOrigin::Drawn),
    ] {
        let Why::Ring(place) = decided(&router, &request).why else { panic!("not on the ring") };
        assert_eq!(place.key, expected, "{request:?}");
    }
}

#[test]
fn positions_and_buckets_are_those_of_an_independent_siphash() {
    // By a reference implementation of SipHash-1-3 in Python, with the key and message of the module's document.
    for (id, expected, bucket) in [("ann", ANN_PPM, 42), ("bob", BOB_PPM, 44), ("user-12345", LONG_PPM, 1)] {
        let router = canary(1_000_000, users());
        let Why::Ring(place) = decided(&router, &user(id)).why else { panic!("not on the ring") };
        assert_eq!(place.position.ppm(), expected, "{id}");
        assert_eq!(place.bucket.unwrap().mask(), 1 << bucket, "{id}");
    }
}

#[test]
fn the_users_of_a_small_canary_lie_in_all_buckets_alike() {
    let router = canary(50_000, users());
    let mut buckets = [0_u32; 64];
    for id in 0..64_000 {
        let decision = decided(&router, &user(id));
        if decision.arm.index() == 1 {
            buckets[decision.why.bucket().unwrap().mask().trailing_zeros() as usize] += 1;
        }
    }
    // 50 in each in the mean, with a deviation of 7.
    assert!(buckets.iter().all(|users| (20..=85).contains(users)), "{buckets:?}");
}

#[test]
fn nobody_is_told_who_did_not_say() {
    let router = canary(500_000, users());
    assert_eq!(decided(&router, &Fake::get("/")).why.bucket(), None);
    assert_eq!(decided(&router, &Fake::get("/pinned/a").with("x-user", "ann")).why.bucket(), None);
}

const ANN_PPM: u32 = 614_959;
const BOB_PPM: u32 = 891_601;
const LONG_PPM: u32 = 419_292;

#[test]
fn raising_a_weight_never_moves_a_user_back() {
    let weights = [0, 1, 50_000, 100_000, 250_000, 500_000, 999_999, 1_000_000];
    let routers = weights.map(|weight| canary(weight, users()));
    for id in 0..10_000 {
        let arms = routers.each_ref().map(|router| is_canary(router, &user(id)));
        assert!(arms.is_sorted(), "user {id}: {arms:?}");
        assert!(!arms[0] && arms[7]);
    }
}

#[test]
fn shares_are_within_five_standard_deviations() {
    for (weight, fields) in [(10_000, users()), (100_000, users()), (500_000, users())] {
        let router = canary(weight, fields);
        let hits = (0..20_000).filter(|id| is_canary(&router, &user(id))).count();
        let share = f64::from(weight) / 1e6;
        let deviation = (20_000.0 * share * (1.0 - share)).sqrt();
        assert!((hits as f64 - 20_000.0 * share).abs() < 5.0 * deviation, "{hits} at {weight} ppm");
    }
}

#[test]
fn rollouts_try_themselves_on_different_users() {
    let other = canary(500_000, {
        let mut fields = users();
        fields["salt"] = json!("0f0102030405060708090a0b0c0d0e0f");
        fields
    });
    let one = canary(500_000, users());
    let same = (0..4_000).filter(|id| is_canary(&one, &user(id)) == is_canary(&other, &user(id))).count();
    assert!((1_800..2_200).contains(&same), "{same} of 4,000");
}

#[test]
fn a_share_of_a_rule_is_independent_of_the_weights_and_of_other_rules() {
    let keep_out = |rules: Value| {
        let mut fields = users();
        fields["rules"] = rules;
        canary(100_000, fields)
    };
    let half = json!({"when": {"header": {"name": "x-h", "present": true}}, "arm": "baseline", "share_ppm": 500_000});
    let other = json!({"when": {"geo": {"header": "x-geo", "values": ["NL"]}}, "arm": "canary"});
    let alone = keep_out(json!([half]));
    let second = keep_out(json!([other, half]));
    let asked = |id: u32| user(id).with("x-h", "1");
    let hits = (0..20_000).filter(|id| is_canary(&alone, &asked(*id))).count();
    assert!((850..1_150).contains(&hits), "half of a tenth of 20,000, not {hits}");
    let rule = json!({"when": {"geo": {"header": "x-geo", "values": ["NL"]}}, "arm": "canary"});
    assert_eq!(rule, other);
    for id in 0..2_000 {
        assert_eq!(is_canary(&alone, &asked(id)), is_canary(&second, &asked(id)), "user {id}");
    }
}

#[test]
fn raising_a_share_never_moves_a_user_back() {
    let routers = [0, 1, 200_000, 500_000, 1_000_000].map(|share| {
        let mut fields = users();
        fields["rules"] =
            json!([{"when": {"header": {"name": "x-h", "present": true}}, "arm": "canary", "share_ppm": share}]);
        canary(0, fields)
    });
    for id in 0..2_000 {
        let arms = routers.each_ref().map(|router| is_canary(router, &user(id).with("x-h", "1")));
        assert!(arms.is_sorted(), "user {id}: {arms:?}");
    }
}

#[test]
fn anonymous_requests_are_drawn_kept_or_given_a_cookie() {
    let policy = |anonymous: Value| {
        let identity = json!({"identity": {"session": [{"cookie": "sid"}], "anonymous": anonymous}});
        canary(500_000, identity)
    };
    let request = Fake::get("/");
    for (draw, expected) in [(0, 1), (u64::MAX / 2 - 1, 1), (u64::MAX / 2 + 2, 0), (u64::MAX, 0)] {
        let router = policy(json!("random"));
        assert_eq!(decide(&router, &request, &mut || draw).unwrap().arm.index(), expected, "draw {draw}");
    }

    let kept = decided(&policy(json!("baseline")), &request).why;
    assert_eq!(kept, Why::Anonymous);

    let issuing = policy(json!({"issue_cookie": {"name": "sid", "max_age_s": 60}}));
    for id in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
        let first = decide(&issuing, &request, &mut || id).unwrap();
        let (cookie, issued) = first.issue.unwrap();
        assert_eq!((cookie.name.as_str(), issued), ("sid", id));
        let back = Fake::get("/").with("cookie", format!("sid={id:016x}"));
        let second = decide(&issuing, &back, &mut || panic!("the cookie was not read")).unwrap();
        assert_eq!((second.arm, second.issue), (first.arm, None));
    }
}

#[test]
fn arms_share_the_ring_in_their_order() {
    let split = json!([{"arm": "a", "weight_ppm": 300_000}, {"arm": "b", "weight_ppm": 200_000}]);
    let mut fields = users();
    fields["split"] = split;
    let router = router(fields);
    let mut counts = [0; 3];
    for id in 0..10_000 {
        counts[decided(&router, &user(id)).arm.index()] += 1;
    }
    assert!((4_750..5_250).contains(&counts[0]), "{counts:?}");
    assert!((2_770..3_230).contains(&counts[1]), "{counts:?}");
    assert!((1_800..2_200).contains(&counts[2]), "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_decided_and_always_alike(
        path in vec(any::<u8>(), 0..64),
        cookie in vec(any::<u8>(), 0..64),
        value in vec(any::<u8>(), 0..64),
    ) {
        let mut fields = users();
        fields["rules"] = json!([
            {"when": {"cookie": {"name": "a", "exact": "1"}}, "arm": "canary"},
            {"when": {"geo": {"header": "x-geo", "values": ["NL"]}}, "arm": "canary", "share_ppm": 10},
        ]);
        let router = canary(500_000, fields);
        let request = || {
            Fake::get("/").with(":path", &path).with("cookie", &cookie).with("x-user", &value).with("x-geo", &value)
        };
        prop_assert_eq!(decided(&router, &request()), decided(&router, &request()));
    }
}
