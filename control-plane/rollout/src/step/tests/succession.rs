//! One rollout after another.

use super::*;

#[test]
fn a_newer_rollout_ends_this_one() {
    check(
        r"
        10 tick -> [Step 1 began at 10 %] info | progressing 10 %
        11 superseded r-1 -> | progressing 10 %
        12 superseded r-2 -> [Rollout r-2 took over] publish info | failed 0 %
        13 superseded r-2 -> | failed 0 %
        14 healthy -> | failed 0 %
        15 rollback -> refused: cannot rollback this rollout: rollout r-2 took over; act on that one | failed 0 %
        ",
    );
}

#[test]
fn a_newer_rollout_leaves_a_promoted_one_promoted() {
    check(
        r"
        1 promote -> [Promoted: because] publish info | promoted 100 %
        2 superseded r-2 -> [Handed over, all users are on the baseline's endpoint: rollout r-2 begins, with v2 as its baseline; Rollout r-2 took over] publish info info | promoted 0 %
        3 rollback -> refused: cannot rollback this rollout: rollout r-2 took over; act on that one | promoted 0 %
        ",
    );
}

#[test]
fn a_promoted_version_is_handed_over_and_taken_back_by_people_alone() {
    const HANDED_OVER: &str = "a rollout that was handed over: the baseline's endpoint serves all users with the \
                               promoted version; deploy another version there, or promote again to return to the \
                               canary's endpoint";
    check(&format!(
        r"
        1 hand-over -> refused: cannot hand-over a rollout that is warming up; possible now: set-weight, pause, resume, promote, rollback | warming up 10 %
        2 promote -> [Promoted: because] publish info | promoted 100 %
        3 hand-over -> [Handed over, all users are on the baseline's endpoint: because] publish info | promoted 0 %
        4 hand-over -> | promoted 0 %
        5 rollback -> refused: cannot rollback {HANDED_OVER} | promoted 0 %
        6 set 50 -> refused: cannot set-weight {HANDED_OVER} | promoted 0 %
        7 alarm version -> | promoted 0 %
        8 promote -> [Promoted: because] publish info | promoted 100 %
        9 rollback -> [Rolled back the whole version: because] publish critical | rolled back 0 %
        "
    ));
    check(
        r"
        1 promote -> [Promoted: because] publish info | promoted 100 %
        2 hand-over -> [Handed over, all users are on the baseline's endpoint: because] publish info | promoted 0 %
        3 superseded r-2 -> [Rollout r-2 took over] info | promoted 0 %
        4 promote -> refused: cannot promote this rollout: rollout r-2 took over; act on that one | promoted 0 %
        ",
    );
}

/// Whether a plan with this baseline may follow a rollout of v1 to v2 after the script.
fn follows(script: &str, baseline: &str, paused: bool) -> Result<(), Refused> {
    let before = run(&Plan::parse(PLAN).unwrap(), script).0;
    let plan =
        PLAN.replace("baseline: v1", &format!("baseline: {baseline}")).replace("canary: v2", "canary: v3");
    may_follow(&Plan::parse(&plan).unwrap(), paused, &before)
}

#[test]
fn no_rollout_takes_a_promoted_version_from_its_users_unsaid() {
    let refused = follows("1 promote", "v1", true).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "v2 was promoted by rollout r-1 and serves all users, and the plan's baseline is v1: this would return them to \
         v1; bring the baseline's endpoint to v2 and say baseline: v2, or roll r-1 back first"
    );
    assert_eq!(follows("1 promote", "v2", true), Ok(()));
    for paused in [false, true] {
        assert_eq!(follows("1 promote\n2 rollback", "v1", paused), Ok(()), "they are on v1 already");
        assert_eq!(
            follows("1 promote\n2 hand-over", "v1", paused),
            Ok(()),
            "they are on the baseline's endpoint already"
        );
        assert_eq!(follows("1 alarm version", "v1", paused), Ok(()));
    }
}

#[test]
fn no_rollout_judges_the_promoted_version_in_the_place_of_the_next_one() {
    let refused = follows("1 promote", "v2", false).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "v2 was promoted by rollout r-1 and serves all users from the canary's endpoint: this would judge it in the \
         place of v3; hand r-1 over and bring v3 to the canary's endpoint first, or create this one paused"
    );
    assert_eq!(follows("1 promote\n2 hand-over", "v2", false), Ok(()));
}

/// Weight of the canary's endpoint, as the filters are told.
fn canary_ppm(plan: &Plan, state: &State) -> u32 {
    plan.service_assignment(state).split.first().map_or(0, |share| share.weight_ppm)
}

#[test]
fn at_every_moment_between_two_rollouts_users_get_the_promoted_version() {
    let plan = Plan::parse(PLAN).unwrap();
    let (promoted, ..) = run(&plan, "1 promote");
    assert_eq!(canary_ppm(&plan, &promoted), 1_000_000, "v2 on the canary's endpoint");
    let (handed_over, ..) = run(&plan, "1 promote\n2 hand-over");
    assert_eq!(canary_ppm(&plan, &handed_over), 0, "v2 on the baseline's endpoint");
    let next = Plan::parse(&PLAN.replace("v2", "v3").replace("v1", "v2")).unwrap();
    let waiting = create(&next, creation(true), UnixMillis(0));
    assert_eq!(effects(&waiting), "[Created; paused at 0 %] publish info");
    assert_eq!(canary_ppm(&next, &waiting.state), 0, "v2 on the baseline's endpoint, until resume");
}
