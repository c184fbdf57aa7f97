use std::fmt::Write;
use std::time::Duration;

use proptest::prelude::*;

use super::quantity::{Proportion, Span};
use super::*;
use crate::{Creation, Phase, RolloutId, Salt, State, UnixMillis, create};

const MINIMAL: &str = include_str!("../../examples/minimal.yaml");
const FULL: &str = include_str!("../../examples/full.yaml");
const QUICK: &str = include_str!("../../examples/quick.yaml");
pub(super) const EXPERIMENT: &str = include_str!("../../examples/experiment.yaml");

fn weight(ppm: u32) -> Weight {
    Weight::from_ppm(ppm).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn state(plan: &Plan) -> State {
    let creation =
        Creation { id: RolloutId("r-1".to_owned()), salt: Salt(7), actor: "anna".to_owned(), paused: false };
    create(plan, creation, UnixMillis(0)).state
}

fn errors(yaml: &str) -> String {
    match Plan::parse(yaml) {
        Ok(_) => "accepted".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn a_plan_tells_which_tags_it_gives_and_which_it_leaves_open() {
    let full = Plan::parse(FULL).unwrap();
    let said: Vec<_> = full.components().map(|c| (c.said.granularity, c.said.business_weight)).collect();
    assert_eq!(said, [(true, true), (true, false), (true, false)]);
    assert_eq!(full.component("checkout").unwrap().owner, Some("payments@shop.example"));
    let open =
        Plan::parse(&format!("{MINIMAL}components: [{{name: a, matches: [{{path: {{exact: /}}}}]}}]\n"))
            .unwrap();
    let open = open.component("a").unwrap();
    assert_eq!((open.said, open.granularity), (&crate::plan::Said::default(), Granularity::Medium));
}

#[test]
fn a_minimal_plan_gets_the_documented_defaults() {
    let plan = Plan::parse(MINIMAL).unwrap();
    let weights: Vec<u32> = plan.steps().iter().map(|step| step.weight.ppm() / 10_000).collect();
    assert_eq!(weights, [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]);
    assert!(plan.steps().iter().all(|step| step.bake == seconds(600)));
    assert_eq!((plan.warm_up(), plan.promotion()), (seconds(300), seconds(900)));
    assert_eq!(
        plan.limits(),
        &Limits {
            success_rate: weight(950_000),
            error_rate: weight(10_000),
            latency_p99: seconds(1),
            min_requests: 50,
            sustained: seconds(120),
        }
    );
    let margins = Margins { error_ratio: 1.1, error_absolute: weight(500), latency_ratio: weight(100_000) };
    assert_eq!(plan.margins(), &margins);
    let forecast =
        Forecast { latency_ratio: weight(300_000), error_absolute: weight(10_000), rollback: false };
    assert_eq!(plan.forecast(), &forecast);
    assert_eq!(plan.chart_rules(), RuleSet::None);
    assert_eq!((plan.false_rollback(), plan.wrong_promotion()), (weight(10_000), weight(10_000)));
    assert_eq!((plan.escalation().traffic, plan.automatic_rollback()), (weight(300_000), true));
}

#[test]
fn the_full_example_spells_out_the_defaults() {
    let (full, minimal) = (Plan::parse(FULL).unwrap(), Plan::parse(MINIMAL).unwrap());
    assert_eq!((full.failures(), full.limits()), (minimal.failures(), minimal.limits()));
    assert_eq!(full.margins(), minimal.margins());
    assert_eq!(full.forecast(), minimal.forecast());
    assert_eq!(full.logs(), Plan::parse(&format!("{MINIMAL}logs: {{}}\n")).unwrap().logs());
    assert_eq!(full.behaviour(), Plan::parse(&format!("{MINIMAL}behaviour: {{}}\n")).unwrap().behaviour());
    assert_eq!(full.chart_rules(), minimal.chart_rules());
    assert_eq!((full.warm_up(), full.promotion()), (minimal.warm_up(), minimal.promotion()));
    assert_eq!(full.escalation(), minimal.escalation());
    let steps: Vec<_> = full.steps().iter().map(|step| (step.weight.ppm(), step.bake.as_secs())).collect();
    assert_eq!(steps, [(10_000, 300), (100_000, 600), (250_000, 600), (500_000, 5_400)]);
    let components: Vec<_> = full.components().map(|c| (c.name, c.granularity, c.business_weight)).collect();
    assert_eq!(
        components,
        [
            ("checkout", Granularity::Medium, 3.0),
            ("orders", Granularity::Fine, 1.0),
            ("login", Granularity::Coarse, 1.0)
        ]
    );
}

#[test]
fn beacons_are_taken_in_every_phase_of_a_plan_that_asks_for_them_and_else_never() {
    let ten_minutes = Behaviour {
        novelty: seconds(600),
        conversion: weight(50_000),
        load: weight(200_000),
        weight: weight(300_000),
    };
    for (written, expected) in [
        ("", None),
        ("behaviour: {}", Some(ten_minutes)),
        (
            "behaviour: {novelty: 0s, load: 50%}",
            Some(Behaviour { novelty: seconds(0), load: weight(500_000), ..ten_minutes }),
        ),
        ("behaviour: {enabled: false, conversion: 1%}", None),
    ] {
        let plan = Plan::parse(&format!("{MINIMAL}{written}\n")).unwrap();
        assert_eq!(plan.behaviour().copied(), expected, "{written}");
        let mut state = state(&plan);
        for phase in [Phase::WarmingUp, Phase::Promoted, Phase::RolledBack] {
            state.phase = phase;
            assert_eq!(plan.service_assignment(&state).behaviour, expected.is_some(), "{written}");
        }
    }
}

#[test]
fn the_full_examples_name_every_field_of_the_schema() {
    let schema = json_schema();
    let fields = schema.pointer("/properties").unwrap().as_object().unwrap();
    let shorthand = ["initial_weight", "increment", "max_weight"];
    for field in fields.keys().filter(|field| !shorthand.contains(&field.as_str())) {
        let named = |example: &str| example.contains(&format!("\n{field}:"));
        assert!(named(FULL) || named(EXPERIMENT), "neither full.yaml nor experiment.yaml has {field}");
    }
    assert_eq!(schema.pointer("/additionalProperties"), Some(&serde_json::Value::Bool(false)));
}

#[test]
fn the_filters_accept_every_example_in_every_phase() {
    for yaml in [MINIMAL, FULL, QUICK, EXPERIMENT] {
        let plan = Plan::parse(yaml).unwrap();
        let mut state = state(&plan);
        for phase in
            [Phase::WarmingUp, Phase::Progressing, Phase::Completing, Phase::Promoted, Phase::RolledBack]
        {
            state.phase = phase;
            let service = plan.service_assignment(&state);
            serin_proto::assignment::Service::try_from(service).unwrap();
        }
    }
}

/// One broken plan a paragraph, then `=>` and what is said about it.
#[test]
fn a_bad_plan_is_refused_with_field_rule_and_place() {
    let table = include_str!("tests/refused.txt");
    let mut actual = String::new();
    let mut cases = 0;
    for case in table.split("\n---\n") {
        let (yaml, _) = case.split_once("\n=>\n").unwrap();
        let separator = if actual.is_empty() { "" } else { "\n---\n" };
        write!(actual, "{separator}{yaml}\n=>\n{}", errors(&format!("{yaml}\n"))).unwrap();
        cases += 1;
    }
    assert!(cases >= 40, "{cases} cases");
    assert_eq!(actual, table.trim_end());
}

#[test]
fn the_steps_are_regular_unless_given_one_by_one() {
    let check = |fields: &str, expected: &[(u32, u64)], promotion: u64| {
        let plan = Plan::parse(&format!("{MINIMAL}{fields}")).unwrap();
        let steps: Vec<_> =
            plan.steps().iter().map(|step| (step.weight.ppm(), step.bake.as_secs())).collect();
        assert_eq!(steps, expected, "{fields}");
        assert_eq!(plan.promotion().as_secs(), promotion, "{fields}");
    };
    check("initial_weight: 100%\n", &[], 900);
    check("steps: [{weight: 100%}]\n", &[], 900);
    check("steps: [{weight: 100%, bake: 1m}]\n", &[], 60);
    check("steps: [{weight: 5%}, {weight: 100%, bake: 0s}]\n", &[(50_000, 600)], 0);
    check(
        "evaluation: 1m\nsteps: [{weight: 5%}, {weight: 6%, bake: 2m}]\n",
        &[(50_000, 60), (60_000, 120)],
        900,
    );
    check(
        "initial_weight: 30%\nincrement: 30%\nevaluation: 1s\n",
        &[(300_000, 1), (600_000, 1), (900_000, 1)],
        900,
    );
    check("initial_weight: 50%\nincrement: 50%\npromotion: 0s\n", &[(500_000, 600)], 0);
    check(
        "initial_weight: 10%\nincrement: 30%\nmax_weight: 50%\n",
        &[(100_000, 600), (400_000, 600), (500_000, 600)],
        900,
    );
    check("initial_weight: 5%\nmax_weight: 5%\n", &[(50_000, 600)], 900);
}

#[test]
fn a_plan_has_at_most_a_hundred_steps_and_a_mebibyte() {
    let steps = |count: u32| {
        let steps: String = (1..=count).map(|step| format!("  - weight: {{ppm: {step}}}\n")).collect();
        errors(&format!("{MINIMAL}steps:\n{steps}"))
    };
    assert_eq!(steps(100), "accepted");
    assert_eq!(steps(101), "line 6, column 3: steps: exceeds the limit of 100");
    assert_eq!(errors(&format!("{MINIMAL}increment: 0.96%\n")), "accepted");
    let comment = "#".repeat(bounds::YAML_BYTES);
    assert_eq!(errors(&format!("{MINIMAL}{comment}")), "exceeds the limit of 1048576");
}

#[test]
fn plans_that_say_the_same_in_other_words_are_known() {
    let says = |yaml: &str| Plan::parse(yaml).unwrap();
    let plan = says(&format!("{MINIMAL}steps: [{{weight: 10%, bake: 60s}}]\n"));
    assert!(
        plan.says_the_same(&says(&format!("# other words\n{MINIMAL}steps:\n- bake: 1m\n  weight: 10%\n")))
    );
    assert!(!plan.says_the_same(&says(&format!("{MINIMAL}steps: [{{weight: 11%, bake: 60s}}]\n"))));
}

#[test]
fn percentages_are_exact() {
    let check = |text: &str, expected: Option<u32>| {
        assert_eq!(Proportion::Text(text.to_owned()).value().map(Weight::ppm), expected, "{text}");
    };
    check("5%", Some(50_000));
    check("5 %", Some(50_000));
    check("0.01%", Some(100));
    check("0.0001%", Some(1));
    check("33.3333%", Some(333_333));
    check("29.7%", Some(297_000));
    check("100%", Some(1_000_000));
    check("100.0%", Some(1_000_000));
    check("0%", Some(0));
    for wrong in [
        "",
        "%",
        "5",
        "0.05",
        ".5%",
        "5.%",
        "0.00001%",
        "100.0001%",
        "101%",
        "-1%",
        "+1%",
        "1e1%",
        "5%%",
        " 5%",
        "99999999999%",
        "٥%",
        "5,5%",
    ] {
        check(wrong, None);
    }
}

#[test]
fn durations_are_exact() {
    let check = |text: &str, expected: Option<u64>| {
        assert_eq!(
            Span(text.to_owned()).value().map(|span| span.as_millis()),
            expected.map(u128::from),
            "{text}"
        );
    };
    check("90s", Some(90_000));
    check("5m", Some(300_000));
    check("1h30m", Some(5_400_000));
    check("1d2h3m4s5ms", Some(93_784_005));
    check("500ms", Some(500));
    check("0s", Some(0));
    for wrong in [
        "",
        "5",
        "s",
        "5 m",
        "30m1h",
        "1h1h",
        "1.5h",
        "-5m",
        "5M",
        "5min",
        "1h30",
        "99999999999999999999s",
        "9999999999999999d",
        "５m",
    ] {
        check(wrong, None);
    }
}

mod experiment;

proptest! {
    #[test]
    fn any_text_is_accepted_or_refused(text in "\\PC*") {
        let _ = Plan::parse(&text);
    }

    #[test]
    fn any_damage_to_a_plan_is_accepted_or_refused(at in 0..FULL.len(), with in "\\PC{0,4}", length in 0_usize..8) {
        if FULL.is_char_boundary(at) && FULL.is_char_boundary(at + length) && at + length <= FULL.len() {
            let mut text = FULL.to_owned();
            text.replace_range(at..at + length, &with);
            if let Err(errors) = Plan::parse(&text) {
                prop_assert!(!errors.errors().is_empty());
            }
        }
    }

    #[test]
    fn any_weight_written_as_a_percentage_is_read_back(ppm in 0_u32..=1_000_000) {
        let text = crate::text::Percent(weight(ppm)).to_string();
        prop_assert_eq!(Proportion::Text(text).value(), Some(weight(ppm)));
    }
}
