//! Page views in log records, from the request to the report.

use super::*;
use crate::beacon::otlp;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn payload(records: &Value) -> Vec<u8> {
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string().into_bytes()
}

fn view(path: &str) -> Value {
    let path = json!({"key": "url.path", "value": {"stringValue": path}});
    let clicks = json!({"key": "serin.clicks", "value": {"intValue": "3"}});
    json!({"eventName": "serin.page_view", "attributes": [path, clicks]})
}

fn logs(user: &str) -> Fake {
    beacon(user).with(":path", format!("{BEACON_PATH}/v1/logs")).with("content-type", "application/json")
}

fn all_taken() -> Handling {
    Handling::Document(200, "{}".to_owned())
}

/// Status and text of an answer with a document.
fn said(handling: Handling) -> (u16, Value) {
    let Handling::Document(status, text) = handling else { panic!("no document: {handling:?}") };
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn page_views_of_log_records_count_as_those_of_beacons() {
    let (mut by_text, mut by_records) = (configured_with(&taking()), configured_with(&taking()));
    for user in ["ann", "bob", "eve"] {
        send(&mut by_text, &beacon(user), b"v=1\np=/a/1\nc=3");
        send(&mut by_text, &beacon(user), b"v=1\np=/b\nc=3");
        let body = payload(&json!([view("/a/1"), view("/b")]));
        assert_eq!(send(&mut by_records, &logs(user), &body), all_taken());
    }
    assert_eq!(by_records.totals(), by_text.totals());
    let (counted, expected) = (batch(&mut by_records), batch(&mut by_text));
    assert_eq!(counted.behaviour.iter().map(|one| one.views).sum::<u64>(), 6);
    assert_eq!(counted, expected);
}

#[test]
fn what_is_rejected_of_a_payload_is_answered_with_its_place_and_its_rule() {
    let mut filter = configured_with(&taking());
    let bad = json!({"eventName": "serin.page_view", "attributes": []});
    let body = payload(&json!([view("/a"), {"body": {"stringValue": "a line"}}, bad, view("/b")]));
    let expected = json!({"partialSuccess": {
        "rejectedLogRecords": "2",
        "errorMessage": "serin: resourceLogs[0].scopeLogs[0].logRecords[1]: eventName: must be serin.page_view",
    }});
    assert_eq!(said(send(&mut filter, &logs("ann"), &body)), (200, expected));
    assert_eq!((filter.totals().beacons, filter.totals().lost_beacons), (2, 1));
    assert_eq!(batch(&mut filter).gaps.unwrap().malformed_beacons, 1);
}

#[test]
fn the_bound_of_page_views_in_a_payload_is_exact_and_what_is_beyond_is_counted() {
    let mut filter = configured_with(&taking());
    let views = |count: usize| payload(&Value::Array(vec![view("/a"); count]));
    assert_eq!(send(&mut filter, &logs("ann"), &views(otlp::MAX_VIEWS)), all_taken());
    let (status, answer) = said(send(&mut filter, &logs("ann"), &views(otlp::MAX_VIEWS + 2)));
    assert_eq!((status, &answer["partialSuccess"]["rejectedLogRecords"]), (200, &json!("2")));
    let error = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(error.ends_with("logRecords[16]: exceeds 16 page views"), "{error}");
    let batch = batch(&mut filter);
    assert_eq!(batch.gaps.unwrap().dropped_beacons, 2);
    assert_eq!(batch.behaviour.iter().map(|one| one.views).sum::<u64>(), 32);
}

#[test]
fn a_payload_that_is_none_is_refused_with_its_rule() {
    let mut filter = configured_with(&taking());
    let body = payload(&json!([view("/a")]));
    let long = vec![b' '; otlp::MAX_BYTES + 1];
    for (request, body, status, rule) in [
        (logs("ann").with(":method", "OPTIONS"), &body[..], 405, ":method: must be POST"),
        (logs("ann").with("content-length", "16385"), &body, 413, "body: exceeds 16384 bytes"),
        (logs("ann"), &long, 413, "body: exceeds 16384 bytes"),
        (logs("ann"), b"", 400, "body: is missing"),
        (logs("ann"), b"{", 400, "body: line 1, column 1: must be an ExportLogsServiceRequest in JSON"),
        (
            logs("ann").with("content-type", "application/x-protobuf"),
            &body,
            415,
            "content-type: must be application/json",
        ),
        (logs("ann").with("content-encoding", "gzip"), &body, 415, "content-encoding: must be identity"),
    ] {
        let expected = json!({"code": 3, "message": format!("serin: {rule}")});
        assert_eq!(said(send(&mut filter, &request, body)), (status, expected), "{request:?}");
    }
    assert_eq!(batch(&mut filter).gaps.unwrap().malformed_beacons, 7);
}

#[test]
fn what_counts_nothing_is_answered_as_taken() {
    let mut filter = configured_with(&taking());
    let body = payload(&json!([view("/a"), view("/a")]));
    let with_charset = logs("ann").with("content-type", "Application/JSON; charset=utf-8");
    for request in [
        logs("ann").with("user-agent", "Googlebot"),
        logs(""),
        with_charset.with("content-encoding", "identity"),
    ] {
        assert_eq!(send(&mut filter, &request, &body), all_taken(), "{request:?}");
    }
    assert_eq!(send(&mut filter, &logs("ann"), b" {}"), all_taken());
    let gaps = batch(&mut filter).gaps.unwrap();
    assert_eq!((gaps.bot_beacons, gaps.unattributed_beacons, filter.totals().beacons), (1, 2, 2));
}

#[test]
fn the_age_of_each_page_view_is_its_own() {
    let mut filter = configured_with(&taking());
    let aged = |age_ms: u32| {
        let mut view = view("/a");
        let age = json!({"key": "serin.age_ms", "value": {"intValue": age_ms}});
        view["attributes"].as_array_mut().unwrap().push(age);
        view
    };
    // The assignment came a second after the beginning of the clock, and the payload then.
    send(&mut filter, &logs("ann"), &payload(&json!([aged(0), aged(1), view("/a")])));
    assert_eq!(filter.totals().beacons, 2);
    assert_eq!(batch(&mut filter).gaps.unwrap().unattributed_beacons, 1);
}

#[test]
fn paths_beside_those_of_beacons_pass_and_so_does_everything_where_nobody_asks() {
    let mut filter = configured_with(&taking());
    for path in ["/v1/traces", "/v1/logs/", "/v1", "/", "x"] {
        let request = logs("ann").with(":path", format!("{BEACON_PATH}{path}"));
        assert_eq!(send(&mut filter, &request, b"{}"), Handling::Pass, "{path}");
    }
    assert_eq!(send(&mut filter, &logs("ann").with(":authority", "other.example"), b"{}"), Handling::Pass);
    assert_eq!(send(&mut configured(), &logs("ann"), b"{}"), Handling::Pass);
}

proptest! {
    #[test]
    fn any_bytes_are_answered_with_json_and_lose_or_count_what_they_tell(
        body in prop::collection::vec(any::<u8>(), 1..200),
        views in 0..40_usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut filter = configured_with(&taking());
        let (status, _) = said(send(&mut filter, &logs("ann"), &body));
        prop_assert!(matches!(status, 200 | 400));
        let mut nearly = payload(&Value::Array(vec![view("/a"); views]));
        let at = at.index(nearly.len());
        nearly[at] = byte;
        let (status, answer) = said(send(&mut filter, &logs("ann"), &nearly));
        prop_assert!(matches!(status, 200 | 400));
        let rejected = answer["partialSuccess"]["rejectedLogRecords"].as_str().map_or(0, |count| count.parse().unwrap());
        let taken = if status == 200 { views.min(otlp::MAX_VIEWS) as u64 } else { 0 };
        prop_assert!(filter.totals().beacons <= taken && rejected <= 40, "{answer}");
    }
}
