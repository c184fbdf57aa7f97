//! Rollbacks that are carried out, on a virtual clock and by counts as proxies report them.

use serin_analysis::config::Failures;
use serin_analysis::{LatencyHistogram, Outcomes};
use serin_proto::assignment::{BASELINE, CANARY};

use super::*;
use crate::{
    Command, Creation, Effect, Input, Order, Plan, RollbackScope, RolloutId, Salt, Transition, create, step,
};

const PLAN: &str = "
service: shop
baseline: v1
canary: v2
components:
  - {name: search, matches: [{path: {prefix: /search}}]}
  - {name: home, matches: [{path: {exact: /}}], granularity: fine, blocks: [{name: tax, current: v7, previous: [v6]}]}
steps: [{weight: 50%, bake: 20s}]
";

/// A rollout whose requests are counted by one VM, second by second.
struct Scene {
    plan: Plan,
    state: State,
    counted: Option<Counted>,
    now_s: u64,
    /// VMs that live, and of these those that obey.
    vms: (u32, u32),
    told: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        let plan = Plan::parse(PLAN).unwrap();
        let creation = Creation {
            id: RolloutId("r-1".to_owned()),
            salt: Salt(1),
            actor: "anna".to_owned(),
            paused: false,
        };
        let state = create(&plan, creation, UnixMillis(0)).state;
        Self { plan, state, counted: None, now_s: 100, vms: (2, 2), told: Vec::new() }
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.now_s * 1_000)
    }

    fn take(&mut self, transition: Transition) {
        for effect in &transition.effects {
            if let Effect::Notify(notice) = effect {
                self.told.push(format!("{} {}", notice.severity.name(), notice.text));
            }
        }
        let began = |state: &State| state.rollback.as_ref().map(|rollback| rollback.decided_at);
        if began(&self.state) != began(&transition.state) {
            self.counted = began(&transition.state).map(Counted::new);
        }
        self.state = transition.state;
    }

    fn roll_back(&mut self, scope: RollbackScope) {
        let command = Command {
            order: Order::Rollback { scope },
            actor: "anna".to_owned(),
            reason: "because".to_owned(),
        };
        let input = Input::Commanded { command, seen: None };
        let transition = step(&self.plan, &self.state, &input, self.now()).unwrap();
        self.take(transition);
    }

    /// One second in which `canary` and `baseline` requests of `search` begin, of which `failed` of the baseline's fail.
    fn second(&mut self, canary: u64, baseline: u64, failed: u64) {
        let second = self.now_s;
        self.now_s += 1;
        if let (Some(counted), Some(rollback)) = (&mut self.counted, &self.state.rollback) {
            let mut latency = LatencyHistogram::new();
            latency.record_n(20_000, baseline - failed);
            let of = |ok, server_error| Outcomes { ok, server_error, ..Outcomes::default() };
            for (arm, started, outcomes, latency) in [
                (CANARY, canary, of(canary, 0), None),
                (BASELINE, baseline, of(baseline - failed, failed), Some(&latency)),
            ] {
                let measured =
                    Measured { component: "search", arm, second, started, outcomes: &outcomes, latency };
                counted.add(&rollback.returned, &Failures::default(), &measured);
            }
            counted.progress(7, second + 1, UnixMillis(self.now_s * 1_000));
        }
        self.carry_on();
    }

    fn carry_on(&mut self) {
        let now = self.now();
        let Some(counted) = &mut self.counted else { return };
        let seen = counted.look(self.plan.limits(), now);
        let seen = Sighting { vms: self.vms.0, applied: self.vms.1, ..seen };
        let transition = step(&self.plan, &self.state, &Input::Sighted(seen), now).unwrap();
        self.take(transition);
    }

    fn seconds(&mut self, count: u64, canary: u64, baseline: u64, failed: u64) {
        (0..count).for_each(|_| self.second(canary, baseline, failed));
    }

    fn rollback(&self) -> &Rollback {
        self.state.rollback.as_ref().unwrap()
    }

    /// `stage outcome seconds` of all records.
    fn records(&self) -> Vec<String> {
        let one = |one: &StageRecord| {
            format!("{} {} {}", one.stage.name(), one.outcome.name(), one.took_ms / 1_000)
        };
        self.rollback().records.iter().map(one).collect()
    }
}

#[test]
fn a_rollback_is_over_once_all_obey_nothing_goes_to_the_canary_and_the_baseline_is_well() {
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Version);
    scene.vms = (2, 1);
    scene.seconds(2, 50, 50, 0);
    assert_eq!((scene.rollback().stage, scene.records().len()), (Some(Stage::Acknowledge), 0));
    scene.vms = (2, 2);
    scene.seconds(1, 3, 97, 0);
    assert_eq!(scene.rollback().stage, Some(Stage::Drain));
    scene.seconds(30, 0, 100, 0);
    assert_eq!(
        scene.records(),
        ["acknowledge done 3", "drain done 3", "hooks done 0", "verify done 7"],
        "{:#?}",
        scene.rollback()
    );
    assert!(scene.rollback().is_drained() && scene.rollback().is_verified());
    assert!(scene.told.iter().skip(1).all(|told| told.starts_with("info")), "{:?}", scene.told);
    assert!(scene.told.iter().any(|told| told.contains("53 requests went to it")), "{:?}", scene.told);
}

#[test]
fn proxies_that_do_not_obey_are_told_at_the_deadline_and_given_up_at_the_end() {
    let mut scene = Scene::new();
    scene.vms = (3, 2);
    scene.roll_back(RollbackScope::Version);
    scene.seconds(599, 20, 80, 0);
    assert_eq!(scene.records(), ["acknowledge late 15"]);
    scene.seconds(2, 20, 80, 0);
    assert_eq!(scene.records(), ["acknowledge late 15", "acknowledge failed 600"]);
    assert!(!scene.rollback().is_verified() && !scene.rollback().is_drained());
    assert_eq!(scene.rollback().stage, None, "hooks do not run while the canary has users");
    let urgent: Vec<_> = scene.told.iter().filter(|told| told.starts_with("critical")).collect();
    assert_eq!(urgent.len(), 3, "{urgent:?}");
    assert!(urgent[1].contains("2 of 3 VMs obey"), "{urgent:?}");
}

#[test]
fn a_canary_that_still_gets_requests_has_not_drained() {
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Version);
    for _ in 0..20 {
        scene.seconds(2, 0, 100, 0);
        scene.seconds(1, 1, 99, 0);
    }
    assert_eq!(scene.rollback().stage, Some(Stage::Drain), "{:?}", scene.records());
    scene.seconds(4, 0, 100, 0);
    assert_eq!(scene.rollback().stage, Some(Stage::Verify));
}

#[test]
fn without_reports_nothing_has_drained() {
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Version);
    for _ in 0..100 {
        scene.now_s += 1;
        scene.carry_on();
    }
    assert_eq!(scene.records(), ["acknowledge done 1", "drain late 60"]);
    assert!(scene.told.last().unwrap().starts_with("critical"), "{:?}", scene.told);
}

#[test]
fn a_baseline_that_breaks_under_the_load_is_told_and_verified_once_it_recovers() {
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Version);
    scene.seconds(150, 0, 100, 30);
    assert_eq!(scene.records(), ["acknowledge done 1", "drain done 3", "hooks done 0", "verify late 120"]);
    assert!(scene.told.last().unwrap().contains("30 % of the baseline's requests fail"), "{:?}", scene.told);
    scene.seconds(25, 0, 100, 0);
    assert_eq!(scene.rollback().stage, None);
    assert!(scene.rollback().is_verified());
}

#[test]
fn too_few_requests_leave_it_unknown_whether_the_baseline_is_well() {
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Version);
    (0..60).for_each(|_| {
        scene.seconds(4, 0, 0, 0);
        scene.second(0, 1, 0);
    });
    // The plan's limits speak from 50 requests on.
    assert_eq!(scene.records().last().unwrap(), "verify done 246");
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Version);
    scene.seconds(310, 0, 0, 0);
    assert_eq!(scene.records().last().unwrap(), "verify unknown 300");
    assert!(scene.told.last().unwrap().starts_with("warning"), "{:?}", scene.told);
}

#[test]
fn a_component_that_returned_drains_alone_and_a_block_only_has_to_be_acknowledged() {
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Component("home".to_owned()));
    scene.seconds(4, 50, 50, 0);
    assert!(scene.rollback().is_drained(), "requests of search stay where they are: {:?}", scene.records());
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Block("tax".to_owned()));
    scene.seconds(2, 50, 50, 0);
    assert_eq!(scene.records(), ["acknowledge done 1", "hooks done 0"]);
    assert!(scene.rollback().is_verified());
}

#[test]
fn a_wider_rollback_takes_an_open_one_along() {
    let mut scene = Scene::new();
    scene.vms = (2, 0);
    scene.roll_back(RollbackScope::Component("home".to_owned()));
    scene.second(0, 10, 0);
    scene.roll_back(RollbackScope::Component("search".to_owned()));
    let both = ["home", "search"].map(str::to_owned).into();
    assert_eq!(scene.rollback().returned, Returned::Components { names: both });
    scene.roll_back(RollbackScope::Version);
    assert_eq!(scene.rollback().returned, Returned::Version);
    assert_eq!(scene.rollback().decided_at, scene.now());
}

/// One that is carried out while some VMs obey and the canary's requests end at a second, until it settles. The second, if it
/// does within two minutes.
fn settles(mut scene: Scene, obeyed_at: Option<u64>, quiet_from: u64) -> Option<u64> {
    scene.roll_back(RollbackScope::Version);
    let begun = scene.now_s;
    for second in 0..120 {
        if scene.state.is_settled() {
            return Some(scene.now_s - begun);
        }
        scene.vms.1 = if obeyed_at.is_some_and(|at| second >= at) { scene.vms.0 } else { 0 };
        scene.second(if second < quiet_from { 9 } else { 0 }, 91, 0);
    }
    None
}

#[test]
fn what_waits_for_a_rollback_goes_on_once_it_is_drained_or_a_deadline_passed() {
    const NEVER: u64 = u64::MAX;
    let cases = [
        ("all obey and nothing goes to it", Some(0), 0, 4),
        ("acknowledged alone is not enough", Some(0), 20, 23),
        ("quiet alone is not enough", Some(12), 0, 13),
        ("some VM never obeys", None, 0, 15),
        ("the canary never falls silent", Some(0), NEVER, 61),
        ("the last moment of both deadlines", Some(13), NEVER, 74),
    ];
    for (case, obeyed_at, quiet_from, expected) in cases {
        assert_eq!(settles(Scene::new(), obeyed_at, quiet_from), Some(expected), "{case}");
    }
    let mut silent = Scene::new();
    silent.vms = (0, 0);
    assert_eq!(settles(silent, None, 0), Some(15), "no proxy is known");
}

#[test]
fn a_rollback_is_not_waited_for_when_a_person_says_so_or_it_never_began() {
    let mut scene = Scene::new();
    scene.roll_back(RollbackScope::Version);
    assert!(!scene.state.is_settled());
    let (actor, reason) = ("anna".to_owned(), "looked".to_owned());
    let command = Command { order: Order::Approve(crate::Approval::Drained), actor, reason };
    let input = Input::Commanded { command, seen: None };
    let transition = step(&scene.plan, &scene.state, &input, scene.now()).unwrap();
    scene.take(transition);
    assert!(scene.state.is_settled());
    let (id, actor) = (RolloutId("r-2".to_owned()), "anna".to_owned());
    let waiting = Creation { id, salt: Salt(1), actor, paused: true };
    let mut scene = Scene { state: create(&Scene::new().plan, waiting, UnixMillis(0)).state, ..Scene::new() };
    scene.roll_back(RollbackScope::Version);
    assert!(scene.state.is_settled());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]

    #[test]
    fn nobody_goes_on_before_the_canary_is_empty_but_at_a_deadline_and_everybody_by_then(
        obeyed_at in proptest::option::of(0_u64..40),
        quiet_from in 0_u64..100,
    ) {
        let deadlines = (Stage::Acknowledge.deadline().as_secs(), Stage::Drain.deadline().as_secs());
        let settled = settles(Scene::new(), obeyed_at, quiet_from);
        let is_late = obeyed_at.is_none_or(|at| at >= deadlines.0);
        let latest = if is_late { deadlines.0 } else { deadlines.0 + deadlines.1 };
        proptest::prop_assert!(settled.is_some_and(|at| at <= latest), "{:?}", settled);
        let empty = obeyed_at.map(|at| at.max(quiet_from));
        let on_time = settled.zip(empty).is_some_and(|(at, empty)| at > empty);
        let at_deadline = is_late || settled.is_some_and(|at| at > deadlines.1);
        proptest::prop_assert!(on_time || at_deadline, "{:?} before {:?}", settled, empty);
    }
}
