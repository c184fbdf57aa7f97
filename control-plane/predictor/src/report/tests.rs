//! The report is one page that needs nothing else.

use super::*;
use crate::model::{ForestSettings, Settings};
use crate::simulate::{csv, deployments};
use crate::table::{Format, History, Layout, Table};
use crate::training::Training;

fn text() -> String {
    let drawn = csv(&deployments(400, 2), false).replace("profile", "<script>alert(1)</script>");
    let table = Table::read(&drawn, Format::Csv, &Layout::default()).unwrap();
    let history = History::try_from(&table).unwrap();
    let settings =
        Settings { forest: ForestSettings { trees: 20, ..ForestSettings::default() }, ..Settings::default() };
    let (document, evaluation) = Training { settings, ..Training::default() }.train(&history).unwrap();
    let judged = Judged { source: "in folds", predictions: &evaluation.predictions };
    page(&document, judged, Some(&Summary::of(&history)))
}

#[test]
fn the_report_has_its_plots_and_reaches_nothing() {
    let page = text();
    assert_eq!(
        page.matches("<svg").count(),
        5,
        "ROC, precision and recall, calibration, outcomes, importances"
    );
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    let without_names = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "src=", "<script", "@import", "url("] {
        assert!(!without_names.contains(outside), "{outside}");
    }
    assert!(page.contains("&lt;script&gt;"), "a word of the table is shown as text");
    assert!(page.contains("ROC-AUC") && page.contains("lines_added"));
    assert!(!page.contains("NaN") && !page.contains("inf "));
    assert_eq!(page, text(), "the same table gives the same page");
}

#[test]
fn numbers_are_short() {
    for (value, shown) in [
        (0.0, "0"),
        (0.123_456, "0.123"),
        (12.345, "12.35"),
        (123.456, "123.5"),
        (98_765.4, "98765"),
        (0.000_12, "1.20e-4"),
    ] {
        assert_eq!(number(value), shown);
    }
    assert_eq!(date(1_767_225_600.0), "2026-01-01");
}
