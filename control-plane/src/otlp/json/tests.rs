use super::*;

/// As the specification writes it, with what is not looked at among it.
const REQUEST: &str = r#"{"resourceLogs":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"shop"}},{"key":"n","value":{"intValue":"7"}}]},
  "scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"timeUnixNano":"1544712660300000000","severityNumber":17,
    "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","unknown":[{}],
    "body":{"kvlistValue":{"values":[]}},
    "attributes":[{"key":"serin.block","value":{"stringValue":"tax"}},{"key":"exception.type","value":{"boolValue":true}}]}]}]}]}"#;

#[test]
fn the_form_of_the_specification_is_read() {
    let gathered = read(REQUEST.as_bytes()).unwrap();
    let group = &gathered.groups[0];
    let record = &group.records[0];
    assert_eq!(group.resource.service_name.as_deref(), Some("shop"));
    assert_eq!((record.time_ns, record.severity), (1_544_712_660_300_000_000, 17));
    assert_eq!(
        (record.trace, record.span),
        (0x5b8e_fff7_9803_8103_d269_b633_813f_c60c, 0xeee1_9b7e_c3c1_b174)
    );
    assert_eq!((record.attributes.block.as_deref(), record.attributes.has_exception), (Some("tax"), true));
}

#[test]
fn absent_and_null_fields_are_empty_and_numbers_may_be_text_or_not() {
    for (text, records) in [
        ("{}", 0),
        (r#"{"resourceLogs":null}"#, 0),
        (r#"{"resourceLogs":[{}]}"#, 0),
        (
            r#"{"resourceLogs":[{"resource":null,"scopeLogs":[{"logRecords":[{},{"timeUnixNano":5,"severityNumber":null,"traceId":"x","attributes":[{},{"key":"a"}]}]}]}]}"#,
            2,
        ),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap().not_errors, records, "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, words) in [
        ("", "EOF"),
        ("[]x", "line 1"),
        (r#"{"resourceLogs":3}"#, "a list"),
        (r#"{"resourceLogs":[]} x"#, "trailing"),
        (
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"soon"}]}]}]}"#,
            "a whole number of at most 64 bits",
        ),
    ] {
        let error = read(text.as_bytes()).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}
