use serde_json::{Value, json};

use super::reasoning::Step;
use super::*;
use crate::arguments::Header;

fn assignment(rules: Value, anonymous: Value, weight_ppm: u32) -> Assignment {
    let json = json!({
        "version": 1, "generation": 7,
        "services": [{
            "name": "shop", "hosts": ["shop.example"], "rollout": "r-1",
            "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": weight_ppm}],
            "identity": {
                "user": [{"header": "x-user-id"}], "session": [{"cookie": "sid"}], "anonymous": anonymous
            },
            "rules": rules,
            "components": [
                {"name": "orders", "matches": [{"path": {"template": "/orders/{id}"}}]},
                {"name": "pay", "matches": [{"path": {"prefix": "/pay"}}], "pinned": "baseline"}
            ]
        }]
    });
    assignment::parse(json.to_string().as_bytes()).unwrap()
}

fn request(path: &str, headers: &[&str], cookies: &[&str]) -> Asked {
    Asked::new(&Explain {
        method: "GET".to_owned(),
        path: path.to_owned(),
        host: "shop.example:8080".to_owned(),
        headers: headers.iter().map(|header| header.parse::<Header>().unwrap()).collect(),
        cookies: cookies.iter().map(|&cookie| cookie.to_owned()).collect(),
        route_name: None,
        assignment: None,
    })
}

fn shares(explanation: &Explanation) -> Vec<(&str, u32)> {
    explanation.chances.iter().map(|chance| (chance.arm.as_str(), chance.ppm)).collect()
}

#[test]
fn a_pinned_component_wins_over_a_rule() {
    let rules = json!([{"when": {"header": {"name": "x-beta", "present": true}}, "arm": "canary"}]);
    let assignment = assignment(rules, json!("random"), 1_000_000);
    let pinned = explain(&assignment, &request("/pay/now", &["x-beta: 1"], &[]));
    assert_eq!((pinned.why, pinned.arm.as_deref()), (Step::Pinned, Some("baseline")));
    let ruled = explain(&assignment, &request("/orders/7?a=b", &["X-Beta: 1"], &[]));
    assert_eq!((ruled.why, ruled.arm.as_deref()), (Step::Rule, Some("canary")));
    assert!(ruled.text.contains("header x-beta is present"), "{}", ruled.text);
}

#[test]
fn a_user_gets_the_arm_that_the_filter_gives() {
    let assignment = assignment(json!([]), json!("random"), 250_000);
    let router = Router::new(&assignment);
    let mut canary = 0;
    for number in 0..400 {
        let request = request("/", &[&format!("x-user-id: user-{number}")], &[]);
        let explanation = explain(&assignment, &request);
        let decided = decide(&router, &request, &mut || unreachable!("a user is not drawn")).unwrap();
        assert_eq!(explanation.arm.as_deref(), Some(assignment.services[0].arm_name(decided.arm)));
        assert_eq!(explanation.why, Step::Weights);
        canary += u32::from(explanation.arm.as_deref() == Some("canary"));
    }
    assert!((60..=140).contains(&canary), "{canary} of 400");
}

#[test]
fn a_session_cookie_names_its_source() {
    let assignment = assignment(json!([]), json!("random"), 500_000);
    let explanation = explain(&assignment, &request("/", &["cookie: a=b"], &["sid=abc"]));
    assert!(explanation.text.contains("session id from cookie sid"), "{}", explanation.text);
}

#[test]
fn what_is_drawn_is_told_as_chances() {
    let drawn = explain(&assignment(json!([]), json!("random"), 250_000), &request("/", &[], &[]));
    assert_eq!((drawn.why, &drawn.arm), (Step::Draw, &None));
    assert_eq!(shares(&drawn), [("baseline", 750_000), ("canary", 250_000)]);

    let cookie = json!({"issue_cookie": {"name": "sid", "max_age_s": 60}});
    let issued = explain(&assignment(json!([]), cookie, 250_000), &request("/", &[], &[]));
    assert_eq!(shares(&issued), [("baseline", 750_000), ("canary", 250_000)]);
    assert!(issued.text.contains("given the cookie sid"), "{}", issued.text);
}

#[test]
fn shares_of_rules_and_weights_combine() {
    let rules = json!([
        {"when": {"header": {"name": "x-a", "present": true}}, "arm": "canary", "share_ppm": 200_000},
        {"when": {"header": {"name": "x-b", "present": true}}, "arm": "canary", "share_ppm": 0},
        {"when": {"header": {"name": "x-c", "present": true}}, "arm": "baseline", "share_ppm": 500_000}
    ]);
    for anonymous in [json!("random"), json!({"issue_cookie": {"name": "sid", "max_age_s": 60}})] {
        let assignment = assignment(rules.clone(), anonymous, 100_000);
        let explanation = explain(&assignment, &request("/", &["x-a: 1", "x-b: 1", "x-c: 1"], &[]));
        // 0.2 by the first rule; half of the other 0.8 is kept away, a tenth of the rest is canary.
        assert_eq!(shares(&explanation), [("baseline", 760_000), ("canary", 240_000)]);
    }
}

#[test]
fn without_weight_or_with_all_of_it_nothing_is_drawn() {
    let none = explain(&assignment(json!([]), json!("random"), 0), &request("/", &[], &[]));
    assert_eq!((none.why, none.arm.as_deref()), (Step::NoWeight, Some("baseline")));
    let all = explain(&assignment(json!([]), json!("random"), 1_000_000), &request("/", &[], &[]));
    assert_eq!((all.why, all.arm.as_deref()), (Step::Weights, Some("canary")));
    let anonymous = explain(&assignment(json!([]), json!("baseline"), 500_000), &request("/", &[], &[]));
    assert_eq!((anonymous.why, anonymous.arm.as_deref()), (Step::Anonymous, Some("baseline")));
}

#[test]
fn a_client_cannot_name_its_arm() {
    let assignment = assignment(json!([]), json!("baseline"), 500_000);
    let request = request("/", &["x-serin-arm: canary"], &[]);
    assert!(request.named_an_arm);
    assert_eq!(explain(&assignment, &request).arm.as_deref(), Some("baseline"));
}
