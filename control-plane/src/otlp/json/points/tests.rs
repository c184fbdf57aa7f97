use super::*;

/// As the specification writes it, with what is not looked at among it.
const REQUEST: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"shop"}},{"key":"process.command_args","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}}]},
  "scopeMetrics":[{"scope":{"name":"s","version":"1"},"metrics":[
    {"name":"failed","unit":"1","description":"d","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
      {"asInt":"5","startTimeUnixNano":"1544712660000000000","timeUnixNano":"1544712660300000000","exemplars":[{}],
       "attributes":[{"key":"code","value":{"intValue":"200"}},{"key":"ok","value":{"boolValue":false}}]}]}},
    {"name":"depth","gauge":{"dataPoints":[{"asDouble":10.5,"timeUnixNano":7},{"asDouble":"NaN"},{"flags":1,"asInt":3}]}},
    {"name":"took","histogram":{"aggregationTemporality":1,"dataPoints":[
      {"count":"3","sum":2.5,"bucketCounts":["1","2"],"explicitBounds":[1],"min":1,"max":2}]}}]}]}]}"#;

#[test]
fn the_form_of_the_specification_is_read() {
    let points = read(REQUEST.as_bytes()).unwrap();
    let resource = &points.resources[0];
    assert_eq!(resource.attributes, [("service.name".into(), "shop".into())]);
    let [failed, depth, took] = &resource.scopes[0].metrics[..] else { panic!("{resource:?}") };
    assert_eq!(failed.kind, Kind::Sum { temporality: Temporality::Cumulative, is_monotonic: true });
    let point = &failed.points[0];
    assert_eq!((point.start_ns, point.time_ns), (1_544_712_660_000_000_000, 1_544_712_660_300_000_000));
    assert_eq!(point.value, Value::Number(5.0));
    assert_eq!(point.attributes, [("code".into(), "200".into()), ("ok".into(), "false".into())]);
    assert_eq!((depth.kind, &depth.points[0].value), (Kind::Gauge, &Value::Number(10.5)));
    assert!(matches!(depth.points[1].value, Value::Number(number) if number.is_nan()));
    assert_eq!(depth.points[2].value, Value::Absent);
    let seen = Histogram { count: 3, sum: Some(2.5), buckets: vec![1, 2], bounds: vec![1.0] };
    assert_eq!(
        (took.kind, &took.points[0].value),
        (Kind::Histogram(Temporality::Delta), &Value::Histogram(seen))
    );
}

#[test]
fn absent_and_null_fields_are_empty_and_what_is_wrong_is_said() {
    for text in
        ["{}", r#"{"resourceMetrics":null}"#, r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{}]}]}]}"#]
    {
        assert!(read(text.as_bytes()).unwrap().resources.is_empty(), "{text}");
    }
    let point = |point: &str| {
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"gauge":{{"dataPoints":[{point}]}}}}]}}]}}]}}"#
        )
    };
    for (text, words) in [
        (String::new(), "EOF"),
        (r#"{"resourceMetrics":3}"#.to_owned(), "a list"),
        (point(r#"{"asDouble":"much"}"#), "a number, or the same as text"),
        (point(r#"{"timeUnixNano":-1}"#), "a whole number"),
        (point(r#"{"attributes":[{"key":"a","value":{"intValue":"x"}}]}"#), "a whole number"),
    ] {
        let error = read(text.as_bytes()).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}
