use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn attribute(key: &str, value: Value) -> Value {
    json!({"key": key, "value": value})
}

fn payload(records: &Value) -> Payload {
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
    Payload::parse(body.as_bytes()).unwrap()
}

/// A page view of `/a` with these attributes.
fn view(attributes: &[(&str, Value)]) -> Payload {
    let path = ("url.path", json!({"stringValue": "/a"}));
    let told = [path].iter().chain(attributes).map(|(key, value)| attribute(key, value.clone())).collect();
    payload(&json!([{"eventName": EVENT, "attributes": Value::Array(told)}]))
}

fn first(payload: &Payload) -> Record<'_> {
    payload.records().unwrap()[0].1
}

#[test]
fn a_whole_page_view_is_read_as_the_text_form_reads_it() {
    let read = view(&[
        ("serin.age_ms", json!({"intValue": "9000"})),
        ("serin.load_ms", json!({"doubleValue": 1_233.5})),
        ("serin.largest_contentful_paint_ms", json!({"intValue": 900})),
        ("serin.layout_shift", json!({"doubleValue": 0.12})),
        ("serin.interaction_ms", json!({"doubleValue": 40.2})),
        ("serin.clicks", json!({"intValue": "2000"})),
        ("serin.rage_clicks", json!({"intValue": 1})),
        ("serin.errors", json!({"doubleValue": 2.0})),
        ("serin.feature_uses", json!({"intValue": 3})),
        ("serin.conversions", json!({"intValue": 1})),
        ("serin.abandoned", json!({"boolValue": true})),
        ("session.id", json!({"stringValue": "nobody reads it"})),
    ]);
    let text = b"v=1\np=/a\nt=9000\nl=1234\nlcp=900\ncls=120\ninp=40\nc=2000\nr=1\ne=2\nf=3\nk=1\na=1";
    assert_eq!(first(&read).beacon(), Ok(Beacon::parse(text).unwrap()));
}

#[test]
fn each_attribute_says_what_its_key_of_the_text_form_says() {
    for ((name, _), key) in ATTRIBUTES.iter().zip(NUMBERS) {
        let read = view(&[(name, json!({"intValue": 1}))]);
        let ones = if *name == "serin.layout_shift" { "1000" } else { "1" };
        let text = format!("v=1\np=/a\n{}={ones}", String::from_utf8_lossy(key));
        assert_eq!(first(&read).beacon(), Ok(Beacon::parse(text.as_bytes()).unwrap()), "{name}");
    }
}

#[test]
fn what_an_exporter_sends_beside_page_views_is_passed_over() {
    let body = json!({
        "resourceLogs": [
            {
                "resource": {"attributes": [attribute("service.name", json!({"stringValue": "app"}))]},
                "schemaUrl": "https://opentelemetry.io/schemas/1.37.0",
                "scopeLogs": [
                    {"scope": {"name": "rum", "version": "1"}},
                    {"logRecords": [
                        {
                            "timeUnixNano": "1700000000000000000", "severityNumber": 9, "flags": 1,
                            "body": {"kvlistValue": {"values": [attribute("deep", json!({"arrayValue": {"values": [{}]}}))]}},
                            "eventName": EVENT, "droppedAttributesCount": 0, "traceId": "5b8efff798038103d269b633813fc60c",
                            "attributes": [
                                attribute("url.path", json!({"stringValue": "/a"})),
                                attribute("more", json!({"bytesValue": "aGk="})),
                                attribute("list", json!({"arrayValue": {"values": [{"intValue": "1"}]}})),
                                attribute("serin.load_ms", json!({})),
                                {"key": "serin.clicks"},
                                {},
                            ],
                        },
                        {"body": {"stringValue": "an ordinary line"}},
                    ]},
                ],
            },
            {},
        ],
        "more": null,
    });
    let read = Payload::parse(body.to_string().as_bytes()).unwrap();
    let [(at, view), (_, line)] = read.records().unwrap()[..] else { panic!("not two: {read:?}") };
    assert_eq!(at.to_string(), "resourceLogs[0].scopeLogs[1].logRecords[0]");
    assert_eq!((view.is_page_view(), line.is_page_view()), (true, false));
    assert_eq!(view.beacon(), Ok(Beacon { path: b"/a", ..Beacon::default() }));
}

#[test]
fn a_record_is_named_by_its_field_or_else_by_its_attribute() {
    let by_attribute = |name: &str| json!([attribute("event.name", json!({"stringValue": name}))]);
    for (record, expected) in [
        (json!({"eventName": EVENT}), true),
        (json!({"attributes": by_attribute(EVENT)}), true),
        (json!({"eventName": "", "attributes": by_attribute(EVENT)}), true),
        (json!({"eventName": "other", "attributes": by_attribute(EVENT)}), false),
        (json!({"eventName": EVENT, "attributes": by_attribute("other")}), true),
        (json!({"eventName": "Serin.page_view"}), false),
        (json!({"attributes": [attribute("event.name", json!({"intValue": 1}))]}), false),
        (json!({}), false),
    ] {
        assert_eq!(first(&payload(&json!([record]))).is_page_view(), expected, "{record}");
    }
}

#[test]
fn what_breaks_a_rule_is_refused_with_its_attribute() {
    let number = |name| RecordError::Number { name };
    let long = format!("/{}", "a".repeat(PATH_BYTES));
    let path = |text: &str| vec![attribute("url.path", json!({"stringValue": text}))];
    let with = |name: &str, value: Value| [path("/"), vec![attribute(name, value)]].concat();
    let load = |value: Value| with("serin.load_ms", value);
    for (attributes, expected) in [
        (vec![], RecordError::NoPath),
        (with("serin.clicks", json!({"intValue": 1})).split_off(1), RecordError::NoPath),
        (path("orders"), RecordError::Path),
        (path(""), RecordError::Path),
        (path("/?q=secret"), RecordError::Path),
        (path("/#part"), RecordError::Path),
        (path("/é"), RecordError::Path),
        (path(&long), RecordError::Path),
        (vec![attribute("url.path", json!({"intValue": 1}))], RecordError::Path),
        ([path("/"), path("/")].concat(), RecordError::Twice { name: "url.path" }),
        (load(json!({"intValue": -1})), number("serin.load_ms")),
        (load(json!({"intValue": "-1"})), number("serin.load_ms")),
        (load(json!({"intValue": "1.5"})), number("serin.load_ms")),
        (load(json!({"intValue": 10_000_000})), number("serin.load_ms")),
        (load(json!({"intValue": u64::MAX})), number("serin.load_ms")),
        (load(json!({"doubleValue": 9_999_999.1})), number("serin.load_ms")),
        (load(json!({"doubleValue": "NaN"})), number("serin.load_ms")),
        (load(json!({"doubleValue": -0.5})), number("serin.load_ms")),
        (load(json!({"doubleValue": 1e300})), number("serin.load_ms")),
        (load(json!({"stringValue": "1"})), number("serin.load_ms")),
        (load(json!({"boolValue": true})), number("serin.load_ms")),
        (with("serin.clicks", json!({"doubleValue": 1.5})), number("serin.clicks")),
        (with("serin.abandoned", json!({"stringValue": "true"})), number("serin.abandoned")),
        (with("serin.layout_shift", json!({"doubleValue": 10_000})), number("serin.layout_shift")),
        (
            [load(json!({"intValue": 1})), load(json!({"intValue": 1})).split_off(1)].concat(),
            RecordError::Twice { name: "serin.load_ms" },
        ),
    ] {
        let read = payload(&json!([{"eventName": EVENT, "attributes": attributes}]));
        assert_eq!(first(&read).beacon(), Err(expected), "{attributes:?}");
    }
}

#[test]
fn a_payload_of_another_form_is_refused_with_its_place() {
    let at = |line, column| PayloadError::Form { line, column };
    for (body, expected) in [
        (&b""[..], at(1, 0)),
        (b"[]", at(1, 1)),
        (b"null", at(1, 1)),
        (b"v=1\np=/a", at(1, 1)),
        (b"\x0a\x10resource", at(2, 1)),
        (b"{\n\"resourceLogs\": 7", at(2, 17)),
        (b"{\"resourceLogs\": []} more", at(1, 22)),
        (b"{\"resourceLogs\": [", at(1, 18)),
        (
            b"{\"resourceLogs\": [{\"scopeLogs\": [{\"logRecords\": [{\"eventName\": \"\xff\"}]}]}]}",
            at(1, 65),
        ),
        (&[b' '; MAX_BYTES + 1], PayloadError::TooLong),
    ] {
        let text = String::from_utf8_lossy(body);
        assert_eq!(Payload::parse(body).err(), Some(expected), "{text}");
    }
    for (body, name) in [
        (r#"{"resourceLogs": 7}"#, "resourceLogs"),
        (r#"{"resourceLogs": [[]]}"#, "resourceLogs"),
        (r#"{"resourceLogs": [{"scopeLogs": {}}]}"#, "scopeLogs"),
        (r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [null]}]}]}"#, "logRecords"),
        (r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": "/"}]}]}]}"#, "attributes"),
    ] {
        let records = Payload::parse(body.as_bytes()).unwrap().records().map(|records| records.len());
        assert_eq!(records, Err(PayloadError::List { name }), "{body}");
    }
    let nested = |depth: usize| format!("{{\"more\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(Payload::parse(nested(json::DEPTH_MAX).as_bytes()).is_ok());
    for depth in [json::DEPTH_MAX + 1, 8_000] {
        assert_eq!(Payload::parse(nested(depth).as_bytes()).err(), Some(at(1, 40)), "{depth}");
    }
    let longest = format!("{{}}{}", " ".repeat(MAX_BYTES - 2));
    assert_eq!(Payload::parse(longest.as_bytes()).unwrap().records().unwrap().len(), 0);
}

#[test]
fn no_error_quotes_what_was_sent_or_needs_to_be_escaped() {
    let secret = json!({"stringValue": "/?secret\"\\"});
    let read = view(&[("serin.load_ms", secret.clone()), ("secret", secret)]);
    let errors = [
        first(&read).beacon().unwrap_err().to_string(),
        first(&payload(&json!([{"attributes": []}]))).beacon().unwrap_err().to_string(),
        Payload::parse(b"{\"resourceLogs\": \"secret\"}").unwrap().records().unwrap_err().to_string(),
        Payload::parse(b"{\"secret\": secret}").unwrap_err().to_string(),
        RecordError::Path.to_string(),
        RecordError::Name.to_string(),
        RecordError::TooMany.to_string(),
    ];
    for error in errors {
        assert!(!error.contains("secret") && !error.contains(['"', '\\']), "{error}");
    }
}

/// JSON that is nearly a payload: known names at known places, with values of every kind.
fn nearly() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        (0..3_000_u32).prop_map(|number| json!(number)),
        "[0-9.eE-]{0,9}".prop_map(|text| json!(text)),
    ];
    let kind = prop::sample::select(vec!["intValue", "doubleValue", "stringValue", "boolValue"]);
    let value = prop_oneof![
        (kind, number).prop_map(|(kind, number)| json!({kind: number})),
        any::<bool>().prop_map(|holds| json!({"boolValue": holds})),
        "/[a-z?#/]{0,6}".prop_map(|text| json!({"stringValue": text})),
        Just(json!({})),
    ];
    let names: Vec<_> = ATTRIBUTES.iter().map(|(name, _)| *name).chain([PATH, EVENT_NAME, "other"]).collect();
    let attribute = (prop::sample::select(names), value).prop_map(|(key, value)| attribute(key, value));
    let name = prop::sample::select(vec![json!(EVENT), json!("other"), json!(null)]);
    let record = (name, prop::collection::vec(attribute, 0..6))
        .prop_map(|(name, attributes)| json!({"eventName": name, "attributes": attributes}));
    prop::collection::vec(record, 0..4)
        .prop_map(|records| json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}))
}

proptest! {
    #[test]
    fn any_bytes_give_page_views_or_an_error(body in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(payload) = Payload::parse(&body) {
            payload.records().into_iter().flatten().for_each(|(_, record)| { let _ = record.beacon(); });
        }
    }

    /// With one byte changed, so that text that is nearly right is reached, too.
    #[test]
    fn what_is_nearly_a_payload_gives_page_views_or_an_error(json in nearly(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = json.to_string().into_bytes();
        let read = |body: &[u8]| {
            let Ok(payload) = Payload::parse(body) else { return };
            for (_, record) in payload.records().unwrap_or_default() {
                if let Ok(beacon) = record.beacon() {
                    assert!(beacon.path.starts_with(b"/") && !beacon.path.contains(&b'?'));
                    assert!(beacon.clicks <= crate::beacon::CLICKS_MAX && beacon.errors <= NUMBER_MAX);
                }
            }
        };
        read(&body);
        let at = at.index(body.len());
        body[at] = byte;
        read(&body);
    }

    #[test]
    fn milliseconds_are_rounded_to_the_nearest(ms in 0.0..9_999_999.0_f64) {
        let read = view(&[("serin.load_ms", json!({"doubleValue": ms}))]);
        let told = first(&read).beacon().unwrap().load_ms.unwrap();
        prop_assert!((f64::from(told) - ms).abs() <= 0.5);
    }
}
