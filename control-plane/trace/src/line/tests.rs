use proptest::prelude::*;

use super::*;

const LINE: &str = r#"{"t": 1800000000, "component": "checkout", "arm": "canary", "outcomes": {"ok": 95, "server_error": 5}, "latency_us": [[20000, 90], [30000.5, 5.0]]}"#;

fn refused(text: &str) -> LineError {
    Line::parse(text.as_bytes()).unwrap_err()
}

/// `LINE` with `from` replaced must be refused at the column where `at` begins.
#[track_caller]
fn check(from: &str, to: &str, field: &str, rule: &str) {
    let text = LINE.replacen(from, to, 1);
    assert_ne!(text, LINE, "{from} is not in the line");
    let error = refused(&text);
    assert_eq!((error.field.as_str(), error.rule.to_string().as_str()), (field, rule), "{text}");
    assert!((1..=text.chars().count() as u64 + 1).contains(&error.column), "{error:?}");
}

#[test]
fn a_line_says_what_one_arm_did() {
    let line = Line::parse(LINE.as_bytes()).unwrap();
    assert_eq!(
        (line.t, line.component.as_str(), line.arm, line.started),
        (1_800_000_000, "checkout", Arm::Canary, 100)
    );
    assert_eq!((line.outcomes.ok, line.outcomes.server_error, line.latency.count()), (95, 5, 95));
    let open = LINE.replace("\"latency_us\"", "\"open\": [[0.5, 3], [2, 4]], \"latency_us\"");
    assert_eq!(Line::parse(open.as_bytes()).unwrap().started, 107);
}

/// As `serin record` writes it: counts are increments, and what is open is a level.
const RECORDED: &str = r#"{"t":1800000000,"component":"cart","arm":"canary","outcomes":{"ok":3},"started":0,"open":[[2,7]],"merged":{"at_ms":1800000002250,"epoch":"00000000000000ff","complete_until":1800000002,"host_sample":16,"hosts":[{"host":"10.0.0.1:80","requests":2,"failed":1}]}}"#;

#[test]
fn a_recorded_line_tells_how_it_was_learned_and_is_written_as_it_was_read() {
    let line = Line::parse(RECORDED.as_bytes()).unwrap();
    let merged = line.merged.clone().unwrap();
    assert_eq!((line.started, line.outcomes.ok, merged.open), (0, 3, 7));
    assert_eq!((merged.epoch, merged.host_sample, merged.hosts.len()), (255, 16, 1));
    let mut latency = LatencyHistogram::new();
    latency.record_n(20_000, 3);
    let line = Line { latency, ..line };
    let written = line.to_json().unwrap();
    assert!(written.contains("\"latency_hdr\"") && !written.contains("latency_us"), "{written}");
    assert_eq!(Line::parse(written.as_bytes()).unwrap(), line);
}

#[test]
fn failures_by_block_are_written_as_they_were_read_and_are_optional() {
    let text = RECORDED.replacen(r#","started":0,"#, r#","started":0,"blocks":{"price":1,"tax":2},"#, 1);
    let line = Line::parse(text.as_bytes()).unwrap();
    assert_eq!(line.blocks, BTreeMap::from([("price".to_owned(), 1), ("tax".to_owned(), 2)]));
    check("\"outcomes\"", "\"blocks\": {\"tax\": -1}, \"outcomes\"", "blocks.tax", "must not be negative");
    check(
        "\"outcomes\"",
        "\"blocks\": [], \"outcomes\"",
        "blocks",
        "invalid type: sequence, expected values by name",
    );
}

#[test]
fn buckets_of_users_are_written_as_they_were_read_and_are_optional() {
    let users = r#","users_seen":"80000000000000ff","users_failed":"0000000000000080","#;
    let text = RECORDED.replacen(r#","started":0,"#, &format!(r#","started":0{users}"#), 1);
    let line = Line::parse(text.as_bytes()).unwrap();
    assert_eq!(line.users, UserMasks { seen: 1 << 63 | 0xFF, failed: 0x80 });
    assert_eq!(line.to_json().unwrap(), text);
    assert_eq!(Line::parse(RECORDED.as_bytes()).unwrap().users, UserMasks::default());
    check(
        "\"outcomes\"",
        "\"users_seen\": \"ff\", \"outcomes\"",
        "users_seen",
        "must be 16 hexadecimal digits",
    );
}

#[test]
fn every_rule_of_a_recorded_line_names_the_rule() {
    for (from, to, field, rule) in [
        ("00000000000000ff", "ff", "merged", "epoch: must be 16 hexadecimal digits"),
        ("1800000002250", "9800000002250000", "merged", "at_ms: is beyond the year 9999"),
        (
            "\"host_sample\":16",
            "\"host_sample\":0",
            "merged",
            "host_sample: must be at least 1, with at most 32 hosts",
        ),
        ("\"failed\":1", "\"failed\":3", "merged", "failed: exceeds requests"),
        ("10.0.0.1:80", "", "merged", "must be 1 to 128 bytes long"),
        ("\"merged\":{", "\"merged\":[],\"x\":{", "merged", "invalid type: sequence, expected an object"),
        ("\"requests\":2", "\"requests\":-2", "merged.hosts[0].requests", "must not be negative"),
        (
            "{\"host\":\"10.0.0.1:80\",\"requests\":2,\"failed\":1}",
            "[\"10.0.0.1:80\",2,1]",
            "merged.hosts[0]",
            "invalid type: sequence, expected an object",
        ),
    ] {
        let text = RECORDED.replacen(from, to, 1);
        assert_ne!(text, RECORDED);
        let error = refused(&text);
        assert_eq!((error.field.as_str(), error.rule.to_string().as_str()), (field, rule), "{text}");
    }
}

#[test]
fn what_the_schema_lets_be_null_may_be_null() {
    let schema = crate::json_schema();
    let properties = schema["$defs"]["TraceLine"]["properties"].as_object().unwrap();
    let null = serde_json::json!("null");
    let allows_null = |property: &serde_json::Value| {
        let types = property["type"].as_array().into_iter().flatten();
        let others = property["anyOf"].as_array().into_iter().flatten().map(|other| &other["type"]);
        types.chain(others).any(|of| *of == null)
    };
    let nullable: Vec<&String> =
        properties.iter().filter(|(_, property)| allows_null(property)).map(|(name, _)| name).collect();
    assert!(nullable.contains(&&"merged".to_owned()) && nullable.len() >= 6, "{nullable:?}");
    for name in nullable {
        let mut line: serde_json::Value = serde_json::from_str(LINE).unwrap();
        line[name] = serde_json::Value::Null;
        if let Err(error) = Line::parse(line.to_string().as_bytes()) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn every_rule_of_a_line_names_the_field() {
    check("\"canary\"", "\"Canary\"", "arm", "unknown variant `Canary`, expected `baseline` or `canary`");
    check("95,", "-95,", "outcomes.ok", "must not be negative");
    check("95,", "95.5,", "outcomes.ok", "must be a whole number");
    check("95,", "1e18,", "outcomes.ok", "exceeds 2^40");
    check(
        "{\"ok\": 95, \"server_error\": 5}",
        "[95, 5]",
        "outcomes",
        "invalid type: sequence, expected an object",
    );
    check("1800000000", "1800000000000", "t", "is beyond the year 9999: write seconds, not milliseconds");
    check("\"checkout\"", "\"\"", "component", "must be 1 to 128 bytes long");
    check(
        "[20000, 90]",
        "[20000, 96]",
        "latency_us",
        "counts 101 requests, more than the 100 that finished in outcomes",
    );
    check("[20000,", "[-1,", "latency_us[0][0]", "must not be negative");
    check(
        "\"t\"",
        "\"latency_hdr\": \"\", \"t\"",
        "latency_hdr",
        "must not be given together with latency_us: write one of them",
    );
    check(
        "\"t\"",
        "\"started\": 99, \"t\"",
        "started",
        "is 99, less than the 100 requests in outcomes and open",
    );
    check("\"t\"", "\"weight_ppm\": 1000001, \"t\"", "weight_ppm", "must be 0 to 1000000");
    check("\"t\"", "\"t\": 1, \"t\"", "", "duplicate field `t`");
    check("\"ok\"", "\"server_error\": 1, \"ok\"", "outcomes", "duplicate field `server_error`");
    check("\"t\"", "\"signals\": {\"a\": 1, \"a\": 2}, \"t\"", "signals", "duplicate field `a`");
}

#[test]
fn what_is_not_json_is_shown_where_it_ends_to_be() {
    let text = LINE.replace("95,", "NaN,");
    let error = refused(&text);
    assert_eq!(
        (error.column as usize, error.rule.to_string().as_str()),
        (text.find("NaN").unwrap() + 1, "is not JSON: expected value")
    );
    assert!(
        refused(&LINE.replace("\"ok\"", "\"okay\""))
            .rule
            .to_string()
            .starts_with("unknown field `okay`, expected one of `ok`")
    );
    assert!(refused(&LINE.replace("\"t\"", "\"time\"")).rule.to_string().contains("expected one of `t`"));
    assert!(refused(&LINE[..40]).rule.to_string().starts_with("is not JSON: EOF"));
    for (text, said) in [
        ("[1]", "invalid type: sequence, expected an object"),
        ("null", "invalid type: null, expected an object"),
        ("\"t\"", "invalid type: string \"t\", expected an object"),
    ] {
        let error = refused(text);
        assert_eq!((error.field.as_str(), error.rule.to_string().as_str()), ("", said), "{text}");
    }
    for (cut, field) in [("\"server", "outcomes"), (" \"component", ""), (" 95", "outcomes.ok")] {
        let error = refused(&LINE[..LINE.find(cut).unwrap()]);
        assert_eq!(error.field, field, "{error:?}");
    }
    assert_eq!(Line::parse(b"{\"t\": \xff}").unwrap_err().rule, Rule::Encoding);
    assert!(refused(&format!("{LINE}{LINE}")).rule.to_string().contains("trailing characters"));
}

#[test]
fn columns_count_characters_and_point_at_the_value() {
    let text = LINE.replace("checkout", "zürich \\\"ok\\\"").replace("95,", "-95,");
    let error = refused(&text);
    let bytes = text.find("-95").unwrap();
    assert_eq!(error.column, text[..bytes].chars().count() as u64 + 1, "{error:?}");
}

proptest! {
    #[test]
    fn any_bytes_give_a_line_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Line::parse(&bytes);
    }

    #[test]
    fn a_damaged_line_gives_a_line_or_an_error(at in 0..LINE.len(), byte in any::<u8>(), cut in 0..LINE.len()) {
        let mut bytes = LINE.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = Line::parse(&bytes);
        let _ = Line::parse(&bytes[..cut]);
    }

    #[test]
    fn a_written_line_is_read_back(
        t in 0_u64..4_000_000_000,
        component in "[a-z\"\\\\é]{1,20}",
        canary in any::<bool>(),
        (ok, failed, open) in (0_u64..1_000, 0_u64..50, 0_u64..50),
        latencies in prop::collection::vec(0_u64..10_000_000_000, 0..20),
        host in prop::option::of("[a-z0-9.:]{1,20}"),
        weight_ppm in prop::option::of(0_u32..=1_000_000),
        value in any::<f64>().prop_filter("finite", |value| value.is_finite()),
        users in any::<u64>(),
    ) {
        let mut latency = LatencyHistogram::new();
        latencies.iter().take(ok as usize).for_each(|us| latency.record(*us));
        let line = Line {
            t,
            component,
            arm: if canary { Arm::Canary } else { Arm::Baseline },
            started: ok + failed + open,
            outcomes: Outcomes { ok, timeout: failed, ..Outcomes::default() },
            latency,
            host: host.clone(),
            weight_ppm,
            signals: BTreeMap::from([("queue".to_owned(), value)]),
            node: host,
            users: UserMasks { seen: users, failed: users & ok },
            blocks: BTreeMap::from([("tax".to_owned(), failed)]),
            merged: None,
        };
        let read = Line::parse(line.to_json().unwrap().as_bytes()).unwrap();
        let drift = (read.signals["queue"] - value).abs() / value.abs().max(f64::MIN_POSITIVE);
        prop_assert!(drift < 1e-12, "{} instead of {}", read.signals["queue"], value);
        prop_assert_eq!(Line { signals: line.signals.clone(), ..read }, line);
    }
}
