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
    let labels = ["-", "Normal", "0", "false", "", "Anomaly", "1", "True", "KERNDTLB"];
    let rows: String = labels.iter().map(|label| format!("a,E1,{label}\n")).collect();
    let labelled = loghub(format!("\u{feff}Content,EventId,Label\n{rows}").as_bytes()).unwrap();
    let anomalous: Vec<_> = labelled.iter().map(|line| line.anomalous).collect();
    let (no, yes) = (Some(false), Some(true));
    assert_eq!(anomalous, [no, no, no, no, None, yes, yes, yes, yes]);
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
        (
            "LineId,Content,EventId\n1,a, b,E1",
            "line 2: has 4 values for 3 columns; one with a comma must stand in quotation marks",
        ),
    ] {
        assert_eq!(loghub(table.as_bytes()).unwrap_err().to_string(), expected, "{table}");
    }
    assert_eq!(loghub(b"a\xff").unwrap_err(), HistoryError::NotText { at: 1 });
    let error = json_lines(b"{\"body\":\"a\"}\n\n{\"body\":1}").unwrap_err().to_string();
    assert!(error.starts_with("line 3, column 9: invalid type"), "{error}");
    assert!(!error.contains(" at line"), "{error}");
    let list = json_lines(b"[{\"body\":\"a\"}]").unwrap_err().to_string();
    assert_eq!(list, "line 1, column 1: must be one object a line, and no list of them");
    for (written, severity) in
        [("\"WARNING\"", Severity::Warn), ("17", Severity::Error), ("null", Severity::Unspecified)]
    {
        let line = format!("{{\"body\":\"a\",\"severity\":{written}}}");
        assert_eq!(json_lines(line.as_bytes()).unwrap()[0].severity, severity, "{written}");
    }
    for wrong in ["\"loud\"", "25", "[]"] {
        let line = format!("{{\"body\":\"a\",\"severity\":{wrong}}}");
        let error = json_lines(line.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("severity must be trace, debug"), "{error}");
    }
    assert_eq!(json_lines("\u{feff}{\"body\":\"a\"}".as_bytes()).unwrap().len(), 1);
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
