//! What a train tells its members.

use super::*;
use crate::TrainOrder;
use crate::train::Membership;

const TRAIN: &str = "train:sale-1";

/// A member that waits for its turn.
fn member(together: bool) -> (Plan, State) {
    let plan = Plan::parse(PLAN).unwrap();
    let (id, salt) = (RolloutId("shop-1".to_owned()), Salt(7));
    let creation = Creation { id, salt, actor: "ann".to_owned(), paused: false };
    let membership = Membership { train: TRAIN.to_owned(), together };
    let state = create_in(&plan, Vec::new(), creation, Some(membership), UnixMillis(0)).state;
    (plan, state)
}

/// What happens at a second, in words; the journal that it leads to is replayed too.
fn after(plan: &Plan, state: &mut State, second: u64, input: &Input) -> Vec<String> {
    let transition = step(plan, state, input, UnixMillis(second * 1_000)).unwrap();
    let mut replayed = state.clone();
    let events = transition.events();
    events.iter().for_each(|event| replayed.apply(event));
    assert_eq!(replayed, transition.state);
    let words = events.iter().map(|event| event.fact.text()).collect();
    *state = transition.state;
    words
}

fn told(order: TrainOrder) -> Input {
    Input::Train { train: TRAIN.to_owned(), order }
}

#[test]
fn a_member_waits_for_its_turn_and_nothing_but_the_train_lets_it_begin() {
    let (plan, mut state) = member(false);
    assert_eq!((state.weight, state.waits_in()), (Weight::ZERO, Some(TRAIN)));
    for words in ["resume", "set 5", "promote"] {
        let refused = step(&plan, &state, &input(words), UnixMillis(1_000)).unwrap_err();
        assert!(matches!(refused, Refused::Waits { .. }), "{refused}");
    }
    let stranger = Input::Train { train: "train:other-1".to_owned(), order: TrainOrder::Begin };
    assert_eq!(after(&plan, &mut state, 1, &stranger), Vec::<String>::new());
    let begun = after(&plan, &mut state, 2, &told(TrainOrder::Begin));
    assert_eq!(begun, ["Resumed at 10 %: its turn came in train:sale-1"]);
    assert_eq!((state.phase, state.waits_in()), (Phase::WarmingUp, None));
    assert_eq!(after(&plan, &mut state, 3, &told(TrainOrder::Begin)), Vec::<String>::new());
    let because = || told(TrainOrder::Return { because: "stock returned".to_owned() });
    let returned = after(&plan, &mut state, 4, &because());
    assert_eq!(returned, ["Rolled back the whole version: stock returned (train:sale-1)"]);
    assert_eq!(after(&plan, &mut state, 5, &because()), Vec::<String>::new());
}

#[test]
fn a_member_that_goes_together_with_others_is_ready_before_it_is_promoted_and_not_while_it_holds() {
    let (plan, mut state) = member(true);
    let events: [(u64, Input); 4] = [
        (1, told(TrainOrder::Begin)),
        (12, input("healthy")),
        (40, input("healthy")),
        (80, input("healthy")),
    ];
    for (second, input) in events {
        assert_eq!(after(&plan, &mut state, second, &input).len(), 1, "{second}");
    }
    assert_eq!(after(&plan, &mut state, 90, &told(TrainOrder::Promote)), Vec::<String>::new(), "not ready");
    let ready = after(&plan, &mut state, 141, &input("healthy"));
    assert_eq!(ready, ["Ready to be promoted; waits for the other members of its train"]);
    assert_eq!(after(&plan, &mut state, 142, &input("healthy")), Vec::<String>::new());
    assert!(state.ready && state.phase == Phase::Completing);
    after(&plan, &mut state, 150, &input("errors 100"));
    assert!(!state.ready, "a limit is exceeded");
    after(&plan, &mut state, 170, &input("healthy"));
    after(&plan, &mut state, 240, &input("healthy"));
    assert!(state.ready, "it was well for long enough again");
    let promoted = after(&plan, &mut state, 241, &told(TrainOrder::Promote));
    assert_eq!(promoted, ["Promoted: all members are ready (train:sale-1)"]);
}
