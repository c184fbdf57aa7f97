use proptest::prelude::*;

use super::*;

#[test]
fn a_table_of_loghub_is_read_with_quotations_levels_and_labels() {
    let table = concat!(
        "LineId,Label,Level,Content,EventId,EventTemplate\r\n",
        "1,-,INFO,\"one, \"\"two\"\"\nthree\",E1,x\r\n",
        "\n",
        "2,KERNDTLB,FATAL,data TLB error,E2,x",
    );
    let lines = loghub(table.as_bytes()).unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (line.body.as_str(), line.severity, line.event.as_deref().unwrap(), line.anomalous.unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("one, \"two\"\nthree", Severity::Info, "E1", false),
            ("data TLB error", Severity::Fatal, "E2", true),
        ]
    );
    let plain = loghub(b"Content,EventId\na,E1\n").unwrap();
    assert_eq!((plain[0].severity, plain[0].anomalous), (Severity::Unspecified, None));
}

#[test]
fn what_is_no_history_is_refused_with_its_place() {
    for (table, expected) in [
        ("Content\na", "line 1: the column EventId must be there"),
        ("", "line 1: the column Content must be there"),
        ("Content,EventId\n\"a,E1", "line 2: the quotation that begins here must be closed"),
        (
            "Content,EventId\na,E1\n\"a\"b,E1",
            "line 3, column 4: a comma or the end of the line must follow a quotation",
        ),
        ("LineId,Content,EventId\n1,a", "line 2: the column EventId must have a value"),
    ] {
        assert_eq!(loghub(table.as_bytes()).unwrap_err().to_string(), expected, "{table}");
    }
    assert_eq!(loghub(b"a\xff").unwrap_err(), HistoryError::NotText { at: 1 });
    let error = json_lines(b"{\"body\":\"a\"}\n\n{\"body\":1}").unwrap_err().to_string();
    assert!(error.starts_with("line 3, column 9: invalid type"), "{error}");
    assert!(json_lines(b"{\"body\":\"a\",\"colour\":1}").unwrap_err().to_string().contains("unknown field"));
}

proptest! {
    #[test]
    fn any_bytes_are_a_history_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = json_lines(&bytes);
        let table = [b"Content,EventId\n".as_slice(), &bytes].concat();
        if let Ok(lines) = loghub(&table) {
            prop_assert!(lines.len() <= bytes.len());
        }
    }

    #[test]
    fn what_is_written_with_quotations_is_read_back(fields in prop::collection::vec(("[a\",\r\n é]{0,12}", "[A-Z][0-9]"), 1..8)) {
        let mut table = "Content,EventId\r\n".to_owned();
        for (content, event) in &fields {
            table += &format!("\"{}\",{event}\r\n", content.replace('"', "\"\""));
        }
        let lines = loghub(table.as_bytes()).unwrap();
        let read: Vec<_> = lines.iter().map(|line| (line.body.as_str(), line.event.as_deref().unwrap())).collect();
        prop_assert_eq!(read, fields.iter().map(|(content, event)| (content.as_str(), event.as_str())).collect::<Vec<_>>());
    }

    #[test]
    fn lines_of_json_are_read_back(body in ".{0,40}", second in any::<u64>(), anomalous in any::<Option<bool>>()) {
        let labelled = Labelled { body, second, anomalous, severity: Severity::Warn, ..Labelled::default() };
        let text = serde_json::to_string(&labelled).unwrap();
        prop_assert_eq!(json_lines(text.as_bytes()).unwrap(), vec![labelled]);
    }
}
