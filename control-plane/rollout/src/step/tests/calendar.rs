//! Windows of the calendar, and the turn of a rollout.

use super::*;

fn window(effect: &str) -> String {
    format!(
        "calendar: {{windows: [{{name: freeze, from: '1970-01-01T00:00:25', to: '1970-01-01T00:01', effect: {effect}}}]}}\n"
    )
}

#[test]
fn a_window_that_holds_lets_nothing_forward_and_a_rollback_through() {
    check_with(
        &window("hold"),
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Holding: window freeze is open] warning | progressing 10 %
        59 healthy -> | progressing 10 %
        60 healthy -> [No longer holding: window freeze is open] info | progressing 10 %
        61 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        ",
    );
    check_with(
        &window("forbid"),
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        30 healthy -> [Holding: window freeze is open] warning | progressing 10 %
        31 alarm cart -> [Returned cart to the baseline: cart regressed] publish critical | progressing 10 %
        32 alarm version -> [Rolled back the whole version: the canary regressed] publish critical | rolled back 0 %
        ",
    );
}

#[test]
fn a_window_that_forbids_binds_people_too_unless_they_override_it() {
    let refused = |order: &str| {
        format!(
            "refused: cannot {order} a rollout now: window freeze (from 1970-01-01T00:00:25 to 1970-01-01T00:01, UTC) \
             forbids it; wait until it closes, or override it with a reason"
        )
    };
    check_with(
        &window("forbid"),
        &format!(
            "10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
            30 set 40 -> {} | progressing 10 %
            30 promote -> {} | progressing 10 %
            31 set 5 -> [Weight set from 10 % to 5 %: because] publish info | paused 5 %
            32 resume -> {} | paused 5 %
            33 override -> [Overrode freeze until closed: because] warning | paused 5 %
            34 override -> | paused 5 %
            35 resume -> [Resumed at 10 %: because] publish info | progressing 10 %
            55 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %",
            refused("set-weight"),
            refused("promote"),
            refused("resume"),
        ),
    );
}

#[test]
fn a_window_that_holds_binds_no_person() {
    check_with(
        &window("hold"),
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        30 set 40 -> [Weight set from 10 % to 40 %: because] publish info | paused 40 %
        31 promote -> [Promoted: because] publish info | promoted 100 %
        ",
    );
}

#[test]
fn a_window_tightens_a_limit_while_it_is_open() {
    check_with(
        &window("{stricter: {error_rate: 0.2%}}"),
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        24 errors 6 -> | progressing 10 %
        26 errors 6 -> [Holding: the canary's error rate is above 0.2 %] warning | progressing 10 %
        60 errors 6 -> [No longer holding: the canary's error rate is above 0.2 %] info | progressing 10 %
        ",
    );
}

/// Overridden is the window as it was open, and not the next time that it opens.
#[test]
fn an_override_ends_when_the_window_closes() {
    let daily = "calendar: {windows: [{name: nights, hours: '00:00-00:01', effect: hold}]}\n";
    check_with(
        daily,
        r"
        10 healthy -> [Step 1 began at 10 %] info | progressing 10 %
        20 override -> [Overrode nights until closed: because] warning | progressing 10 %
        30 healthy -> [Step 2 began at 50 %] publish info | progressing 50 %
        86400 healthy -> [Holding: window nights is open] warning | progressing 50 %
        ",
    );
}

#[test]
fn a_rollout_begins_when_no_window_forbids_it_and_its_turn_has_come() {
    let begin_at = |fields: &str, paused: bool, turn: Option<Turn>, second: u64| {
        let plan = Plan::parse(&format!("{PLAN}{fields}")).unwrap();
        crate::begin(&plan, Vec::new(), creation(paused), (None, turn), UnixMillis(second * 1_000))
            .map(|transition| effects(&transition))
            .map_err(|refused| refused.to_string().chars().take(51).collect::<String>())
    };
    let created = Ok("[Created; warming up] publish info".to_owned());
    assert_eq!(begin_at(&window("forbid"), false, None, 24), created);
    let refused = Err("cannot create a rollout now: window freeze (from 19".to_owned());
    assert_eq!(begin_at(&window("forbid"), false, None, 25), refused);
    assert_eq!(begin_at(&window("hold"), false, None, 25), created);
    let paused = Ok("[Created; paused at 0 %] publish info".to_owned());
    assert_eq!(begin_at(&window("forbid"), true, None, 25), paused);
    let turn = Some(Turn { group: Some("eu".to_owned()), max: 1 });
    let waits = "[Created; paused at 0 %; Waiting: 1 of group eu may run at once] publish info info";
    assert_eq!(begin_at("", false, turn.clone(), 25), Ok(waits.to_owned()));
    assert_eq!(begin_at("", true, turn, 25), paused);
}

#[test]
fn a_rollout_that_waits_for_its_turn_begins_with_it_or_when_a_person_says_so() {
    let begins = "30 admitted -> [Resumed at 10 %: its turn has come] publish info | warming up 10 %
        31 admitted -> | warming up 10 %
        40 healthy -> [Step 1 began at 10 %] info | progressing 10 %";
    let waits = "20 postponed -> [Waiting: 3 rollouts may run at once] info | paused 0 %
        21 postponed -> | paused 0 %
        22 healthy -> | paused 0 %";
    let state = check_begun(PLAN, true, &format!("10 admitted -> | paused 0 %\n{waits}\n{begins}"));
    assert_eq!(state.queued, None);
    let out_of_turn = "30 resume -> [Resumed at 10 %: because] publish info | warming up 10 %
        31 postponed -> | warming up 10 %";
    check_begun(PLAN, true, &format!("{waits}\n{out_of_turn}"));
    let given_up =
        "30 rollback -> [Rolled back the whole version: because] publish critical | rolled back 0 %
        31 admitted -> | rolled back 0 %";
    check_begun(PLAN, true, &format!("{waits}\n{given_up}"));
    let forbidden = format!("{PLAN}{}", window("forbid"));
    check_begun(
        &forbidden,
        true,
        &format!(
            "{waits}\n30 admitted -> | paused 0 %\n60 admitted -> [Resumed at 10 %: its turn has come] publish info | warming up 10 %"
        ),
    );
    let state = check_begun(PLAN, true, waits);
    let plan = Plan::parse(PLAN).unwrap();
    let said = crate::summary(&plan, &state, None, UnixMillis(50_000));
    assert_eq!(said, "Waiting for its turn: 3 rollouts may run at once");
}
