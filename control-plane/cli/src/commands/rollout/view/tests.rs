use serin_proto::admin::v1 as proto;

use super::*;

#[test]
fn a_new_rollout_says_what_it_took_and_what_not() {
    let taken = |text: &str| proto::TakenTag { text: text.to_owned(), ..proto::TakenTag::default() };
    let not_taken = proto::OmittedTag {
        component: "cart".to_owned(),
        text: "weight: route a on e1 says 2, route b on e1 says 3: none was taken".to_owned(),
    };
    let rollout = proto::Rollout {
        id: "shop-1".to_owned(),
        service: "shop".to_owned(),
        phase: proto::Phase::WarmingUp.into(),
        taken: vec![taken("pay: owner team-b by route r")],
        not_taken: vec![not_taken],
        ..proto::Rollout::default()
    };
    let text = created(&Rollout::from(rollout.clone()), "created").into_text();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "shop-1 (shop): created.",
            "Follow it with `serin rollout watch shop-1`.",
            "Taken where the plan is silent: pay: owner team-b by route r.",
            "cart: weight: route a on e1 says 2, route b on e1 says 3: none was taken.",
        ]
    );
    let silent = proto::Rollout { taken: Vec::new(), not_taken: Vec::new(), ..rollout };
    assert_eq!(created(&Rollout::from(silent), "created").into_text().lines().count(), 2);
}
