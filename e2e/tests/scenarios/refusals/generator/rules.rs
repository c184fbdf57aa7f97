//! What has the form of an assignment and breaks a rule.

use serde_json::{Value, json};

use super::{good, text, with};
use serin_e2e::draws::Draws;

pub(super) fn overweight(draws: &mut Draws) -> Vec<u8> {
    let arms = 2 + draws.below(10);
    let each = 1_000_000 / arms + 1 + draws.below(100_000);
    let split: Vec<_> =
        (0..arms).map(|arm| json!({"arm": format!("arm-{arm}"), "weight_ppm": each})).collect();
    let mut assignment = with("/services/0/split", json!(split));
    assignment["services"][0]["rules"] = json!([]);
    text(&assignment)
}

pub(super) fn weight_out_of_range(draws: &mut Draws) -> Vec<u8> {
    let weight = *draws.of(&[1_000_001_u64, 2_000_000, 4_294_967_295, 4_294_967_296, u64::MAX]);
    text(&with(
        draws.word(&["/services/0/split/0/weight_ppm", "/services/0/rules/2/share_ppm"]),
        json!(weight),
    ))
}

pub(super) fn duplicate_name(draws: &mut Draws) -> Vec<u8> {
    let mut assignment = good();
    let service = &mut assignment["services"][0];
    match draws.below(5) {
        0 => service["components"][2]["name"] = json!("home"),
        1 => {
            service["split"] = json!([{"arm": "canary", "weight_ppm": 1}, {"arm": "canary", "weight_ppm": 2}])
        }
        2 => service["hosts"] = json!(["shop.example", "SHOP.example"]),
        3 => service["components"][2]["matches"] = json!([{"path": {"exact": "/"}}]),
        _ => {
            let copy = service.clone();
            assignment["services"] = json!([copy.clone(), copy]);
        }
    }
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

pub(super) fn too_many_entries(draws: &mut Draws) -> Vec<u8> {
    let more = draws.below(5);
    let many =
        |count: usize, entry: &dyn Fn(usize) -> Value| Value::Array((0..count + more).map(entry).collect());
    let service = |index: usize| {
        let mut service = good()["services"][0].clone();
        service["name"] = json!(format!("s-{index}"));
        service["hosts"] = json!([format!("h-{index}")]);
        service
    };
    let component = |index: usize| json!({"name": format!("c-{index}"), "matches": [{"path": {"exact": format!("/{index}")}}]});
    let assignment = match draws.below(7) {
        0 => with("/services", many(257, &service)),
        1 => with("/services/0/components", many(2_001, &component)),
        2 => with("/services/0/rules", many(257, &|_| json!({"when": {"users": ["a"]}, "arm": "canary"}))),
        3 => with("/services/0/rules/1/when/users", many(10_001, &|index| json!(format!("user-{index}")))),
        4 => with(
            "/services/0/split",
            many(16, &|index| json!({"arm": format!("a-{index}"), "weight_ppm": 1})),
        ),
        5 => with(
            "/services/0/components/0/matches",
            many(33, &|index| json!({"path": {"exact": format!("/{index}")}})),
        ),
        _ => with("/services/0/components/1/matches/0/path/template", json!("/{a}".repeat(65 + more))),
    };
    text(&assignment)
}

pub(super) fn text_too_long(draws: &mut Draws) -> Vec<u8> {
    let field = *draws.of(&[
        "/services/0/name",
        "/services/0/components/0/name",
        "/services/0/rules/1/when/users/0",
        "/report/cluster",
        "/services/0/rollout",
        "/services/0/hosts/0",
    ]);
    text(&with(field, json!("x".repeat(1_025 + draws.below(5_000)))))
}

pub(super) fn bad_name(draws: &mut Draws) -> Vec<u8> {
    let field = *draws.of(&["/services/0/name", "/services/0/components/0/name", "/services/0/rollout"]);
    let name = *draws
        .of(&["", " ", "a b", "a/b", "ünited", "a\u{0}", "a\nb", "{{name}}", "a,b", "💥", "a\"b", "../etc"]);
    text(&with(field, json!(name)))
}

pub(super) fn bad_salt(draws: &mut Draws) -> Vec<u8> {
    let salt = draws.of(&["", "00", "0x0102030405060708090a0b0c0d0e0f", "g00102030405060708090a0b0c0d0e0f"]);
    let salt = format!("{salt}{}", "0".repeat(33 + draws.below(100)));
    text(&with("/services/0/salt", json!(salt)))
}

pub(super) fn bad_host(draws: &mut Draws) -> Vec<u8> {
    let host = *draws.of(&[
        "",
        "a:80",
        "http://a",
        "*",
        "*.",
        "a..b",
        ".a",
        "*a.b",
        "a b",
        "ä.example",
        "a/b",
        "[::1",
    ]);
    text(&with(
        draws.word(&["/services/0/hosts/0", "/services/0/components/2/matches/0/hosts/0"]),
        json!(host),
    ))
}

pub(super) fn bad_path(draws: &mut Draws) -> Vec<u8> {
    let path = draws
        .of(&[
            json!({"exact": ""}),
            json!({"exact": "x"}),
            json!({"exact": "/a?b"}),
            json!({"prefix": "orders"}),
            json!({"prefix": "/a#b"}),
            json!({"template": "/orders"}),
            json!({"template": "/a/{"}),
            json!({"template": "/{}"}),
            json!({"template": "/a{b}"}),
            json!({"template": "/{a}{b}"}),
            json!({"exact": "/a", "prefix": "/b"}),
            json!({}),
            json!({"exact": "/\u{7f}"}),
            json!("/a"),
        ])
        .clone();
    text(&with("/services/0/components/1/matches/0/path", path))
}

pub(super) fn bad_method(draws: &mut Draws) -> Vec<u8> {
    let method = *draws.of(&["", "get", "GET POST", "GET\n", "Get", "GÉT", "GET,POST"]);
    text(&with("/services/0/components/1/matches/0/methods", json!([method])))
}

pub(super) fn bad_header_name(draws: &mut Draws) -> Vec<u8> {
    let name = *draws.of(&["", " x", "x y", "x:y", "x\r\ny: z", "x\u{0}", ":", "ä", "x,y"]);
    let field = *draws.of(&[
        "/services/0/rules/0/when/header/name",
        "/services/0/components/2/matches/0/headers/0/name",
        "/services/0/identity/user/0/header",
        "/services/0/rules/2/when/geo/header",
    ]);
    text(&with(field, json!(name)))
}

pub(super) fn unknown_arm(draws: &mut Draws) -> Vec<u8> {
    let field =
        *draws.of(&["/services/0/rules/0/arm", "/services/0/rules/1/arm", "/services/0/components/2/pinned"]);
    let arm = *draws.of(&["blue", "Canary", "", "canary ", "BASELINE", "arm-1"]);
    text(&with(field, json!(arm)))
}

pub(super) fn empty_list(draws: &mut Draws) -> Vec<u8> {
    let field = *draws.of(&[
        "/services/0/rules/1/when/users",
        "/services/0/rules/2/when/geo/values",
        "/services/0/components/0/matches",
    ]);
    let mut assignment = with(field, json!([]));
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

pub(super) fn not_exactly_one(draws: &mut Draws) -> Vec<u8> {
    let value = draws
        .of(&[
            json!({"name": "x"}),
            json!({"name": "x", "present": false}),
            json!({"name": "x", "exact": "a", "prefix": "b"}),
            json!({"name": "x", "exact": "a", "present": true}),
            json!({"name": "x", "exact": ""}),
        ])
        .clone();
    let kind = *draws.of(&["header", "cookie", "attribute"]);
    text(&with("/services/0/rules/0/when", json!({kind: value})))
}

pub(super) fn report_out_of_range(draws: &mut Draws) -> Vec<u8> {
    let (field, value) = draws
        .of(&[
            ("/report/interval_ms", json!(0)),
            ("/report/interval_ms", json!(99)),
            ("/report/interval_ms", json!(60_001)),
            ("/report/host_sample", json!(1_000_001)),
            ("/report/cluster", json!("")),
            ("/report/token", json!("a\nb")),
        ])
        .clone();
    let mut assignment = with(field, value);
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

pub(super) fn cookie_not_read(draws: &mut Draws) -> Vec<u8> {
    let mut assignment = good();
    let identity = &mut assignment["services"][0]["identity"];
    match draws.below(4) {
        0 => identity["session"] = json!([]),
        1 => identity["session"] = json!([{"header": "sid"}]),
        2 => identity["anonymous"]["issue_cookie"]["max_age_s"] = json!(0),
        _ => identity["anonymous"]["issue_cookie"]["name"] = json!("other"),
    }
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}
