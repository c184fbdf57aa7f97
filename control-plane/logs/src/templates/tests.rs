use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::line::Severity;

/// Compiling the rules takes longer than using them.
static MASKER: LazyLock<Masker> = LazyLock::new(|| Masker::new(true).unwrap());

fn templates() -> Templates {
    Templates::new(MASKER.clone())
}

fn line(body: &str, second: u64) -> LogLine<'_> {
    LogLine { body, second, ..LogLine::default() }
}

fn words(mut number: u64) -> String {
    let mut text = String::new();
    for _ in 0..6 {
        text.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    text
}

#[test]
fn a_template_shows_both_arms_its_first_second_and_samples_of_the_canary_first() {
    let mut templates = templates();
    let seen: Vec<Seen> = [
        (Arm::Baseline, "order 1 stored", 12),
        (Arm::Baseline, "order 2 stored", 11),
        (Arm::Baseline, "order 3 stored", 12),
        (Arm::Canary, "order 4 stored", 13),
        (Arm::Canary, "order 4 stored", 13),
        (Arm::Canary, "order 5 stored", 13),
    ]
    .into_iter()
    .map(|(arm, body, second)| templates.observe(&line(body, second), arm))
    .collect();
    assert!(seen[0].is_new && seen[1..].iter().all(|seen| !seen.is_new && seen.is_counted));
    let template = templates.template(seen[0].template).unwrap();
    assert_eq!(template.text(), "order <*> stored");
    assert_eq!((template.first_seen, template.last_seen), (11, 13));
    assert_eq!((template.baseline, template.canary), (3, 3));
    let samples: Vec<_> = template.samples.iter().map(|sample| (sample.arm, sample.text.as_str())).collect();
    assert_eq!(
        samples,
        [(Arm::Canary, "order 4 stored"), (Arm::Canary, "order 5 stored"), (Arm::Baseline, "order 1 stored"),]
    );
    let count = |baseline, canary| vec![TemplateCount { template: TemplateId(1), baseline, canary }];
    assert_eq!(templates.seconds().collect::<Vec<_>>(), [11, 12, 13]);
    assert_eq!(
        (templates.drain(11), templates.drain(12), templates.drain(13)),
        (count(1, 0), count(2, 0), count(0, 3))
    );
    assert_eq!(templates.drain(13), []);
}

#[test]
fn the_same_words_with_another_exception_are_another_template_and_the_worst_severity_stays() {
    let mut templates = templates();
    let with = |exception, severity| LogLine { exception, severity, ..line("request failed", 1) };
    let plain = templates.observe(&with(None, Severity::Error), Arm::Baseline);
    let null = templates.observe(&with(Some("NullPointerException"), Severity::Error), Arm::Baseline);
    let worse = templates.observe(&with(Some("NullPointerException"), Severity::Fatal), Arm::Canary);
    templates.observe(&with(Some("NullPointerException"), Severity::Info), Arm::Canary);
    assert_ne!(plain.template, null.template);
    assert_eq!(null.template, worse.template);
    let template = templates.template(null.template).unwrap();
    assert_eq!((template.severity, template.exception), (Severity::Fatal, Some("NullPointerException")));
}

#[test]
fn what_is_retired_makes_room_and_its_number_is_never_given_again() {
    let mut templates = templates();
    for number in 0..10 {
        templates.observe(&line(&words(number), number), Arm::Baseline);
    }
    templates.retire(8);
    assert_eq!(templates.iter().map(|template| template.id.0).collect::<Vec<_>>(), [9, 10]);
    let seen = templates.observe(&line(&words(0), 20), Arm::Baseline);
    assert_eq!((seen.template, seen.is_new), (TemplateId(11), true));
}

#[test]
fn at_every_bound_the_counts_of_a_second_add_up_to_its_lines() {
    let mut templates = templates();
    let lines = 5 * crate::TEMPLATES_MAX as u64;
    for number in 0..lines {
        let body = format!("{} {}", words(number), "tail ".repeat(usize::try_from(number % 40).unwrap()));
        templates.observe(&line(&body, 7), Arm::Canary);
    }
    let counts = templates.drain(7);
    assert_eq!(counts.iter().map(|count| count.canary).sum::<u64>(), lines);
    assert_eq!(counts[0].template, TemplateId::OVERFLOW);
    assert_eq!(counts[0].canary, templates.shed().templates);
    assert_eq!(templates.iter().count(), crate::TEMPLATES_MAX - crate::RESERVED);
}

#[test]
fn seconds_and_counts_that_nobody_drains_have_a_bound() {
    let mut templates = templates();
    let distinct: Vec<String> = (0..400).map(words).collect();
    for second in 0..300 {
        for body in &distinct {
            templates.observe(&line(body, second), Arm::Baseline);
        }
    }
    let shed = templates.shed();
    assert_eq!(shed.seconds, (300 - SECONDS_MAX as u64) * 400);
    // Templates of a leaf are bounded, too: what has none is counted without one.
    let all: Vec<TemplateCount> = (0..300).flat_map(|second| templates.drain(second)).collect();
    let placed = all.iter().filter(|count| count.template != TemplateId::OVERFLOW).count();
    assert_eq!(placed, CELLS_MAX);
    assert_eq!(all.iter().map(|count| count.baseline).sum::<u64>(), SECONDS_MAX as u64 * 400);
    templates.observe(&line(&distinct[0], 1_000), Arm::Baseline);
    assert_eq!(templates.drain(1_000)[0].baseline, 1);
}

/// A secret that masking knows, and the part of it that must not be seen.
fn secret() -> impl Strategy<Value = (String, String)> {
    (0..6_usize, "[A-Za-z]{4}[0-9][A-Z][A-Za-z0-9]{14,20}").prop_map(|(class, core)| {
        let text = match class {
            0 => format!("Authorization: Bearer {core}"),
            1 => format!("password={core}"),
            2 => format!("eyJ{core}.eyJ{core}.{core}"),
            3 => format!("amqp://user:{core}@broker:5672/vhost"),
            4 => format!("{{\"client_secret\":\"{core}\"}}"),
            _ => format!("https://api.example.com/v1?api_key={core}&limit=10"),
        };
        (text, core)
    })
}

proptest! {
    #[test]
    fn no_secret_gets_into_a_template_or_a_sample(
        secrets in prop::collection::vec((secret(), "[a-z]{1,8}( [a-z]{1,8}){0,4}", any::<bool>()), 1..12),
    ) {
        let mut templates = templates();
        for ((text, _), words, is_first) in &secrets {
            let body = if *is_first { format!("{text} {words}") } else { format!("{words} {text}") };
            let exception = Some(text.as_str());
            templates.observe(&line(&body, 1), Arm::Canary);
            templates.observe(&LogLine { exception, ..line(words, 1) }, Arm::Baseline);
        }
        for template in templates.iter() {
            let shown = format!("{template:?}");
            for ((_, core), ..) in &secrets {
                prop_assert!(!shown.contains(core), "{core} in {shown}");
            }
        }
    }

    #[test]
    fn the_same_lines_in_the_same_order_give_the_same_templates_and_counts(
        lines in prop::collection::vec(("[ab1 ]{0,12}", 0..4_u64, any::<bool>()), 0..60),
    ) {
        let run = || {
            let mut templates = templates();
            let seen: Vec<_> = lines
                .iter()
                .map(|(body, second, canary)| {
                    templates.observe(&line(body, *second), if *canary { Arm::Canary } else { Arm::Baseline })
                })
                .collect();
            let shown: Vec<String> = templates.iter().map(|template| format!("{template:?}")).collect();
            (seen, shown, (0..4).map(|second| templates.drain(second)).collect::<Vec<_>>())
        };
        let (seen, shown, counts) = run();
        prop_assert_eq!((&seen, &shown, &counts), (&run().0, &run().1, &run().2));
        let mut expected: BTreeMap<(u64, TemplateId), u64> = BTreeMap::new();
        for ((_, second, _), seen) in lines.iter().zip(&seen) {
            *expected.entry((*second, seen.template)).or_default() += 1;
        }
        let told: BTreeMap<_, _> = (0..)
            .zip(&counts)
            .flat_map(|(second, counts)| {
                counts.iter().map(move |count| ((second, count.template), count.baseline + count.canary))
            })
            .collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn any_bytes_are_observed(bytes in prop::collection::vec(any::<u8>(), 0..200), exception in prop::option::of(".{0,300}")) {
        let body = String::from_utf8_lossy(&bytes);
        let mut templates = templates();
        let seen = templates.observe(&LogLine { exception: exception.as_deref(), ..line(&body, 1) }, Arm::Canary);
        let template = templates.template(seen.template).unwrap();
        prop_assert!(template.samples[0].text.len() <= SAMPLE_BYTES);
        prop_assert!(template.exception.is_none_or(|exception| exception.len() <= EXCEPTION_BYTES));
    }
}
