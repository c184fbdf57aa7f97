//! What is no assignment at all: no text, no JSON, or not of the form.

use serde_json::json;

use super::{good, text, with};
use serin_e2e::draws::Draws;

pub(super) fn truncated(draws: &mut Draws) -> Vec<u8> {
    let mut bytes = text(&good());
    bytes.truncate(1 + draws.below(bytes.len() - 1));
    bytes
}

pub(super) fn random_bytes(draws: &mut Draws) -> Vec<u8> {
    let length = 1 + draws.below(2_000);
    // No JSON text begins with this byte.
    std::iter::once(0xFE).chain((0..length).map(|_| draws.bits().to_le_bytes()[0])).collect()
}

pub(super) fn bad_utf8(draws: &mut Draws) -> Vec<u8> {
    let mut bytes = text(&good());
    let name =
        *draws.of(&[&b"shop.example"[..], b"x-user-id", b"canary", b"ann", b"/orders/", b"serin_control"]);
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    let wrong =
        *draws.of(&[&[0xFF_u8][..], &[0xC3], &[0xED, 0xA0, 0x80], &[0xF5, 0x80, 0x80, 0x80], &[0x80]]);
    bytes.splice(at..at, wrong.iter().copied());
    bytes
}

pub(super) fn wrong_type(draws: &mut Draws) -> Vec<u8> {
    const NUMBERS: [&str; 6] = [
        "/version",
        "/generation",
        "/report/interval_ms",
        "/report/host_sample",
        "/services/0/split/0/weight_ppm",
        "/services/0/rules/2/share_ppm",
    ];
    const TEXTS: [&str; 7] = [
        "/report/cluster",
        "/services/0/name",
        "/services/0/salt",
        "/services/0/rules/0/arm",
        "/services/0/hosts/0",
        "/services/0/components/0/name",
        "/services/0/components/1/matches/0/methods/0",
    ];
    const LISTS: [&str; 6] = [
        "/services",
        "/services/0/split",
        "/services/0/rules",
        "/services/0/components",
        "/services/0/hosts",
        "/services/0/identity/user",
    ];
    let other = [json!(true), json!({"a": 1}), json!(-7), json!(1.5)];
    let assignment = match draws.below(3) {
        0 => with(draws.word(&NUMBERS), draws.of(&[json!("1"), json!([1]), json!(true), json!({})]).clone()),
        1 => with(draws.word(&TEXTS), draws.of(&[json!(1), json!(["a"]), json!(false), json!({})]).clone()),
        _ => with(draws.word(&LISTS), draws.of(&other).clone()),
    };
    text(&assignment)
}

pub(super) fn not_a_number(draws: &mut Draws) -> Vec<u8> {
    let literal = *draws.of(&[
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "0x10",
        "007",
        "+5",
        "1_000",
        "0.5",
        "-1",
        "1e3",
        "--1",
    ]);
    let field =
        *draws.of(&["\"weight_ppm\":50000", "\"generation\":7", "\"share_ppm\":100", "\"interval_ms\":500"]);
    let name = field.split(':').next().unwrap();
    good().to_string().replacen(field, &format!("{name}:{literal}"), 1).into_bytes()
}

pub(super) fn duplicate_key(draws: &mut Draws) -> Vec<u8> {
    let key = *draws.of(&[
        "\"version\":1",
        "\"name\":\"shop\"",
        "\"arm\":\"canary\"",
        "\"cluster\":\"serin_control_plane\"",
    ]);
    let comma = if draws.below(2) == 0 { "," } else { ",\n " };
    good().to_string().replacen(key, &format!("{key}{comma}{key}"), 1).into_bytes()
}

pub(super) fn unknown_field(draws: &mut Draws) -> Vec<u8> {
    let parent = *draws.of(&[
        "",
        "/report",
        "/services/0",
        "/services/0/split/0",
        "/services/0/identity",
        "/services/0/rules/0",
        "/services/0/components/0",
        "/services/0/components/0/matches/0",
        "/services/0/rules/2/when/geo",
    ]);
    let name = *draws.of(&["weight", "Version", "comment", "$schema", "weight-ppm", "", "__proto__"]);
    let mut assignment = good();
    assignment.pointer_mut(parent).unwrap()[name] = draws.of(&[json!(1), json!("x"), json!(null)]).clone();
    text(&assignment)
}

pub(super) fn wrong_version(draws: &mut Draws) -> Vec<u8> {
    let version =
        draws.of(&[json!(0), json!(2), json!(3), json!(1.0), json!(null), json!(4_294_967_295_u32)]).clone();
    let mut assignment = with("/version", version);
    assignment["generation"] = json!(draws.below(1_000_000));
    text(&assignment)
}

pub(super) fn missing_field(draws: &mut Draws) -> Vec<u8> {
    let (parent, key) = *draws.of(&[
        ("", "version"),
        ("", "generation"),
        ("/report", "cluster"),
        ("/services/0", "name"),
        ("/services/0", "salt"),
        ("/services/0/split/0", "arm"),
        ("/services/0/split/0", "weight_ppm"),
        ("/services/0/rules/0", "when"),
        ("/services/0/rules/0", "arm"),
        ("/services/0/components/0", "name"),
        ("/services/0/components/0", "matches"),
    ]);
    let mut assignment = good();
    assignment["report"]["host_sample"] = json!(draws.below(1_000_000));
    assignment.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    text(&assignment)
}

pub(super) fn nested_too_deep(draws: &mut Draws) -> Vec<u8> {
    let depth = 200 + draws.below(50_000);
    let (open, close) = *draws.of(&[("[", "]"), ("{\"a\":", "}")]);
    let middle = if open == "[" { "" } else { "1" };
    let nested = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
    match draws.below(2) {
        0 => nested.into_bytes(),
        _ => good().to_string().replacen("[\"shop.example\"]", &nested, 1).into_bytes(),
    }
}

pub(super) fn unknown_variant(draws: &mut Draws) -> Vec<u8> {
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

pub(super) fn trailing(draws: &mut Draws) -> Vec<u8> {
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
