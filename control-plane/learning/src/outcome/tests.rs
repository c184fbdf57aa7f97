use proptest::prelude::*;

use super::*;
use crate::sample::{day, outcome, person, told, year};

fn sample() -> Outcome {
    told(outcome(3, Decided::RolledBack, Kind::SlowLoad, 0.2), Truth::Harmful, person("ann"))
}

#[test]
fn what_is_written_is_read_again() {
    let written = Outcomes::of(year());
    assert_eq!(Outcomes::read(&written.to_lines()).unwrap(), written);
    assert_eq!(written.len(), 300);
    let unlabelled = Outcomes::of([outcome(1, Decided::Promoted, Kind::SlowLoad, 0.1)]);
    assert_eq!(Outcomes::read(&format!("\n{}\n", unlabelled.to_lines())).unwrap(), unlabelled);
}

#[test]
fn a_line_looks_as_the_page_shows_it() {
    let mut sample = sample();
    sample.seen.truncate(1);
    let expected = r#"{"rollout":"r3","service":"stock","ended_at":1767484800,"decided":"rolled_back","label":{"truth":"harmful","by":{"person":"ann"},"at":1767571200},"alpha":0.01,"least_conversion":0.95,"progress":1.0,"sources":{"metrics":{"weight":0.4,"log_evidence":0.5},"behaviour":{"weight":0.3,"log_evidence":2.5},"logs":{"weight":0.3,"log_evidence":0.0}},"findings":[{"kind":"log_template","share":0.6,"log_evidence":0.0,"events":{"baseline":0,"canary":0},"exposures":{"baseline":84000,"canary":36000}}]}"#;
    assert_eq!(sample.to_line().trim_end(), expected);
}

#[test]
fn every_refusal_of_a_line_names_its_number_its_field_and_the_rule() {
    let good = sample().to_line();
    let check = |from: &str, to: &str, field: &str, rule: &str| {
        assert!(good.contains(from), "{from}");
        let text = format!("{good}\n{}", good.replacen(from, to, 1));
        let error = Outcomes::read(&text).unwrap_err();
        let OutcomeError::Line { line, field: found, rule: said } = &error else { panic!("{error}") };
        assert_eq!((*line, found.as_str()), (3, field), "{from} -> {to}: {error}");
        assert!(said.contains(rule), "{from} -> {to}: {error}");
    };
    check("\"r3\"", "\"\"", "rollout", "1 to 200 bytes");
    check("\"stock\"", "\"a\\u0007\"", "service", "control characters");
    check("1767484800", "1e3", "ended_at", "expected u64");
    check("1767484800", "9767484800", "ended_at", "before the year 2100");
    check("rolled_back", "paused", "decided", "unknown variant");
    check("harmful", "bad", "label.truth", "unknown variant");
    check("1767571200", "5", "label.at", "before the end");
    check("{\"person\":\"ann\"}", "{\"person\":\"\"}", "label.by.person", "1 to 200 bytes");
    check("{\"person\":\"ann\"}", "\"default\"", "label.by", "promoted is harmless");
    check("\"alpha\":0.01", "\"alpha\":0", "alpha", "above 0");
    check("\"alpha\":0.01", "\"alpha\":1e999", "alpha", "number out of range");
    check("0.95", "1.5", "least_conversion", "0 to 1");
    check("\"progress\":1.0", "\"progress\":0.0", "progress", "above 0");
    check("\"weight\":0.4", "\"weight\":-0.1", "sources.metrics.weight", "0 to 1");
    check("\"weight\":0.4", "\"weight\":0.5", "sources", "sum to 1");
    check("\"log_evidence\":2.5", "\"log_evidence\":1e12", "sources.behaviour.log_evidence", "no logarithm");
    check("\"share\":0.6", "\"share\":1.1", "findings[0].share", "above 0 and at most 1");
    check("\"baseline\":84000", "\"baseline\":9e15", "findings[0].exposures.baseline", "expected u64");
    check("\"baseline\":84000", "\"baseline\":9000000000000000", "findings[0].exposures", "more than can be");
    check(
        "\"events\":{\"baseline\":0",
        "\"events\":{\"baseline\":84001",
        "findings[0].events",
        "more than the exposures",
    );
}

#[test]
fn what_is_too_much_is_refused() {
    let long = format!("{{\"rollout\":\"{}\"}}", "a".repeat(LINE_BYTES_MAX));
    assert!(Outcomes::read(&long).unwrap_err().to_string().contains("longer than"));
    let mut many = sample();
    let seen = many.seen[0];
    many.seen = vec![seen; FINDINGS_MAX + 1];
    assert!(Outcomes::read(&many.to_line()).unwrap_err().to_string().contains("findings: are more than 64"));
    assert_eq!(Outcomes::read(&"\n".repeat(LINES_MAX + 1)), Err(OutcomeError::TooMany));
    let twice = format!("{0} {0}", sample().to_line().trim_end());
    assert!(Outcomes::read(&twice).unwrap_err().to_string().contains("more than one object"));
}

#[test]
fn a_person_outranks_a_verification_which_outranks_silence_and_of_equals_the_later_counts() {
    let rollout = outcome(3, Decided::Promoted, Kind::SlowLoad, 0.2);
    let said = |truth, by, days: u64| {
        let mut said = told(rollout.clone(), truth, by);
        said.label.as_mut().unwrap().at = day(3 + days);
        said
    };
    let lines = [
        said(Truth::Harmful, person("bob"), 2),
        said(Truth::Harmless, person("ann"), 4),
        said(Truth::Harmful, Teller::Verification, 9),
        said(Truth::Harmless, Teller::Default, 14),
    ];
    let standing = |of: &[Outcome]| Outcomes::of(of.iter().cloned()).as_slice()[0].label.clone().unwrap();
    assert_eq!(standing(&lines).by, person("ann"));
    assert_eq!(standing(&[lines[3].clone(), lines[2].clone()]).by, Teller::Verification);
    assert_eq!(Outcomes::of(lines.clone()).len(), 1);
    assert_eq!(standing(&[lines[0].clone(), rollout]).by, person("bob"));
}

#[test]
fn only_what_was_known_is_known_and_the_later_part_begins_after_the_earlier() {
    let all = Outcomes::of(year());
    assert_eq!(all.known_at(day(100)).len(), 100);
    let (earlier, later) = all.split(0.7);
    assert_eq!((earlier.len(), later.len()), (210, 90));
    assert!(earlier.as_slice().last().unwrap().ended_at < later.as_slice()[0].ended_at);
    let (none, both) = Outcomes::of([sample(), sample()]).split(0.5);
    assert_eq!((none.len(), both.len()), (0, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gives_outcomes_or_an_error(text in any::<String>(), cut in 0..700_usize, put in any::<char>()) {
        let _ = Outcomes::read(&text);
        let mut line: Vec<char> = sample().to_line().chars().collect();
        let cut = cut.min(line.len() - 1);
        line[cut] = put;
        if let Ok(read) = Outcomes::read(&line.into_iter().collect::<String>()) {
            prop_assert_eq!(Outcomes::read(&read.to_lines()).unwrap(), read);
        }
    }

    #[test]
    fn the_order_of_lines_changes_nothing(seed in any::<u64>()) {
        let mut lines = year();
        lines.extend(year().into_iter().map(|line| told(line, Truth::Harmless, person("eve"))).take(40));
        let expected = Outcomes::of(lines.clone());
        let mut random = serin_random::Random::new(seed, 0);
        for at in (1..lines.len()).rev() {
            lines.swap(at, random.index(at + 1));
        }
        let shuffled = Outcomes::of(lines);
        prop_assert_eq!(shuffled.sha256(), expected.sha256());
        prop_assert_eq!(shuffled, expected);
    }
}
