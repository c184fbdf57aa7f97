use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// `google.protobuf.Struct`, from which Envoy's form is made.
#[derive(Clone, PartialEq, Message)]
struct Struct {
    #[prost(btree_map = "string, message", tag = "1")]
    fields: BTreeMap<String, One>,
}

#[derive(Clone, PartialEq, Message)]
struct One {
    #[prost(oneof = "Kind", tags = "2, 3, 6")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(message, tag = "6")]
    List(List),
}

#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(message, repeated, tag = "1")]
    values: Vec<One>,
}

#[derive(Clone, PartialEq, Message)]
struct RouteMetadata {
    #[prost(btree_map = "string, message", tag = "1")]
    filter_metadata: BTreeMap<String, Struct>,
}

fn text(text: &str) -> Option<Kind> {
    Some(Kind::Text(text.to_owned()))
}

fn list(values: &[&str]) -> Option<Kind> {
    Some(Kind::List(List { values: values.iter().map(|one| One { kind: text(one) }).collect() }))
}

fn metadata(fields: &[(&str, Option<Kind>)]) -> Vec<u8> {
    let fields = fields.iter().map(|(key, kind)| ((*key).to_owned(), One { kind: kind.clone() })).collect();
    let others = ("envoy.lb".to_owned(), Struct::default());
    let filter_metadata = BTreeMap::from([others, ("serin".to_owned(), Struct { fields })]);
    RouteMetadata { filter_metadata }.encode_to_vec()
}

#[test]
fn the_bytes_that_envoy_writes_give_the_tags() {
    // Written by Envoy 1.40.0 for {component: one, depends_on: cart}.
    let bytes = [
        10, 51, 10, 5, 115, 101, 114, 105, 110, 18, 42, 10, 18, 10, 9, 99, 111, 109, 112, 111, 110, 101, 110,
        116, 18, 5, 26, 3, 111, 110, 101, 10, 20, 10, 10, 100, 101, 112, 101, 110, 100, 115, 95, 111, 110,
        18, 6, 26, 4, 99, 97, 114, 116,
    ];
    let tags = wire::Tags {
        component: "one".to_owned(),
        depends_on: vec!["cart".to_owned()],
        ..wire::Tags::default()
    };
    assert_eq!(Metadata::parse(&bytes), Some(Metadata { tags, malformed: Vec::new() }));
}

#[test]
fn all_tags_are_taken() {
    let parsed = Metadata::parse(&metadata(&[
        ("component", text("checkout")),
        ("granularity", text("fine")),
        ("depends_on", list(&["pay/ledger", "cart", "cart"])),
        ("weight", Some(Kind::Number(3.0))),
        ("owner", text("Team Ä")),
    ]));
    let tags = wire::Tags {
        component: "checkout".to_owned(),
        granularity: wire::Granularity::Fine.into(),
        depends_on: vec!["cart".to_owned(), "pay/ledger".to_owned()],
        business_weight: 3.0,
        owner: "Team Ä".to_owned(),
    };
    assert_eq!(parsed, Some(Metadata { tags, malformed: Vec::new() }));
}

#[test]
fn a_weight_with_a_fraction_may_come_as_text() {
    for (written, weight) in
        [("2.5", 2.5), ("0.001", 0.001), ("1000", 1000.0), ("7.", 0.0), ("1e2", 0.0), ("-1", 0.0)]
    {
        let parsed = Metadata::parse(&metadata(&[("weight", text(written))])).unwrap();
        assert!((parsed.tags.business_weight - weight).abs() < f64::EPSILON, "{written}: {parsed:?}");
        assert_eq!(parsed.malformed.is_empty(), weight > 0.0, "{written}");
    }
}

#[test]
fn metadata_of_other_filters_says_nothing() {
    let others = BTreeMap::from([("envoy.lb".to_owned(), Struct::default())]);
    assert_eq!(Metadata::parse(&RouteMetadata { filter_metadata: others }.encode_to_vec()), None);
    assert_eq!(Metadata::parse(b""), None);
    assert_eq!(Metadata::parse(&metadata(&[])), Some(Metadata::default()), "an empty struct is something");
}

#[test]
fn what_is_malformed_is_told_and_the_rest_is_taken() {
    let long = "x".repeat(129);
    let many: Vec<String> = (0..17).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (key, value, rule) in [
        ("component", Some(Kind::Number(5.0)), "must be text of letters"),
        ("component", text(""), "must be text of letters"),
        ("component", text(&long), "must be text of letters"),
        ("component", text("unmatched"), "must not be unmatched"),
        ("granularity", text("tiny"), "must be coarse, medium or fine"),
        ("granularity", None, "must be coarse, medium or fine"),
        ("depends_on", list(&["a/b/c"]), "must be a list"),
        ("depends_on", list(&many), "must be a list"),
        ("depends_on", Some(Kind::Number(1.0)), "must be a list"),
        ("weight", Some(Kind::Number(0.0)), "must be a number"),
        ("weight", Some(Kind::Number(f64::NAN)), "must be a number"),
        ("weight", text("+2"), "must be a number"),
        ("weight", text("heavy"), "must be a number"),
        ("owner", text(&long), "must be text"),
        ("owner", text("a\nb"), "must be text"),
        ("colour", text("red"), "is no tag"),
    ] {
        let other = if key == "owner" { ("granularity", text("fine")) } else { ("owner", text("o")) };
        let parsed = Metadata::parse(&metadata(&[(key, value.clone()), other])).unwrap();
        let [fault] = &parsed.malformed[..] else { panic!("{key} {value:?}: {:?}", parsed.malformed) };
        assert!(fault.starts_with(&format!("{key}: {rule}")), "{fault}");
        assert!(parsed.tags.owner == "o" || parsed.tags.granularity() == wire::Granularity::Fine);
    }
}

#[test]
fn faults_are_bounded_in_number_and_length() {
    let keys: Vec<String> = (0..20).map(|number| format!("{number}\u{7}{}", "ä".repeat(500))).collect();
    let fields: Vec<_> = keys.iter().map(|key| (key.as_str(), None)).collect();
    let parsed = Metadata::parse(&metadata(&fields)).unwrap();
    assert_eq!(parsed.malformed.len(), MAX_FAULTS);
    assert!(parsed.malformed.iter().all(|fault| fault.len() <= 256 && !fault.contains('\u{7}')));
    let huge = Metadata::parse(&[0; METADATA_BYTES + 1]).unwrap();
    assert_eq!(huge.malformed, ["metadata: is longer than 65536 bytes"]);
    assert_eq!(Metadata::parse(&[255; 9]).unwrap().malformed, ["metadata: cannot be read"]);
}

proptest! {
    #[test]
    fn any_bytes_give_tags_within_their_bounds(
        bytes in vec(any::<u8>(), 0..256), value in vec(any::<u8>(), 0..64), key in "[a-z_]{1,12}"
    ) {
        let mut framed = metadata(&[(&key, text("x"))]);
        framed.extend(value);
        for bytes in [bytes, framed] {
            if let Some(Metadata { tags, malformed }) = Metadata::parse(&bytes) {
                prop_assert!(tags.component.len() <= 64 && tags.owner.len() <= 128 && tags.depends_on.len() <= 16);
                prop_assert!(malformed.len() <= 8 && malformed.iter().all(|fault| fault.len() <= 256));
            }
        }
    }
}
