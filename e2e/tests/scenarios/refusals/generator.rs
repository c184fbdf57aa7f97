//! Bad assignments, each a good one with one fault. What is made depends on the seed alone.

mod rules;
mod syntax;

use serde_json::{Value, json};

use serin_e2e::draws::Draws;

/// A bad assignment and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Bad {
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// `count` bad assignments, every kind in turn.
pub(super) fn generate(seed: u64, count: usize) -> Vec<Bad> {
    let mut draws = Draws::new(seed);
    KINDS.iter().cycle().take(count).map(|(kind, spoil)| Bad { kind, bytes: spoil(&mut draws) }).collect()
}

type Spoil = fn(&mut Draws) -> Vec<u8>;

const KINDS: [(&str, Spoil); 28] = [
    ("truncated", syntax::truncated),
    ("random bytes", syntax::random_bytes),
    ("bad UTF-8", syntax::bad_utf8),
    ("wrong type", syntax::wrong_type),
    ("not a number", syntax::not_a_number),
    ("overweight", rules::overweight),
    ("weight out of range", rules::weight_out_of_range),
    ("duplicate name", rules::duplicate_name),
    ("duplicate key", syntax::duplicate_key),
    ("unknown field", syntax::unknown_field),
    ("wrong version", syntax::wrong_version),
    ("missing field", syntax::missing_field),
    ("too many entries", rules::too_many_entries),
    ("text too long", rules::text_too_long),
    ("nested too deep", syntax::nested_too_deep),
    ("bad name", rules::bad_name),
    ("bad salt", rules::bad_salt),
    ("bad host", rules::bad_host),
    ("bad path", rules::bad_path),
    ("bad method", rules::bad_method),
    ("bad header name", rules::bad_header_name),
    ("unknown arm", rules::unknown_arm),
    ("empty where something is needed", rules::empty_list),
    ("not exactly one value", rules::not_exactly_one),
    ("unknown variant", syntax::unknown_variant),
    ("report out of range", rules::report_out_of_range),
    ("cookie that is not read", rules::cookie_not_read),
    ("text after the end, or huge", syntax::trailing),
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
