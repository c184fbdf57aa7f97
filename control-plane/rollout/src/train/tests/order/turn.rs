//! Trains that wait for their turn.

use super::*;

#[test]
fn a_train_that_waits_for_its_turn_begins_no_member_and_can_be_given_up() {
    let turn = || Some(Turn { group: Some("eu".to_owned()), max: 1 });
    let mut world = World::waiting(parse(TRAIN).unwrap(), turn());
    world.record(opened("shop", When::AllHealthy), "ann");
    world.settle();
    assert_eq!((world.began(), &world.state.queued), (vec![], &turn()));
    assert!(world.events[0].fact.text().ends_with("; waiting for its turn: 1 of group eu may run at once"));
    assert_eq!(TrainState::replay(&world.events).unwrap().1, world.state);
    world.record(TrainFact::TrainAdmitted, "serin");
    world.settle();
    assert_eq!((world.began(), &world.state.queued), (vec!["stock", "shop"], &None));

    let mut world = World::waiting(parse(TRAIN).unwrap(), turn());
    world.settle();
    let all = world.state.return_all(&world.plan, &world.seen, "not now".to_owned()).unwrap();
    world.record(all, "ann");
    world.all_settle();
    assert_eq!((world.state.ended, &world.state.queued), (Some(TrainEnd::RolledBack), &None));
}
