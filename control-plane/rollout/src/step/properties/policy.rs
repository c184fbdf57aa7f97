//! No policy loosens anything: with the policies of `serin-policy`'s table, over random states and judgements.

use serin_policy::{Decision, Policy};

use super::*;

/// All that are taken, with what their line says of them.
fn policies() -> Vec<Policy> {
    let table = include_str!("../../../../policy/tests/policies.txt");
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.starts_with("  "));
    let load = |line: &str| {
        let text = line.replace("\\n", "\n");
        let then = Decision::ALL.into_iter().find_map(|decision| {
            let condition = text.strip_prefix(&format!("[{decision}] "))?;
            Some((condition.to_owned(), Some(decision)))
        });
        let (expression, then) = then.unwrap_or((text, None));
        Policy::new("p", &expression, then).ok()
    };
    lines.filter_map(load).collect()
}

/// Steps that last long, and the same as short as a policy may make them.
fn pair(automatic: bool) -> (Plan, Plan) {
    let steps = |bake: &str| {
        format!(
            "steps: [{{weight: 5%, bake: {bake}}}, {{weight: 20%, bake: {bake}}}, {{weight: 60%, bake: {bake}}}]"
        )
    };
    let minimum = "minimum_evaluation: 2s\ncalendar: {windows: [{name: freeze, hours: '00:00-12:00', days: [mon], effect: {stricter: {error_rate: 0.5%}}}]}";
    let of = |bake: &str| plan(automatic, &format!("{}\n{minimum}", steps(bake)));
    (of("30s"), of("2s"))
}

/// What follows with a policy is never more than what follows without one, from the same state and the same judgement.
fn check_no_looser(
    with: &Plan,
    without: &Plan,
    state: &State,
    input: &Input,
    now: UnixMillis,
) -> Result<State, TestCaseError> {
    let (Ok(one), Ok(other)) = (step(with, state, input, now), step(without, state, input, now)) else {
        return Ok(state.clone());
    };
    let (one, other) = (one.state, other.state);
    prop_assert!(
        one.weight <= other.weight,
        "{} where the rules say {}",
        one.weight.ppm(),
        other.weight.ppm()
    );
    let is_promoted = |state: &State| matches!(state.phase, Phase::Promoted);
    prop_assert!(!is_promoted(&one) || is_promoted(&other) || one.phase == state.phase);
    prop_assert!(other.phase != Phase::RolledBack || one.phase == Phase::RolledBack);
    for name in other.pinned.keys() {
        prop_assert!(one.pinned.contains_key(name) || one.phase == Phase::RolledBack, "{name} stays");
    }
    if let Input::Assessed(judgement) = input
        && (judgement.version.verdict == Verdict::Regressed || !judgement.is_fresh())
    {
        prop_assert!(one.weight <= state.weight, "raised against the evidence");
        let was_complete = matches!(state.phase, Phase::Completing | Phase::Promoted);
        prop_assert!(!is_promoted(&one) || was_complete, "promoted against the evidence");
        prop_assert!(!is_promoted(&one) || judgement.is_fresh() || is_promoted(state));
    }
    Ok(one)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_policy_loosens_what_the_rules_say(
        chosen in proptest::collection::vec(proptest::sample::select(policies()), 1..4),
        automatic in any::<bool>(),
        history in histories(),
    ) {
        let (slow, quick) = pair(automatic);
        let (with, without) = (slow.with_policies(chosen), quick);
        let creation = Creation { id: RolloutId("r-1".to_owned()), salt: Salt(1), actor: "anna".to_owned(), paused: false };
        let mut state = create(&with, creation, UnixMillis(1_000_000)).state;
        let mut now = 1_000_000_u64;
        for (input, (offset, anywhere)) in history {
            now = anywhere.unwrap_or_else(|| now.saturating_add_signed(offset));
            state = check_no_looser(&with, &without, &state, &input, UnixMillis(now))?;
        }
    }
}

/// Each policy of the table alone, in every phase, against each kind of evidence that must not promote.
#[test]
fn no_policy_of_the_table_promotes_against_a_regression_or_missing_data() {
    let all = policies();
    assert!(all.len() >= 100, "{} policies", all.len());
    let (slow, _) = pair(true);
    let seen = |verdict, age| {
        let mut judgement = Judgement { data_age_s: age, ..Judgement::default() };
        judgement.version.verdict = verdict;
        judgement.canary = ArmWindow { requests: 1_000, ..ArmWindow::default() };
        judgement
    };
    let mut vetoed = seen(Verdict::Regressed, Some(1));
    vetoed.version.vetoes.push(Veto::BothArmsWorse);
    let mut failing = seen(Verdict::Healthy, Some(1));
    failing.canary.errors = 500;
    let mut component = seen(Verdict::Healthy, Some(1));
    let assessment = ScopeAssessment { verdict: Verdict::Regressed, ..ScopeAssessment::default() };
    component.components = vec![ComponentJudgement { name: "cart".to_owned(), assessment, requests: 10 }];
    let bad = [
        ("regressed", seen(Verdict::Regressed, Some(1))),
        ("inconclusive", seen(Verdict::Inconclusive, Some(1))),
        ("stale", seen(Verdict::Healthy, Some(16))),
        ("silent", seen(Verdict::Healthy, None)),
        ("vetoed", vetoed),
        ("failing", failing),
        ("component", component),
    ];
    let creation =
        Creation { id: RolloutId("r".to_owned()), salt: Salt(1), actor: "anna".to_owned(), paused: false };
    let begun = create(&slow, creation, UnixMillis(0)).state;
    let weight = |ppm| Weight::from_ppm(ppm).unwrap();
    for policy in all {
        let plan = slow.with_policies(vec![policy.clone()]);
        for (phase, ppm) in
            [(Phase::WarmingUp, 50_000), (Phase::Progressing, 50_000), (Phase::Progressing, 600_000)]
        {
            for (kind, judgement) in &bad {
                let mut state = State { phase, weight: weight(ppm), ..begun.clone() };
                for second in [10, 1_000, 1_011, 1_022, 2_000] {
                    let input = Input::Assessed(Box::new(judgement.clone()));
                    state = step(&plan, &state, &input, UnixMillis(second * 1_000)).unwrap().state;
                    let at = format!("{kind} at {second} in {phase}: {}", policy.expression());
                    assert!(state.weight <= weight(ppm), "raised with {at}");
                    assert!(
                        !matches!(state.phase, Phase::Completing | Phase::Promoted),
                        "promoted with {at}"
                    );
                }
            }
        }
    }
}
