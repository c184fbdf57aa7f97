use serin_rollout::Granularity;

use super::*;
use crate::components::merge::tests::{tags, told};

fn plan() -> Plan {
    Plan::parse(
        "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n\
         - {name: cart, matches: [{path: {prefix: /cart}}], granularity: medium}\n\
         - {name: pay, matches: [{path: {prefix: /pay}}]}\n",
    )
    .unwrap()
}

fn coarse(component: &str) -> Tags {
    Tags { granularity: Some(Granularity::Coarse), ..tags(component) }
}

fn medium(component: &str) -> Tags {
    Tags { granularity: Some(Granularity::Medium), ..tags(component) }
}

fn words(omitted: &[Omitted]) -> Vec<&str> {
    omitted.iter().map(|one| one.words.as_str()).collect()
}

#[test]
fn all_routes_that_agree_give_a_tag_and_their_names() {
    let full = Tags {
        business_weight: TagWeight::new(2.5),
        depends_on: vec!["shop/cart".to_owned(), "stock/items".to_owned()],
        owner: Some("team-b".to_owned()),
        ..coarse("pay")
    };
    let mut told = [
        told("s", "pay", full, &["e1"]),
        told("r", "pay", coarse(""), &["e1", "e2"]),
        told("t", "unmatched", coarse("pay"), &["e2"]),
        told("u", "pay", tags("pay"), &["e3"]),
    ];
    let (with, omitted) = taking(&plan(), &told, &[]);
    assert_eq!(omitted, []);
    let texts: Vec<String> = with.taken().iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "pay: granularity coarse by route r, s, t",
            "pay: business_weight 2.5 by route s",
            "pay: depends_on cart by route s",
            "pay: depends_on stock/items by route s",
            "pay: owner team-b by route s",
        ]
    );
    told.reverse();
    assert_eq!(taking(&plan(), &told, &[]), (with, omitted));
}

#[test]
fn routes_that_do_not_agree_give_nothing_and_are_told_of() {
    let two = [told("r", "pay", coarse("pay"), &["e1"]), told("s", "pay", medium("pay"), &["e1", "e2"])];
    let (with, omitted) = taking(&plan(), &two, &[]);
    assert_eq!(with, plan());
    assert_eq!(
        words(&omitted),
        ["granularity: route s on e1, e2 says medium, route r on e1 says coarse: none was taken"]
    );
    let one_route = [told("r", "pay", coarse("pay"), &["e1"]), told("r", "pay", medium("pay"), &["e2"])];
    assert_eq!(taking(&plan(), &one_route, &[]).0, plan(), "two Envoys that differ");
}

#[test]
fn what_the_plan_says_is_not_on_offer_and_what_breaks_a_rule_is_told_of() {
    let said = [told("r", "cart", coarse("cart"), &["e1"]), told("s", "cart", medium("cart"), &["e1"])];
    assert_eq!(taking(&plan(), &said, &[]), (plan(), Vec::new()));
    let fine = Tags {
        granularity: Some(Granularity::Fine),
        depends_on: vec!["cart".to_owned(), "gone".to_owned()],
        ..tags("pay")
    };
    let (with, omitted) = taking(&plan(), &[told("r", "pay", fine, &["e1"])], &[]);
    assert_eq!(with.taken().len(), 1);
    assert_eq!(
        words(&omitted),
        [
            "granularity: fine by route r is not taken: a component of granularity fine needs blocks, which only the plan \
             can name",
            "depends_on: gone by route r is not taken: there is no component \"gone\" in this plan",
        ]
    );
}

#[test]
fn a_route_of_another_component_or_service_gives_nothing() {
    let mut elsewhere = told("r", "pay", coarse("pay"), &["e1"]);
    std::sync::Arc::make_mut(&mut elsewhere.said).service = "stock".to_owned();
    for told in [
        elsewhere,
        told("r", "pay", coarse("cart"), &["e1"]),
        told("r", "cart", coarse("pay"), &["e1"]),
        told("r", "unmatched", coarse(""), &["e1"]),
        told("r", "overflow", coarse(""), &["e1"]),
        told("r", "gone", coarse(""), &["e1"]),
    ] {
        assert_eq!(taking(&plan(), std::slice::from_ref(&told), &[]), (plan(), Vec::new()), "{told:?}");
    }
    let moved = told("r", "gone", coarse("pay"), &["e1"]);
    assert_eq!(taking(&plan(), &[moved], &[]).0.taken().len(), 1, "the component that it was of is no more");
}
