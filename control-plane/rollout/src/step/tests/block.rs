//! What is undone of a component of granularity `fine`.

use super::*;

#[test]
fn the_block_at_fault_returns_to_its_previous_version_and_its_component_goes_on() {
    let state = check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        20 fault tax -> [Returned block tax to v6 of home: home regressed, and its block tax is at fault] publish critical | progressing 10 %
        21 fault tax -> [Returned home to the baseline: home regressed] publish critical | progressing 10 %
        ",
    );
    let restored = &state.blocks["tax"];
    assert_eq!(
        (restored.component.as_str(), restored.version.as_str(), restored.actor.as_str()),
        ("home", "v6", AUTOMATIC)
    );
    assert_eq!(
        restored.text(),
        "block tax failed in 18.00 % of 50 canary requests, 0.00 % of 450 on the baseline (odds 148 to 1)"
    );
    assert_eq!(state.pinned.keys().collect::<Vec<_>>(), ["home"]);
}

#[test]
fn where_no_block_is_known_to_be_at_fault_the_component_is_returned() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        20 alarm home -> [Returned home to the baseline: home regressed] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn another_block_that_fails_later_is_returned_before_the_component() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        20 fault tax -> [Returned block tax to v6 of home: home regressed, and its block tax is at fault] publish critical | progressing 10 %
        40 fault price -> [Returned block price to v1 of home: home regressed, and its block price is at fault] publish critical | progressing 10 %
        60 fault price -> [Returned home to the baseline: home regressed] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn two_blocks_at_fault_are_returned_together_and_the_stronger_is_named_first() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        20 fault tax price -> [Returned block price to v1, tax to v6 of home: home regressed, and its block price, tax is at fault] publish critical | progressing 10 %
        ",
    );
}

#[test]
fn what_the_canary_runs_after_a_block_returned_is_evaluated_anew() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        29 fault tax -> [Returned block tax to v6 of home: home regressed, and its block tax is at fault] publish critical | progressing 10 %
        30 healthy -> | progressing 10 %
        48 healthy -> | progressing 10 %
        49 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
}

#[test]
fn a_coarse_component_beside_it_means_the_version() {
    check_with(
        "",
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        20 alarm home login -> [Rolled back the whole version: login regressed, whose rollback undoes the whole version] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn a_person_returns_a_block_once_and_only_one_that_there_is() {
    let state = check(
        r#"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 rollback block tax -> [Returned block tax to v6 of home: because] publish critical | progressing 10 %
        12 rollback block tax -> | progressing 10 %
        13 rollback block tea -> refused: block "tea" is not part of the plan; its blocks are: tax, price | progressing 10 %
        "#,
    );
    assert_eq!(state.blocks["tax"].text(), "anna: because");
}

#[test]
fn automatic_rollback_off_holds_and_returns_no_block() {
    check_with(
        "automatic_rollback: false\n",
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        20 fault tax -> [Holding: home regressed and automatic rollback is off] warning | progressing 10 %
        ",
    );
}

#[test]
fn the_filters_are_told_of_restored_blocks_of_every_open_phase() {
    let plan = Plan::parse(PLAN).unwrap();
    let restored = |state: &State| {
        let service = plan.service_assignment(state);
        let blocks = service.components.iter().flat_map(|component| component.blocks.clone());
        blocks.map(|block| (block.name, block.restored)).collect::<Vec<_>>()
    };
    let told =
        |tax: Option<&str>| vec![("tax".to_owned(), tax.map(str::to_owned)), ("price".to_owned(), None)];
    let (state, _, _) = run(&plan, "1 inconclusive");
    assert_eq!(restored(&state), told(None));
    let (state, _, _) = run(&plan, "1 rollback block tax");
    assert_eq!(restored(&state), told(Some("v6")));
    let (state, _, _) = run(&plan, "1 rollback block tax\n2 promote");
    assert_eq!(restored(&state), told(Some("v6")));
    let (state, _, _) = run(&plan, "1 rollback block tax\n2 promote\n3 hand-over");
    assert_eq!(restored(&state), told(Some("v6")));
    let service = plan.service_assignment(&state);
    let everywhere =
        service.components.iter().flat_map(|component| &component.blocks).map(|block| block.everywhere);
    assert_eq!(
        everywhere.collect::<Vec<_>>(),
        [true, false],
        "the baseline's endpoint runs the promoted version"
    );
    let (state, _, _) = run(&plan, "1 rollback block tax\n2 rollback");
    assert_eq!(restored(&state), told(None));
}
