//! Documents survive being written and read, and a damaged one is named.

use proptest::prelude::*;

use super::*;
use crate::model::ForestSettings;
use crate::simulate::{csv, deployments};
use crate::table::{Format, Layout, Table};
use crate::training::Training;

fn document(kind: Kind) -> (Document, Table) {
    let text = csv(&deployments(320, 3), false);
    let table = Table::read(&text, Format::Csv, &Layout::default()).unwrap();
    let history = History::try_from(&table).unwrap();
    let settings =
        Settings { forest: ForestSettings { trees: 12, ..ForestSettings::default() }, ..Settings::default() };
    let training = Training { kind: Some(kind), settings, ..Training::default() };
    (training.train(&history).unwrap().0, table)
}

#[test]
fn a_model_that_was_written_and_read_says_the_same_to_the_last_bit() {
    for kind in Kind::ALL {
        let (document, table) = document(kind);
        let read = Document::read(&document.to_json()).unwrap();
        assert_eq!((read.version(), read.card()), (document.version(), document.card()));
        let bits = |document: &Document| -> Vec<u64> {
            document.predictor().probabilities(&table).iter().map(|p| p.to_bits()).collect()
        };
        assert_eq!(bits(&read), bits(&document), "{kind:?}");
        assert_eq!(read.to_json(), document.to_json());
    }
}

#[test]
fn a_document_that_was_laid_out_anew_is_the_same() {
    let (document, _) = document(Kind::Logistic);
    let value: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap();
    let read = Document::read(&serde_json::to_string_pretty(&value).unwrap()).unwrap();
    assert_eq!(read.version(), document.version());
}

#[test]
fn what_is_wrong_with_a_document_is_said() {
    let text = document(Kind::Forest).0.to_json();
    let said = |text: &str| Document::read(text).unwrap_err().to_string();
    assert!(said("").starts_with("line 1, column 0: is not a whole model"), "{}", said(""));
    assert!(said(&text[..text.len() / 2]).contains("is not a whole model"));
    assert!(
        said("{\"format\":\"other/2\"}")
            .contains("is not a model of the form serin-predictor/1, but other/2")
    );
    let changed = text.replacen("\"rows\":320", "\"rows\":321", 1);
    assert!(said(&changed).starts_with("was changed or damaged after it was written"), "{}", said(&changed));
}

#[test]
fn a_model_with_a_number_that_is_none_is_not_whole() {
    let (mut document, _) = document(Kind::Logistic);
    assert!(document.is_whole());
    document.predictor.calibration = crate::calibration::Calibration::Platt { a: f64::NAN, b: 0.0 };
    assert!(!Document::new(document.card, document.predictor).is_whole());
}

#[test]
fn costs_that_are_none_are_refused() {
    let (document, _) = document(Kind::Logistic);
    for (false_alarm, missed) in [(0.0, 0.0), (1.0, 0.0), (-1.0, 4.0), (f64::MAX, f64::INFINITY)] {
        let card = Card { costs: Costs { false_alarm, missed }, ..document.card.clone() };
        assert!(!Document::new(card, document.predictor.clone()).is_whole(), "{false_alarm} {missed}");
    }
}

#[test]
fn a_model_reads_tables_by_the_names_of_the_one_that_it_learned_from() {
    let text = csv(&deployments(320, 3), false);
    let renamed = text.replacen("rolled_back", "bug", 1).replacen("at,service", "began,team", 1);
    let layout = Layout {
        label: "bug".to_owned(),
        time: "began".to_owned(),
        categories: vec!["team".to_owned()],
        ignored: vec!["hour".to_owned()],
        ..Layout::default()
    };
    let table = Table::read(&renamed, Format::Csv, &layout).unwrap();
    let training = Training { kind: Some(Kind::Logistic), ..Training::default() };
    let document = training.train(&History::try_from(&table).unwrap()).unwrap().0;
    let read = Document::read(&document.to_json()).unwrap();
    let again = Table::read(&renamed, Format::Csv, &read.layout(true)).unwrap();
    assert_eq!((again.labels(), again.times()), (table.labels(), table.times()));
    assert_eq!(read.predictor().probabilities(&again), document.predictor().probabilities(&table));
    let (usual, _) = self::document(Kind::Logistic);
    assert!(!usual.to_json().contains("\"columns\":{\"label\""), "the usual names are left out");
    assert_eq!(usual.card().columns, Names::default());
}

#[test]
fn a_model_that_would_not_end_or_reach_beside_its_features_is_refused() {
    let (mut document, _) = document(Kind::Forest);
    let text = serde_json::to_string(&document.predictor.model).unwrap();
    for (from, to, rule) in [
        // The first node's children.
        (",1,", ",0,", ""),
        ("[[[", "[[[9", "a tree splits by a feature that there is not"),
    ] {
        let model = serde_json::from_str(&text.replacen(from, to, 1));
        let Ok(model) = model else { continue };
        document.predictor.model = model;
        let read =
            Document::read(&Document::new(document.card.clone(), document.predictor.clone()).to_json());
        assert!(rule.is_empty() || read.unwrap_err().to_string().contains(rule));
    }
    let loops = text.replacen("[[", "[[[0,0.5,true,0,0.1,0.0],[0,0.5,true,1,0.1,0.0]],[", 1);
    document.predictor.model = serde_json::from_str(&loops).unwrap();
    let read = Document::read(&Document::new(document.card.clone(), document.predictor.clone()).to_json());
    assert!(read.unwrap_err().to_string().contains("a tree has a node whose children are not in it"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_changed_letter_is_found_or_changes_nothing(place in any::<prop::sample::Index>(), letter in 32_u8..127) {
        thread_local! {
            static TEXT: String = document(Kind::Logistic).0.to_json();
        }
        TEXT.with(|text| {
            let mut bytes = text.clone().into_bytes();
            let place = place.index(bytes.len() - 1);
            bytes[place] = letter;
            let changed = String::from_utf8(bytes).unwrap();
            if let Ok(read) = Document::read(&changed) {
                assert_eq!(&read.to_json(), text, "a change at {place} was not found");
            }
        });
    }
}
