//! Bad assignments, each a good one with one fault. What is made depends on the seed alone.

use serde_json::{Value, json};

use crate::support::draws::Draws;

/// A bad assignment and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Bad {
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// `count` bad assignments, every kind in turn.
pub(super) fn generate(seed: u64, count: usize) -> Vec<Bad> {
    let mut draws = Draws::new(seed);
    KINDS
        .iter()
        .cycle()
        .take(count)
        .map(|(kind, spoil)| Bad { kind, bytes: spoil(&mut draws) })
        .collect()
}

type Spoil = fn(&mut Draws) -> Vec<u8>;

const KINDS: [(&str, Spoil); 28] = [
    ("truncated", truncated),
    ("random bytes", random_bytes),
    ("bad UTF-8", bad_utf8),
    ("wrong type", wrong_type),
    ("not a number", not_a_number),
    ("overweight", overweight),
    ("weight out of range", weight_out_of_range),
    ("duplicate name", duplicate_name),
    ("duplicate key", duplicate_key),
    ("unknown field", unknown_field),
    ("wrong version", wrong_version),
    ("missing field", missing_field),
    ("too many entries", too_many_entries),
    ("text too long", text_too_long),
    ("nested too deep", nested_too_deep),
    ("bad name", bad_name),
    ("bad salt", bad_salt),
    ("bad host", bad_host),
    ("bad path", bad_path),
    ("bad method", bad_method),
    ("bad header name", bad_header_name),
    ("unknown arm", unknown_arm),
    ("empty where something is needed", empty_list),
    ("not exactly one value", not_exactly_one),
    ("unknown variant", unknown_variant),
    ("report out of range", report_out_of_range),
    ("cookie that is not read", cookie_not_read),
    ("text after the end, or huge", trailing),
];

fn good() -> Value {
    json!({
        "version": 1,
        "generation": 7,
        "report": {"cluster": "serin_control_plane", "interval_ms": 500, "host_sample": 1},
        "services": [{
            "name": "shop",
            "hosts": ["shop.example"],
            "rollout": "r-1",
            "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": 50_000}],
            "identity": {
                "user": [{"header": "x-user-id"}],
                "session": [{"cookie": "sid"}],
                "anonymous": {"issue_cookie": {"name": "sid", "max_age_s": 3600}},
            },
            "rules": [
                {"when": {"header": {"name": "x-beta", "present": true}}, "arm": "canary"},
                {"when": {"users": ["ann", "bob"]}, "arm": "baseline"},
                {"when": {"geo": {"header": "x-country", "values": ["NL"]}}, "arm": "canary", "share_ppm": 100},
            ],
            "components": [
                {"name": "home", "matches": [{"path": {"exact": "/"}}], "granularity": "coarse"},
                {"name": "orders", "matches": [{"methods": ["GET"], "path": {"template": "/orders/{id}"}}]},
                {"name": "pay", "matches": [{"path": {"prefix": "/pay"}, "hosts": ["pay.example"],
                    "headers": [{"name": "x-a", "exact": "b"}]}], "pinned": "baseline"},
            ],
        }],
    })
}

/// Replaces the value at a pointer, or adds it to its object.
fn with(pointer: &str, value: Value) -> Value {
    let mut assignment = good();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match assignment.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => assignment.pointer_mut(parent).unwrap()[key] = value,
    }
    assignment
}

fn text(assignment: &Value) -> Vec<u8> {
    assignment.to_string().into_bytes()
}

fn truncated(draws: &mut Draws) -> Vec<u8> {
    let mut bytes = text(&good());
    bytes.truncate(1 + draws.below(bytes.len() - 1));
    bytes
}

fn random_bytes(draws: &mut Draws) -> Vec<u8> {
    let length = 1 + draws.below(2_000);
    // No JSON text begins with this byte.
    std::iter::once(0xFE).chain((0..length).map(|_| draws.next().to_le_bytes()[0])).collect()
}

fn bad_utf8(draws: &mut Draws) -> Vec<u8> {
    let mut bytes = text(&good());
    let name = *draws.of(&[&b"shop.example"[..], b"x-user-id", b"canary", b"ann", b"/orders/", b"serin_control"]);
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    let wrong = *draws.of(&[&[0xFF_u8][..], &[0xC3], &[0xED, 0xA0, 0x80], &[0xF5, 0x80, 0x80, 0x80], &[0x80]]);
    bytes.splice(at..at, wrong.iter().copied());
    bytes
}

fn wrong_type(draws: &mut Draws) -> Vec<u8> {
    const NUMBERS: [&str; 6] = [
        "/version", "/generation", "/report/interval_ms", "/report/host_sample", "/services/0/split/0/weight_ppm",
        "/services/0/rules/2/share_ppm",
    ];
    const TEXTS: [&str; 7] = [
        "/report/cluster", "/services/0/name", "/services/0/salt", "/services/0/rules/0/arm", "/services/0/hosts/0",
        "/services/0/components/0/name", "/services/0/components/1/matches/0/methods/0",
    ];
    const LISTS: [&str; 6] = [
        "/services", "/services/0/split", "/services/0/rules", "/services/0/components", "/services/0/hosts",
        "/services/0/identity/user",
    ];
    let other = [json!(true), json!({"a": 1}), json!(-7), json!(1.5)];
    let assignment = match draws.below(3) {
        0 => with(*draws.of(&NUMBERS), draws.of(&[json!("1"), json!([1]), json!(true), json!({})]).clone()),
        1 => with(*draws.of(&TEXTS), draws.of(&[json!(1), json!(["a"]), json!(false), json!({})]).clone()),
        _ => with(*draws.of(&LISTS), draws.of(&other).clone()),
    };
    text(&assignment)
}

fn not_a_number(draws: &mut Draws) -> Vec<u8> {
    let literal =
        *draws.of(&["NaN", "Infinity", "-Infinity", "1e999", "0x10", "007", "+5", "1_000", "0.5", "-1", "1e3", "--1"]);
    let field = *draws.of(&["\"weight_ppm\":50000", "\"generation\":7", "\"share_ppm\":100", "\"interval_ms\":500"]);
    let name = field.split(':').next().unwrap();
    good().to_string().replacen(field, &format!("{name}:{literal}"), 1).into_bytes()
}

fn overweight(draws: &mut Draws) -> Vec<u8> {
    let arms = 2 + draws.below(10);
    let each = 1_000_000 / arms + 1 + draws.below(100_000);
    let split: Vec<_> = (0..arms).map(|arm| json!({"arm": format!("arm-{arm}"), "weight_ppm": each})).collect();
    let mut assignment = with("/services/0/split", json!(split));
    assignment["services"][0]["rules"] = json!([]);
    text(&assignment)
}

fn weight_out_of_range(draws: &mut Draws) -> Vec<u8> {
    let weight = *draws.of(&[1_000_001_u64, 2_000_000, 4_294_967_295, 4_294_967_296, u64::MAX]);
    text(&with(*draws.of(&["/services/0/split/0/weight_ppm", "/services/0/rules/2/share_ppm"]), json!(weight)))
}

fn duplicate_name(draws: &mut Draws) -> Vec<u8> {
    let mut assignment = good();
    let service = &mut assignment["services"][0];
    match draws.below(5) {
        0 => service["components"][2]["name"] = json!("home"),
        1 => service["split"] = json!([{"arm": "canary", "weight_ppm": 1}, {"arm": "canary", "weight_ppm": 2}]),
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

fn duplicate_key(draws: &mut Draws) -> Vec<u8> {
    let key = *draws.of(&["\"version\":1", "\"name\":\"shop\"", "\"arm\":\"canary\"", "\"cluster\":\"serin_control_plane\""]);
    let comma = if draws.below(2) == 0 { "," } else { ",\n " };
    good().to_string().replacen(key, &format!("{key}{comma}{key}"), 1).into_bytes()
}

fn unknown_field(draws: &mut Draws) -> Vec<u8> {
    let parent = *draws.of(&[
        "", "/report", "/services/0", "/services/0/split/0", "/services/0/identity", "/services/0/rules/0",
        "/services/0/components/0", "/services/0/components/0/matches/0", "/services/0/rules/2/when/geo",
    ]);
    let name = *draws.of(&["weight", "Version", "comment", "$schema", "weight-ppm", "", "__proto__"]);
    let mut assignment = good();
    assignment.pointer_mut(parent).unwrap()[name] = draws.of(&[json!(1), json!("x"), json!(null)]).clone();
    text(&assignment)
}

fn wrong_version(draws: &mut Draws) -> Vec<u8> {
    let version = draws.of(&[json!(0), json!(2), json!(3), json!(1.0), json!(null), json!(4_294_967_295_u32)]).clone();
    let mut assignment = with("/version", version);
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

fn missing_field(draws: &mut Draws) -> Vec<u8> {
    let (parent, key) = *draws.of(&[
        ("", "version"), ("", "generation"), ("/report", "cluster"), ("/services/0", "name"), ("/services/0", "salt"),
        ("/services/0/split/0", "arm"), ("/services/0/split/0", "weight_ppm"), ("/services/0/rules/0", "when"),
        ("/services/0/rules/0", "arm"), ("/services/0/components/0", "name"), ("/services/0/components/0", "matches"),
    ]);
    let mut assignment = good();
    assignment["report"]["host_sample"] = json!(draws.below(1_000_000));
    assignment.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    text(&assignment)
}

fn too_many_entries(draws: &mut Draws) -> Vec<u8> {
    let more = draws.below(5);
    let many = |count: usize, entry: &dyn Fn(usize) -> Value| Value::Array((0..count + more).map(entry).collect());
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
        4 => with("/services/0/split", many(16, &|index| json!({"arm": format!("a-{index}"), "weight_ppm": 1}))),
        5 => with("/services/0/components/0/matches", many(33, &|index| json!({"path": {"exact": format!("/{index}")}}))),
        _ => with("/services/0/components/1/matches/0/path/template", json!("/{a}".repeat(65 + more))),
    };
    text(&assignment)
}

fn text_too_long(draws: &mut Draws) -> Vec<u8> {
    let field = *draws.of(&[
        "/services/0/name", "/services/0/components/0/name", "/services/0/rules/1/when/users/0", "/report/cluster",
        "/services/0/rollout", "/services/0/hosts/0",
    ]);
    text(&with(field, json!("x".repeat(1_025 + draws.below(5_000)))))
}

fn nested_too_deep(draws: &mut Draws) -> Vec<u8> {
    let depth = 200 + draws.below(50_000);
    let (open, close) = *draws.of(&[("[", "]"), ("{\"a\":", "}")]);
    let middle = if open == "[" { "" } else { "1" };
    let nested = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
    match draws.below(2) {
        0 => nested.into_bytes(),
        _ => good().to_string().replacen("[\"shop.example\"]", &nested, 1).into_bytes(),
    }
}

fn bad_name(draws: &mut Draws) -> Vec<u8> {
    let field = *draws.of(&["/services/0/name", "/services/0/components/0/name", "/services/0/rollout"]);
    let name = *draws.of(&["", " ", "a b", "a/b", "ünited", "a\u{0}", "a\nb", "{{name}}", "a,b", "💥", "a\"b", "../etc"]);
    text(&with(field, json!(name)))
}

fn bad_salt(draws: &mut Draws) -> Vec<u8> {
    let salt = draws.of(&["", "00", "0x0102030405060708090a0b0c0d0e0f", "g00102030405060708090a0b0c0d0e0f"]);
    let salt = format!("{salt}{}", "0".repeat(33 + draws.below(100)));
    text(&with("/services/0/salt", json!(salt)))
}

fn bad_host(draws: &mut Draws) -> Vec<u8> {
    let host = *draws.of(&["", "a:80", "http://a", "*", "*.", "a..b", ".a", "*a.b", "a b", "ä.example", "a/b", "[::1"]);
    text(&with(*draws.of(&["/services/0/hosts/0", "/services/0/components/2/matches/0/hosts/0"]), json!(host)))
}

fn bad_path(draws: &mut Draws) -> Vec<u8> {
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

fn bad_method(draws: &mut Draws) -> Vec<u8> {
    let method = *draws.of(&["", "get", "GET POST", "GET\n", "Get", "GÉT", "GET,POST"]);
    text(&with("/services/0/components/1/matches/0/methods", json!([method])))
}

fn bad_header_name(draws: &mut Draws) -> Vec<u8> {
    let name = *draws.of(&["", " x", "x y", "x:y", "x\r\ny: z", "x\u{0}", ":", "ä", "x,y"]);
    let field = *draws.of(&[
        "/services/0/rules/0/when/header/name", "/services/0/components/2/matches/0/headers/0/name",
        "/services/0/identity/user/0/header", "/services/0/rules/2/when/geo/header",
    ]);
    text(&with(field, json!(name)))
}

fn unknown_arm(draws: &mut Draws) -> Vec<u8> {
    let field = *draws.of(&["/services/0/rules/0/arm", "/services/0/rules/1/arm", "/services/0/components/2/pinned"]);
    let arm = *draws.of(&["blue", "Canary", "", "canary ", "BASELINE", "arm-1"]);
    text(&with(field, json!(arm)))
}

fn empty_list(draws: &mut Draws) -> Vec<u8> {
    let field = *draws.of(&[
        "/services/0/rules/1/when/users", "/services/0/rules/2/when/geo/values", "/services/0/components/0/matches",
    ]);
    let mut assignment = with(field, json!([]));
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

fn not_exactly_one(draws: &mut Draws) -> Vec<u8> {
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

fn unknown_variant(draws: &mut Draws) -> Vec<u8> {
    let (field, value) = draws
        .of(&[
            ("/services/0/rules/0/when", json!({"moon": {"phase": "full"}})),
            ("/services/0/rules/0/when", json!({})),
            ("/services/0/rules/0/when", json!({"users": ["a"], "geo": {"header": "x", "values": ["NL"]}})),
            ("/services/0/identity/user/0", json!({"body": "x"})),
            ("/services/0/identity/anonymous", json!("sometimes")),
            ("/services/0/components/0/granularity", json!("tiny")),
            ("/services/0/components/0/granularity", json!("Coarse")),
        ])
        .clone();
    let mut assignment = with(field, value);
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

fn report_out_of_range(draws: &mut Draws) -> Vec<u8> {
    let (field, value) = draws
        .of(&[
            ("/report/interval_ms", json!(0)), ("/report/interval_ms", json!(99)), ("/report/interval_ms", json!(60_001)),
            ("/report/host_sample", json!(1_000_001)), ("/report/cluster", json!("")), ("/report/token", json!("a\nb")),
        ])
        .clone();
    let mut assignment = with(field, value);
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

fn cookie_not_read(draws: &mut Draws) -> Vec<u8> {
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

fn trailing(draws: &mut Draws) -> Vec<u8> {
    let mut bytes = text(&good());
    match draws.below(8) {
        0 => bytes.extend(text(&good())),
        1 => bytes.push(b','),
        2 => bytes.push(0),
        3 => bytes.extend(b" // comment"),
        4 => return draws.of(&[&b"[]"[..], b"1", b"\"x\"", b"null", b"true"]).to_vec(),
        // Larger than the bound, and much larger than the memory that a VM may have.
        5 => bytes.resize(4 * 1024 * 1024 + 1 + draws.below(1_000), b' '),
        6 => bytes.resize(10 * 1024 * 1024, b' '),
        _ => bytes.resize(40 * 1024 * 1024, b' '),
    }
    bytes
}
