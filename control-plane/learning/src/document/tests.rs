use super::*;
use crate::sample::{day, year};

fn document() -> Document {
    let outcomes = Outcomes::of(year());
    let (earlier, later) = outcomes.split(0.7);
    let card = Card {
        learned_at: day(300),
        data: Data::of(&earlier),
        later: Data::of(&later),
        candidate: Figures::default(),
        replaced: Figures { false_rollbacks: 2.0, ..Figures::default() },
    };
    Document::new(Some("0123456789ab"), card, Tuning::default())
}

#[test]
fn what_is_written_is_read_again_and_has_the_same_version() {
    let document = document();
    let read = Document::read(&document.to_json()).unwrap();
    assert_eq!(read, document);
    assert_eq!((read.version().len(), read.parent()), (12, Some("0123456789ab")));
    assert_eq!((read.card().data.outcomes, read.card().later.outcomes), (210, 90));
    assert!(read.card().data.to < read.card().later.from);
    assert!(document.to_json().len() < DOCUMENT_BYTES_MAX);
    let detectors = r#""confidences":{"metrics":[{"from":0.0,"probability":0.9,"outcomes":0.0},"#;
    assert!(document.to_json().contains(detectors), "{}", document.to_json());
    assert!(document.to_json().contains(r#""outcomes":0.0}],"log_template":[{"from":0.0,"#));
}

#[test]
fn what_was_changed_damaged_or_is_out_of_bounds_is_refused() {
    let text = document().to_json();
    let check = |from: &str, to: &str, said: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        let error = Document::read(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(said), "{from} -> {to}: {error}");
    };
    check("serin-tuning/1", "serin-predictor/1", "format: is serin-predictor/1");
    check("\"slow_load\":1.0", "\"slow_load\":1.5", "sha256: is not that");
    check("\"slow_load\":1.0", "\"slow_load\":3.0", "rooms.slow_load: 3 is not from 0.5 to 2");
    check("\"slow_load\":1.0,", "", "rooms.slow_load: is missing");
    check("\"behaviour\":0.", "\"behaviour\":0.0", "weights: are not a sum of 1");
    check("\"probability\":0.9", "\"probability\":1.9", "confidences: hold a number");
    check("\"metrics\":[", "\"requests\":[", "missing field `metrics`");
    check("\"conversion\":[", "\"scroll\":[", "scroll");
    check("\"learned_at\":", "\"learnt_at\":", "unknown field");
    check("\"outcomes\":210", "\"outcomes\":-1", "card.data.outcomes");
    assert!(Document::read("{").is_err());
}
