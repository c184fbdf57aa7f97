//! Hooks: what waits for them, what follows from how they end, and that each ends once.

use super::*;
use crate::{Approval, HoldReason, HookEnd, HookOutcome, HookRun, hooks_are_done, pending};

const PLAN: &str = r#"
service: shop
baseline: v1
canary: v2
rules: [{when: {header: {name: x-beta, exact: "1"}}}]
steps: [{weight: 10%, bake: 20s}, {weight: 50%, bake: 30s}]
warm_up: 10s
promotion: 60s
rollback_window: {duration: 100s}
hooks:
  before_start: [{name: warm, webhook: {target: ci}}]
  before_step: [{name: gate, webhook: {target: ci}, on_failure: rollback}]
  after_promotion: [{name: tag, command: {target: tag}}]
  on_rollback: [{name: undo, command: {target: undo}, on_failure: hold}]
  after_rollback: [{name: note, command: {target: note}}]
  on_failure: [{name: page, webhook: {target: pager}}]
migrations:
  database: shop
  drain: 30s
  steps:
    - {name: a, up: create table a (), down: drop table a}
    - {name: b, up: drop table b, down: create table b (), phase: contract}
"#;

/// A rollout by hand.
struct Scene {
    plan: Plan,
    state: State,
    events: Vec<Event>,
    second: u64,
}

impl Scene {
    fn new(paused: bool) -> Self {
        let plan = Plan::parse(PLAN).unwrap();
        let (id, actor) = (RolloutId("shop-1".to_owned()), "anna".to_owned());
        let created = create(&plan, Creation { id, salt: Salt(7), actor, paused }, UnixMillis(0));
        Self { plan, state: created.state.clone(), events: created.events().to_vec(), second: 0 }
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(self.second * 1_000)
    }

    fn put(&mut self, input: &Input) -> &mut Self {
        let transition = step(&self.plan, &self.state, input, self.now()).unwrap();
        self.events.extend_from_slice(transition.events());
        self.state = transition.state;
        self
    }

    /// Goes on to a second, judged healthy each second.
    fn until(&mut self, second: u64) -> &mut Self {
        while self.second < second {
            self.second += 1;
            self.put(&Input::Assessed(Box::new(judgement(Verdict::Healthy))));
        }
        self
    }

    fn order(&mut self, order: Order) -> &mut Self {
        let command = Command { order, actor: "anna".to_owned(), reason: "because".to_owned() };
        self.put(&Input::Commanded { command, seen: None })
    }

    fn refused(&self, order: Order) -> String {
        let command = Command { order, actor: "anna".to_owned(), reason: "because".to_owned() };
        step(&self.plan, &self.state, &Input::Commanded { command, seen: None }, self.now())
            .unwrap_err()
            .to_string()
    }

    fn running(&self) -> Vec<String> {
        self.state.running_hooks().map(HookRun::to_string).collect()
    }

    /// Ends the one run that is under way, which must be `name`.
    fn end(&mut self, name: &str, outcome: HookOutcome) -> &mut Self {
        let run = self.state.running_hooks().find(|run| run.name == name).unwrap().clone();
        let end = HookEnd { run, outcome, attempts: 1, output: "said\n".repeat(1_000) };
        self.put(&Input::HookEnded(end.clone()));
        // What is told again changes nothing.
        let (state, events) = (self.state.clone(), self.events.len());
        self.put(&Input::HookEnded(end));
        assert_eq!((&self.state, self.events.len()), (&state, events));
        self
    }

    fn well(&mut self, name: &str) -> &mut Self {
        self.end(name, HookOutcome::Succeeded)
    }

    fn badly(&mut self, name: &str) -> &mut Self {
        self.end(name, HookOutcome::Failed)
    }

    /// Every proxy obeys, and nothing goes to the canary.
    fn drained(&mut self) -> &mut Self {
        let seen = crate::Sighting { vms: 1, applied: 1, quiet_s: Some(5), ..crate::Sighting::default() };
        self.put(&Input::Sighted(seen))
    }

    fn begun() -> Self {
        let mut scene = Self::new(false);
        scene.well("migrations").well("warm");
        scene
    }

    fn check_replay(&self) {
        let (_, replayed) = replay(&self.events).unwrap();
        assert_eq!(replayed, self.state);
        let json: Vec<Event> = self
            .events
            .iter()
            .map(|one| serde_json::from_str(&serde_json::to_string(one).unwrap()).unwrap())
            .collect();
        assert_eq!(json, self.events);
        let state: State = serde_json::from_str(&serde_json::to_string(&self.state).unwrap()).unwrap();
        assert_eq!(state, self.state);
    }
}

#[test]
fn the_canary_gets_nothing_before_schema_and_hooks_before_the_start_are_done() {
    let mut scene = Scene::new(false);
    assert_eq!(scene.running(), ["before_start migrations"]);
    scene.until(60);
    let assigned = scene.plan.service_assignment(&scene.state);
    assert_eq!(
        (scene.state.weight, assigned.rules.len(), assigned.split[0].weight_ppm),
        (Weight::ZERO, 0, 0)
    );
    assert!(scene.refused(Order::Promote).contains("has not begun"));
    assert!(scene.refused(Order::SetWeight(Weight::FULL)).contains("has not begun"));
    scene.well("migrations");
    assert_eq!((scene.running(), scene.state.weight), (vec!["before_start warm".to_owned()], Weight::ZERO));
    scene.well("warm");
    assert_eq!((scene.running().len(), scene.state.weight.ppm()), (0, 100_000));
    assert_eq!(scene.state.evaluating_since, scene.now());
    assert_eq!(scene.plan.service_assignment(&scene.state).rules.len(), 1);
    scene.check_replay();
}

#[test]
fn a_paused_rollout_asks_nobody_until_it_is_resumed() {
    let mut scene = Scene::new(true);
    scene.until(30);
    assert_eq!((scene.running().len(), scene.state.weight), (0, Weight::ZERO));
    scene.order(Order::Resume);
    assert_eq!(
        (scene.running(), scene.state.weight),
        (vec!["before_start migrations".to_owned()], Weight::ZERO)
    );
    scene.well("migrations").well("warm");
    assert_eq!(scene.state.weight.ppm(), 100_000);
    scene.check_replay();
}

#[test]
fn a_failed_hook_before_the_start_holds_until_a_person_lets_it_run_again_or_goes_on() {
    for approval in [Approval::RetryHook, Approval::SkipHook] {
        let mut scene = Scene::new(false);
        scene.well("migrations").badly("warm");
        let held = HoldReason::Hook { point: crate::plan::HookPoint::BeforeStart, name: "warm".to_owned() };
        assert_eq!(scene.state.hold.as_ref().map(|hold| &hold.reason), Some(&held));
        assert_eq!(scene.running(), ["on_failure page"]);
        scene.well("page").until(100);
        assert_eq!((scene.state.weight, scene.running().len()), (Weight::ZERO, 0));
        scene.order(Order::Approve(approval));
        if approval == Approval::RetryHook {
            assert_eq!(scene.running(), ["before_start warm (again, 2)"]);
            scene.well("warm");
        }
        assert_eq!((scene.state.weight.ppm(), &scene.state.hold), (100_000, &None));
        assert!(scene.refused(Order::Approve(approval)).contains("no hook of this rollout failed"));
        scene.check_replay();
    }
}

#[test]
fn a_step_waits_for_its_hooks_and_a_failed_one_can_roll_back() {
    let mut scene = Scene::begun();
    scene.until(31);
    assert_eq!((scene.running(), scene.state.step), (vec!["before_step gate (step 2)".to_owned()], 0));
    scene.until(50);
    assert_eq!((scene.state.step, scene.state.weight.ppm()), (0, 100_000));
    scene.well("gate").until(51);
    assert_eq!((scene.state.step, scene.state.weight.ppm()), (1, 500_000));
    scene.until(82);
    assert_eq!(scene.running(), ["before_step gate (step 3)"]);
    scene.badly("gate");
    assert_eq!((scene.state.phase, scene.state.weight), (Phase::RolledBack, Weight::ZERO));
    assert_eq!(scene.state.cause.as_ref().unwrap().to_string(), "hook gate (before_step) failed");
    scene.check_replay();
}

#[test]
fn after_a_rollback_hooks_run_then_the_canary_drains_then_the_schema_goes_back() {
    let mut scene = Scene::begun();
    scene.until(15).order(Order::Rollback { scope: RollbackScope::Version });
    // The users are sent back in the same breath; nothing of that waits for a hook.
    assert_eq!(
        (scene.state.phase, scene.running()),
        (Phase::RolledBack, vec!["on_rollback undo".to_owned()])
    );
    scene.well("undo");
    assert_eq!(scene.running().len(), 0);
    assert!(pending(&scene.plan, &scene.state));
    scene.second = 44;
    scene.put(&Input::Tick);
    assert_eq!(scene.running().len(), 0);
    scene.second = 45;
    scene.put(&Input::Tick);
    assert_eq!(scene.running().len(), 0, "it is not seen that nothing goes to the canary");
    scene.drained();
    assert_eq!(scene.running(), ["after_rollback migrations"]);
    assert_eq!(scene.state.rollback.as_ref().unwrap().stage, Some(crate::rollback::Stage::Hooks));
    scene.badly("migrations").well("page");
    assert!(pending(&scene.plan, &scene.state), "what lost no data yet waits for a person");
    scene.order(Order::Approve(Approval::DataLoss));
    assert_eq!(scene.running(), ["after_rollback migrations (again, 2)"]);
    assert_eq!(scene.state.data_loss.as_ref().unwrap().actor, "anna");
    scene.well("migrations").well("note");
    assert!(!pending(&scene.plan, &scene.state));
    scene.check_replay();
}

#[test]
fn what_waits_for_the_canary_to_drain_waits_until_it_has_or_a_person_says_so() {
    let mut scene = Scene::begun();
    assert!(scene.refused(Order::Approve(Approval::Drained)).contains("is not rolled back"));
    scene.order(Order::Rollback { scope: RollbackScope::Version }).well("undo");
    for second in (0..2_000).step_by(10) {
        scene.second = second;
        scene.put(&Input::Sighted(crate::Sighting { vms: 1, ..crate::Sighting::default() }));
    }
    assert_eq!((scene.state.rollback.as_ref().unwrap().stage, scene.running().len()), (None, 0));
    let refused = hooks_are_done(&scene.plan, &scene.state).unwrap_err();
    assert!(pending(&scene.plan, &scene.state) && matches!(refused, crate::Refused::NotDrained { .. }));
    assert!(refused.to_string().contains("`serin rollout approve shop-1 --drained`"), "{refused}");
    scene.order(Order::Approve(Approval::Drained));
    assert_eq!(scene.running(), ["after_rollback migrations"]);
    let refused = hooks_are_done(&scene.plan, &scene.state).unwrap_err();
    assert!(matches!(refused, crate::Refused::HooksPending { .. }), "{refused}");
    scene.badly("migrations").well("page").order(Order::Approve(Approval::SkipHook)).well("note");
    assert_eq!(hooks_are_done(&scene.plan, &scene.state), Ok(()));
    scene.check_replay();
}

#[test]
fn a_drain_that_was_given_up_keeps_nobody_from_a_new_rollout_where_nothing_waits_for_it() {
    let mut scene = Scene::begun();
    let (without, _) = PLAN.split_once("migrations:").unwrap();
    scene.plan =
        Plan::parse(&without.replace("  after_rollback: [{name: note, command: {target: note}}]\n", ""))
            .unwrap();
    scene.order(Order::Rollback { scope: RollbackScope::Version }).well("undo");
    for second in (0..2_000).step_by(10) {
        scene.second = second;
        scene.put(&Input::Sighted(crate::Sighting { vms: 1, ..crate::Sighting::default() }));
    }
    assert_eq!(hooks_are_done(&scene.plan, &scene.state), Ok(()));
}

#[test]
fn a_hook_that_holds_after_a_rollback_keeps_the_schema_until_a_person_goes_on() {
    let mut scene = Scene::begun();
    scene.order(Order::Rollback { scope: RollbackScope::Version }).badly("undo").well("page");
    scene.second = 1_000;
    scene.drained().put(&Input::Tick);
    assert_eq!(scene.running().len(), 0);
    let record = scene.state.rollback.as_ref().unwrap().records.last().unwrap();
    assert_eq!(record.detail, "undo failed");
    scene.order(Order::Approve(Approval::SkipHook));
    assert_eq!(scene.running(), ["after_rollback migrations"]);
}

#[test]
fn a_rollback_during_the_schema_changes_takes_them_back_only_once_they_ended() {
    let mut scene = Scene::new(false);
    scene.order(Order::Rollback { scope: RollbackScope::Version }).well("undo");
    scene.second = 1_000;
    scene.drained();
    assert_eq!(scene.running(), ["before_start migrations"]);
    scene.well("migrations");
    assert_eq!(scene.running(), ["after_rollback migrations"]);
    scene.well("migrations").well("note");
    assert_eq!(scene.state.weight, Weight::ZERO);
    scene.check_replay();
}

#[test]
fn contracting_waits_for_the_end_of_the_watch() {
    let mut scene = Scene::begun();
    scene.order(Order::Promote);
    assert_eq!(scene.running(), ["after_promotion tag"]);
    scene.well("tag").until(99);
    assert_eq!(scene.running().len(), 0);
    scene.until(100);
    assert_eq!(scene.running(), ["after_promotion migrations"]);
    scene.well("migrations");
    assert!(!pending(&scene.plan, &scene.state));
    // What was contracted is undone first.
    scene.order(Order::Rollback { scope: RollbackScope::Version }).well("undo");
    scene.second = 1_000;
    scene.drained();
    let first = scene.state.running_hooks().next().unwrap().clone();
    assert_eq!((first.name.as_str(), first.occurrence), ("migrations", 1));
    scene.well("migrations");
    let second = scene.state.running_hooks().next().unwrap().clone();
    assert_eq!((second.name.as_str(), second.occurrence), ("migrations", 0));
    scene.check_replay();
}

#[test]
fn a_person_goes_past_the_hooks_of_a_step_and_is_not_held_by_them() {
    let plan = PLAN.replace("on_failure: rollback", "on_failure: hold");
    let mut scene = Scene::begun();
    scene.plan = Plan::parse(&plan).unwrap();
    scene.until(31).badly("gate").well("page");
    assert!(scene.state.hold.is_some());
    scene.order(Order::SetWeight(Weight::from_ppm(500_000).unwrap())).order(Order::Resume);
    scene.until(60);
    assert_eq!((scene.state.step, &scene.state.hold), (1, &None));
}

#[test]
fn the_key_of_a_run_is_its_own_and_what_it_said_is_bounded() {
    let scene = Scene::begun();
    let keys: std::collections::BTreeSet<String> =
        scene.state.hooks.iter().map(|hook| hook.run.key(&scene.state.id)).collect();
    assert!(keys.contains("shop-1/before_start/warm/0/1"), "{keys:?}");
    assert_eq!(keys.len(), scene.state.hooks.len());
    let mut ends = Vec::new();
    for event in &scene.events {
        if let Fact::HookEnded(end) = &event.fact {
            ends.push(end.output.len());
        }
    }
    assert!(ends.len() == 2 && ends.into_iter().all(|length| length <= crate::HOOK_OUTPUT_BYTES));
}

/// Names of the runs that began.
fn began(transition: &Transition) -> Vec<String> {
    let of = |event: &Event| {
        let Fact::HookStarted(run) = &event.fact else { return None };
        Some(run.name.clone())
    };
    transition.events().iter().filter_map(of).collect()
}

#[test]
fn what_stands_before_the_start_is_done_when_the_turn_has_come_and_not_before() {
    let plan = Plan::parse(PLAN).unwrap();
    let turn = Turn { group: None, max: 1 };
    let queued = crate::begin(&plan, Vec::new(), creation(false), (None, Some(turn)), UnixMillis(0)).unwrap();
    let paused = create(&plan, creation(true), UnixMillis(0));
    let postponed = step(&plan, &paused.state, &input("postponed"), UnixMillis(1_000)).unwrap();
    for begun in [queued, postponed] {
        assert_eq!(began(&begun), Vec::<String>::new());
        let mut state = begun.state;
        assert!(state.queued.is_some());
        for second in 2..30 {
            let next = step(&plan, &state, &input("healthy"), UnixMillis(second * 1_000)).unwrap();
            assert_eq!(began(&next), Vec::<String>::new(), "at {second} s");
            state = next.state;
        }
        let admitted = step(&plan, &state, &input("admitted"), UnixMillis(30_000)).unwrap();
        assert_eq!((began(&admitted), &admitted.state.queued), (vec!["migrations".to_owned()], &None));
        assert_eq!(admitted.state.weight, Weight::ZERO);
        // Who says `resume` while the hooks run does not send it back to wait.
        let again = step(&plan, &admitted.state, &input("postponed"), UnixMillis(31_000)).unwrap();
        assert_eq!((again.events(), &again.state.queued), (&[][..], &None));
    }
}
