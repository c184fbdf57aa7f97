use super::*;

fn plan(steps: &str) -> Plan {
    Plan::parse(&format!("service: shop\nbaseline: v1\ncanary: v2\nsteps: [{steps}]\n")).unwrap()
}

fn at(requests_per_second: f64) -> Traffic {
    Traffic { requests_per_second, error_rate: 0.001, latency: Duration::from_millis(50) }
}

/// Against `docs/detection.md`, which is measured on rougher traffic: `errors_5pct_100rps_w5` has a median of 40 s and 112 s as
/// its 95th percentile, `errors_30pct_100rps_w5` 9 s and 21 s. The median within a factor of two, the other within three.
#[test]
fn expected_times_are_those_of_the_benchmark_within_a_factor_of_two_and_three() {
    let all = expected(&plan("{weight: 5%, bake: 10m}"), &at(100.0), 1).unwrap();
    let of = |harm| all.iter().find(|one| one.harm == harm).unwrap();
    for (harm, median, late) in [(Harm::Errors(50_000), 40.0, 112.0), (Harm::Errors(300_000), 9.0, 21.0)] {
        let found = of(harm);
        assert_eq!((found.found, found.runs), (RUNS, RUNS), "{harm:?}");
        let near = |time: Option<Duration>, expected: f64, factor: f64| {
            let seconds = time.unwrap().as_secs_f64();
            let range = expected / factor..=expected * factor;
            assert!(range.contains(&seconds), "{harm:?}: {seconds} s, not {expected} s");
        };
        near(found.median, median, 2.0);
        near(found.late, late, 3.0);
    }
}

#[test]
fn worse_harm_and_more_traffic_are_found_sooner_and_short_steps_too_late() {
    let steps = "{weight: 5%, bake: 20s}, {weight: 50%, bake: 5m}";
    let (thin, busy) =
        (expected(&plan(steps), &at(20.0), 1).unwrap(), expected(&plan(steps), &at(1_000.0), 1).unwrap());
    let of = |all: &[Expected], ppm: u32, harm| {
        all.iter().find(|one| one.step.weight.ppm() == ppm && one.harm == harm).unwrap().clone()
    };
    let median =
        |all: &[Expected], ppm, harm| of(all, ppm, harm).median.map_or(u64::MAX, |time| time.as_secs());
    assert_eq!(thin.len(), 2 * HARMS.len());
    for ppm in [50_000, 500_000] {
        assert!(median(&busy, ppm, Harm::Errors(5_000)) < median(&thin, ppm, Harm::Errors(5_000)));
        assert!(median(&busy, ppm, Harm::Errors(300_000)) < median(&busy, ppm, Harm::Errors(5_000)));
        assert!(median(&busy, ppm, Harm::Latency(100)) <= median(&busy, ppm, Harm::Latency(20)));
    }
    let small = of(&thin, 50_000, Harm::Errors(10_000));
    assert!(small.within_step == 0 && small.runs >= RUNS_MIN, "{small:?}");
    assert_eq!(of(&busy, 500_000, Harm::Errors(300_000)).within_step, RUNS);
}

#[test]
fn the_same_question_has_the_same_answer_and_a_cut_over_none() {
    let steps = "{weight: 10%, bake: 1m}";
    let ask = |seed| expected(&plan(steps), &at(50.0), seed).unwrap();
    assert_eq!(ask(7), ask(7));
    assert_eq!(expected(&plan("{weight: 100%, bake: 1m}"), &at(50.0), 7).unwrap(), []);
}

#[test]
fn of_many_steps_the_first_a_middle_and_the_last_are_looked_at() {
    let plan = Plan::parse("service: shop\nbaseline: v1\ncanary: v2\n").unwrap();
    let weights: Vec<u32> = chosen(plan.steps()).iter().map(|step| step.weight.ppm()).collect();
    assert_eq!(weights, [50_000, 550_000, 950_000]);
}
